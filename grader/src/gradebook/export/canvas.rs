//! Canvas: the file that the teacher exported, with one column filled in
//! (canvas-lms, `lib/gradebook_importer.rb`).

use std::collections::HashMap;

use super::{ExportError, Filled, Grade, Grades, number};

/// What a line of the template is.
struct Columns {
    delimiter: u8,
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
/// Canvas exported. Every other cell stays as it is.
///
/// # Errors
/// The template is no export of Canvas, or has no such column.
pub fn fill(grades: &Grades, template: &[u8], assignment: &str) -> Result<Filled, ExportError> {
    let text = text(template)?;
    let columns = columns(text, assignment)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(columns.delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut writer = csv::WriterBuilder::new()
        .delimiter(columns.delimiter)
        .flexible(true)
        .from_writer(Vec::new());
    let by = Students::new(grades);
    let mut used = vec![false; grades.rows.len()];
    let mut out = Filled::default();
    for (line, record) in reader.records().enumerate() {
        let record = record?;
        let mut cells: Vec<String> = record.iter().map(str::to_owned).collect();
        let at = |column: Option<usize>| {
            let cell = column.and_then(|column| record.get(column));
            cell.map(str::trim).filter(|cell| !cell.is_empty())
        };
        let heading = line == 0
            || record.iter().all(|cell| cell.trim().is_empty())
            || at(Some(columns.name)).is_some_and(|n| n.contains("Points Possible"))
            // The second line of some exports says which columns are posted by hand.
            || (at(Some(columns.name)).is_none() && at(Some(columns.id)).is_none());
        if heading {
            writer.write_record(&cells)?;
            continue;
        }
        let names = [at(Some(columns.id)), at(columns.sis), at(columns.login)];
        let name = at(Some(columns.name)).unwrap_or_default();
        match by.find(&names, name) {
            Some(place) => {
                if let Some(seen) = used.get_mut(place) {
                    *seen = true;
                }
                let score = grades.rows.get(place).and_then(|row| row.standing.score);
                if let Some(score) = score {
                    if cells.len() <= columns.column {
                        cells.resize(columns.column + 1, String::new());
                    }
                    // A cell that says "excused" is the teacher's decision.
                    if let Some(cell) = cells.get_mut(columns.column)
                        && !cell.trim().eq_ignore_ascii_case("ex")
                    {
                        *cell = number(score);
                        out.filled += 1;
                    }
                }
            }
            None if name != "Student, Test" => out.unknown.push(name.to_owned()),
            None => {}
        }
        writer.write_record(&cells)?;
    }
    out.text = finish(writer)?;
    out.missing = missing(&grades.rows, &used);
    Ok(out)
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

fn columns(text: &str, assignment: &str) -> Result<Columns, ExportError> {
    let bad = |why: String| Err(ExportError::Template(why));
    let text = text.trim_start_matches('\u{feff}');
    // Canvas tells the delimiter from the first three lines.
    let head: String = text.lines().take(3).collect();
    let semicolons = head.matches(';').count() > head.matches(',').count();
    let delimiter = if semicolons { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let titles = match reader.records().next() {
        Some(record) => record?,
        None => return bad("the template is empty".to_owned()),
    };
    let find = |test: &dyn Fn(&str) -> bool| titles.iter().position(|title| test(title.trim()));
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
        title == wanted || number(title).is_some_and(|(name, id)| name == wanted || id == wanted)
    };
    let mut fitting = titles
        .iter()
        .enumerate()
        .filter(|(_, title)| fits(title.trim()));
    let (Some((column, _)), None) = (fitting.next(), fitting.next()) else {
        let known: Vec<&str> = titles
            .iter()
            .filter(|title| number(title).is_some())
            .collect();
        return bad(format!(
            "the template has not one column `{wanted}`; assignments in it: {}",
            known.join(", ")
        ));
    };
    Ok(Columns {
        delimiter,
        name,
        id,
        sis: find(&|t| t == "SIS User ID"),
        login: find(&|t| t == "SIS Login ID"),
        column,
    })
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
