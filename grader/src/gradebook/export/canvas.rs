//! Canvas: the file that the teacher exported, with one column filled in
//! (canvas-lms, `lib/gradebook_importer.rb`).

use super::sheet::{Changed, Field, Sheet, decimal, delimiter};
use super::who::{Called, Id, Students};
use super::{ExportError, Filled, Grade, Grades, number};
use crate::charset::{Charset, is_workbook};

/// Where what stands.
struct Columns {
    /// One, or two: `LastName`, `FirstName`.
    name: Vec<usize>,
    id: usize,
    sis: Option<usize>,
    login: Option<usize>,
    /// The column of the assignment.
    column: usize,
}

/// The name under which Canvas takes feedback back (*Upload submissions*, a zip of files): that of a
/// file it gave, with the student's number and the file's, `petrovaanna_1007_55001_feedback.html`.
/// `None` where `place` is no file of Canvas's.
#[must_use]
pub fn feedback_name(place: &str, student: &str) -> Option<String> {
    let name = place.rsplit('/').next()?;
    let (head, rest) = name.split_once(&format!("_{student}_"))?;
    let (number, _) = rest.split_once('_')?;
    let is_number = !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit());
    is_number.then(|| format!("{head}_{student}_{number}_feedback.html"))
}

/// Fills the column of `assignment` (its title, with or without Canvas's number) in a gradebook that
/// Canvas exported, with points scaled to what the assignment is worth. Every other byte stays as it
/// is.
///
/// # Errors
/// The template is no export of Canvas, has no such column, or one that nobody may fill.
pub fn fill(grades: &Grades, template: &[u8], assignment: &str) -> Result<Filled, ExportError> {
    let (text, charset) = text(template)?;
    // Canvas tells the delimiter from the first three lines.
    let head: Vec<&str> = text.lines().take(3).collect();
    let sheet = Sheet::read(&text, delimiter(&head.concat()));
    let columns = Columns::find(&sheet, assignment)?;
    let most = columns.possible(&sheet)?;
    let by = Students::new(grades, &|grade| grade.standing.student.person.lms.clone());
    let mut used = vec![false; grades.rows.len()];
    let mut out = Filled {
        charset,
        ..Filled::default()
    };
    let mut changed = Changed::new(&sheet);
    let rows: Vec<&Vec<Field>> = sheet
        .rows
        .iter()
        .skip(1)
        .filter(|row| columns.is_students(row))
        .collect();
    let called: Vec<Called<'_>> = rows.iter().map(|row| columns.called(row)).collect();
    let places = by.of_rows(&called);
    let several = by.several(&called, &places);
    for ((row, called), place) in rows.into_iter().zip(called).zip(places) {
        let Some(place) = place else {
            if called.name != "Student, Test" {
                out.without_student(called.name, &several);
            }
            continue;
        };
        if let Some(seen) = used.get_mut(place) {
            *seen = true;
        }
        // A cell that says "excused" is the teacher's decision.
        let excused = cell(row, columns.column).is_some_and(|cell| cell.eq_ignore_ascii_case("ex"));
        let score = grades.rows.get(place).and_then(|row| row.standing.score);
        if excused {
            if score.is_some() {
                out.excused.push(called.name);
            }
            continue;
        }
        if let Some(score) = score {
            let score = number(out.scale(score, &grades.lab, most));
            let was = cell(row, columns.column).unwrap_or_default();
            out.replaces(&called.name, was, &score);
            changed.set(row, vec![(columns.column, score)]);
            out.filled += 1;
        }
    }
    out.text = changed.finish();
    out.missing = missing(&grades.rows, &used);
    Ok(out)
}

/// What a cell says, if anything.
fn cell(row: &[Field], column: usize) -> Option<&str> {
    let says = row.get(column)?.says.trim();
    (!says.is_empty()).then_some(says)
}

