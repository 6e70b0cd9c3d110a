//! Canvas: the file that the teacher exported, with one column filled in
//! (canvas-lms, `lib/gradebook_importer.rb`).

use std::collections::HashMap;

use super::sheet::{Changed, Field, Sheet, decimal};
use super::{ExportError, Filled, Grade, Grades, number};

/// Where what stands.
struct Columns {
    name: usize,
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
    let text = text(template)?;
    // Canvas tells the delimiter from the first three lines.
    let head: String = text.lines().take(3).collect();
    let semicolons = head.matches(';').count() > head.matches(',').count();
    let sheet = Sheet::read(text, if semicolons { ';' } else { ',' });
    let columns = Columns::find(&sheet, assignment)?;
    let most = columns.possible(&sheet)?;
    let by = Students::new(grades);
    let mut used = vec![false; grades.rows.len()];
    let mut out = Filled::default();
    let mut changed = Changed::new(&sheet);
    for row in sheet.rows.iter().skip(1) {
        let at = |column: usize| cell(row, column);
        let heading = row.iter().all(|field| field.says.trim().is_empty())
            || columns.says_possible(row)
            // The second line of some exports says which columns are posted by hand.
            || (at(columns.name).is_none() && at(columns.id).is_none());
        if heading {
            continue;
        }
        let names = [
            at(columns.id),
            columns.sis.and_then(at),
            columns.login.and_then(at),
        ];
        let name = at(columns.name).unwrap_or_default();
        let Some(place) = by.find(&names, name) else {
            if name != "Student, Test" {
                out.unknown.push(name.to_owned());
            }
            continue;
        };
        if let Some(seen) = used.get_mut(place) {
            *seen = true;
        }
        // A cell that says "excused" is the teacher's decision.
        let excused = at(columns.column).is_some_and(|cell| cell.eq_ignore_ascii_case("ex"));
        let score = grades.rows.get(place).and_then(|row| row.standing.score);
        if let Some(score) = score.filter(|_| !excused) {
            let score = out.scale(score, &grades.lab, most);
            changed.set(row, vec![(columns.column, number(score))]);
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

pub(super) fn text(template: &[u8]) -> Result<&str, ExportError> {
    std::str::from_utf8(template).map_err(|error| {
        let line = template
            .iter()
            .take(error.valid_up_to())
            .filter(|c| **c == b'\n')
            .count();
        ExportError::Template(format!(
            "the template is not UTF-8 in line {}; take the file as it was downloaded, not saved anew by a spreadsheet",
            line + 1
        ))
    })
}

impl Columns {
    fn find(sheet: &Sheet<'_>, assignment: &str) -> Result<Self, ExportError> {
        let bad = |why: String| Err(ExportError::Template(why));
        let Some(head) = sheet.rows.first() else {
            return bad("the template is empty".to_owned());
        };
        let titles: Vec<&str> = head.iter().map(|field| field.says.trim()).collect();
        let find = |test: &dyn Fn(&str) -> bool| titles.iter().position(|title| test(title));
        let (Some(name), Some(id)) = (
            find(&|t| t.contains("Student")),
            find(&|t| t == "ID" || t.contains("ID") && !t.contains("SIS")),
        ) else {
            return bad(
            "the template has no columns `Student` and `ID`: it is no gradebook that Canvas exported"
                .to_owned(),
        );
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
            return bad(format!(
                "the template has not one column `{wanted}`; assignments in it: {}",
                known.join(", ")
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

    /// Whether it is the row that says what each assignment is worth.
    fn says_possible(&self, row: &[Field]) -> bool {
        cell(row, self.name).is_some_and(|name| name.contains("Points Possible"))
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
            return Err(ExportError::Template(format!(
                "the column `{}` is read only (`{says}` in the row `Points Possible`): Canvas would refuse the file; \
                 name an assignment that can be graded with --assignment, or let Canvas export the gradebook anew once this one can be",
                title.unwrap_or_default()
            )));
        }
        Ok(decimal(says))
    }
}

/// The students by whatever a file may call them. A name of several is nobody's.
pub(super) struct Students {
    names: HashMap<String, Option<usize>>,
}

impl Students {
    pub(super) fn new(grades: &Grades) -> Self {
        let mut names: HashMap<String, Option<usize>> = HashMap::new();
        for (place, row) in grades.rows.iter().enumerate() {
            let student = &row.standing.student;
            let person = &student.person;
            let mut known = vec![
                simple(student.full_name()),
                simple(&student.name),
                words(student.full_name()),
            ];
            let ids = [&person.lms, &person.number, &person.login, &person.email];
            known.extend(ids.into_iter().flatten().map(|id| id.trim().to_lowercase()));
            known.sort();
            known.dedup();
            for name in known.into_iter().filter(|name| !name.is_empty()) {
                names
                    .entry(name)
                    .and_modify(|other| *other = None)
                    .or_insert(Some(place));
            }
        }
        Self { names }
    }

    /// By an identifier first, by name if none fits.
    pub(super) fn find(&self, ids: &[Option<&str>], name: &str) -> Option<usize> {
        let ids = ids.iter().flatten().map(|id| id.trim().to_lowercase());
        ids.chain([simple(name), words(name)])
            .find_map(|name| *self.names.get(&name)?)
    }
}

/// `Ivanov, Ivan` as `ivanov ivan`.
fn simple(name: &str) -> String {
    let parts: Vec<String> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_lowercase)
        .collect();
    parts.join(" ")
}

/// The same in whichever order the parts are written.
fn words(name: &str) -> String {
    let simple = simple(name);
    let mut parts: Vec<&str> = simple.split(' ').collect();
    parts.sort_unstable();
    format!("any order: {}", parts.join(" "))
}