pub(super) fn finish(writer: csv::Writer<Vec<u8>>) -> Result<String, ExportError> {
    let bytes = writer
        .into_inner()
        .map_err(|error| ExportError::Csv(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Students with points whom no row of the file is.
pub(super) fn missing(rows: &[Grade], used: &[bool]) -> Vec<String> {
    rows.iter()
        .zip(used)
        .filter(|(row, used)| !**used && row.standing.score.is_some())
        .map(|(row, _)| row.standing.student.qualified())
        .collect()
}

/// The file's text and how it is encoded.
pub(super) fn text(template: &[u8]) -> Result<(String, Charset), ExportError> {
    if is_workbook(template) {
        return Err(ExportError::template(
            "a spreadsheet's workbook, not a CSV file; take the CSV file as it was downloaded",
            "книга электронной таблицы, а не CSV; возьмите файл CSV таким, как он был скачан",
        ));
    }
    Charset::decode(template).ok_or_else(|| {
        let good = std::str::from_utf8(template).map_or_else(|error| error.valid_up_to(), str::len);
        let line = template.iter().take(good).filter(|c| **c == b'\n').count() + 1;
        ExportError::template(
            format!("the template is not UTF-8 in line {line}, nor is all of it Russian in CP1251; take the file as it was downloaded, not saved anew by a spreadsheet"),
            format!("в строке {line} шаблон не в UTF-8, и целиком он не по-русски в CP1251; возьмите файл таким, как он был скачан, не сохранённый заново в электронной таблице"),
        )
    })
}

impl Columns {
    fn find(sheet: &Sheet<'_>, assignment: &str) -> Result<Self, ExportError> {
        let Some(head) = sheet.rows.first() else {
            return Err(ExportError::empty());
        };
        let titles: Vec<&str> = head.iter().map(|field| field.says.trim()).collect();
        let find = |test: &dyn Fn(&str) -> bool| titles.iter().position(|title| test(title));
        let name = match find(&|t| t.contains("Student")) {
            Some(name) => Some(vec![name]),
            // Where the course lets Canvas write names in two columns.
            None => find(&|t| t == "LastName")
                .zip(find(&|t| t == "FirstName"))
                .map(|(last, first)| vec![last, first]),
        };
        let (Some(name), Some(id)) = (
            name,
            find(&|t| t == "ID" || t.contains("ID") && !t.contains("SIS")),
        ) else {
            return Err(ExportError::template(
                "the template has no columns `Student` and `ID`: it is no gradebook that Canvas exported",
                "в шаблоне нет столбцов `Student` и `ID`: это не ведомость, которую выгрузил Canvas",
            ));
        };
        let wanted = assignment.trim();
        let number = |title: &str| {
            let (name, id) = title.rsplit_once(" (")?;
            let id = id.strip_suffix(')')?;
            let digits = !id.is_empty() && id.bytes().all(|c| c.is_ascii_digit());
            digits.then(|| (name.trim().to_owned(), id.to_owned()))
        };
        let fits = |title: &str| {
            title == wanted
                || number(title).is_some_and(|(name, id)| name == wanted || id == wanted)
        };
        let mut fitting = titles.iter().enumerate().filter(|(_, title)| fits(title));
        let (Some((column, _)), None) = (fitting.next(), fitting.next()) else {
            let known: Vec<&str> = titles
                .iter()
                .copied()
                .filter(|title| number(title).is_some())
                .collect();
            let known = known.join(", ");
            return Err(ExportError::template(
                format!(
                    "the template has not one column `{wanted}`; name one of these with --assignment: {known}"
                ),
                format!(
                    "в шаблоне нет ровно одного столбца `{wanted}`; назовите один из этих в --assignment: {known}"
                ),
            ));
        };
        Ok(Self {
            name,
            id,
            sis: find(&|t| t == "SIS User ID"),
            login: find(&|t| t == "SIS Login ID"),
            column,
        })
    }

    /// Whether it is the row of a student, and not one that says something about the columns: what is
    /// possible, which are posted by hand.
    fn is_students(&self, row: &[Field]) -> bool {
        let mut who = self.name.iter().chain([&self.id]);
        !self.says_possible(row) && who.any(|column| cell(row, *column).is_some())
    }

    fn called<'f>(&self, row: &'f [Field]) -> Called<'f> {
        let ids = [
            (Id::Lms, Some(self.id)),
            (Id::Number, self.sis),
            (Id::Login, self.login),
        ];
        let name: Vec<&str> = self.name.iter().filter_map(|c| cell(row, *c)).collect();
        Called {
            ids: ids
                .into_iter()
                .filter_map(|(kind, column)| Some((kind, cell(row, column?)?)))
                .collect(),
            name: name.join(", "),
        }
    }

    /// Whether it is the row that says what each assignment is worth.
    fn says_possible(&self, row: &[Field]) -> bool {
        let first = self.name.first().and_then(|column| cell(row, *column));
        first.is_some_and(|name| name.contains("Points Possible"))
    }

    /// What the assignment is worth, where the file tells it.
    fn possible(&self, sheet: &Sheet<'_>) -> Result<Option<f64>, ExportError> {
        let row = sheet
            .rows
            .iter()
            .skip(1)
            .find(|row| self.says_possible(row));
        let Some(says) = row.and_then(|row| cell(row, self.column)) else {
            return Ok(None);
        };
        if says.to_lowercase().contains("read only") {
            let title = sheet.rows.first().and_then(|head| cell(head, self.column));
            let title = title.unwrap_or_default();
            return Err(ExportError::template(
                format!(
                    "the column `{title}` is read only (`{says}` in the row `Points Possible`): Canvas would refuse the file; \
                     name an assignment that can be graded with --assignment, or let Canvas export the gradebook anew once this one can be"
                ),
                format!(
                    "столбец `{title}` нельзя изменять (`{says}` в строке `Points Possible`): Canvas не примет файл; \
                     назовите в --assignment задание, которое можно оценивать, или выгрузите ведомость из Canvas заново, когда будет можно"
                ),
            ));
        }
        Ok(decimal(says))
    }
}
