//! Moodle: a file for the import of grades, and the offline worksheet of an assignment, filled in.

use super::canvas::{Students, finish, missing, text};
use super::sheet::{Changed, Field, Sheet, decimal};
use super::{ExportError, Filled, Grades, cell, number};

/// A CSV file for *Grades, Import*: mapped by e-mail address or ID number, with the grade and the
/// feedback, because an import without the feedback loses what is there.
///
/// # Errors
/// A row cannot be written.
pub fn gradebook(grades: &Grades) -> Result<Filled, ExportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let lab = &grades.lab.name;
    writer.write_record([
        "ID number",
        "Email address",
        "Full name",
        lab.as_str(),
        &format!("{lab} (feedback)"),
    ])?;
    let mut out = Filled::default();
    for row in &grades.rows {
        let student = &row.standing.student;
        let person = &student.person;
        if person.number.is_none() && person.email.is_none() {
            out.missing.push(student.qualified());
        }
        out.filled += usize::from(row.standing.score.is_some());
        writer.write_record([
            &cell(person.number.as_deref().unwrap_or_default()),
            &cell(person.email.as_deref().unwrap_or_default()),
            &cell(student.full_name()),
            &row.standing.score.map(number).unwrap_or_default(),
            &cell(&row.feedback),
        ])?;
    }
    out.text = finish(writer)?;
    Ok(out)
}

/// Fills the grades and the feedback in a worksheet that Moodle gave (*Download grading worksheet*),
/// in whatever language its headers are. Every other byte stays as it is.
///
/// # Errors
/// It is no such worksheet.
pub fn fill(grades: &Grades, template: &[u8]) -> Result<Filled, ExportError> {
    let whole = text(template)?;
    let sheet = Sheet::read(whole, ',');
    let Some((head, rows)) = sheet.rows.split_first() else {
        return Err(ExportError::Template("the template is empty".to_owned()));
    };
    let columns = Columns::find(head, rows, whole)?;
    let by = Students::new(grades);
    let mut used = vec![false; grades.rows.len()];
    let mut out = Filled::default();
    let mut changed = Changed::new(&sheet);
    for fields in rows {
        let says = |column: usize| fields.get(column).map(|field| field.says.trim());
        let Some(participant) = says(0).filter(|id| !id.is_empty()) else {
            continue;
        };
        let digits: String = participant.chars().filter(char::is_ascii_digit).collect();
        let name = columns.name.and_then(says).unwrap_or_default();
        let mut ids: Vec<Option<&str>> = vec![Some(digits.as_str())];
        ids.extend(columns.others.iter().map(|column| says(*column)));
        let Some(place) = by.find(&ids, name) else {
            out.unknown.push(if name.is_empty() {
                participant.to_owned()
            } else {
                name.to_owned()
            });
            continue;
        };
        if let Some(seen) = used.get_mut(place) {
            *seen = true;
        }
        let Some(row) = grades.rows.get(place) else {
            continue;
        };
        let mut cells = Vec::new();
        if let Some(score) = row.standing.score {
            let most = columns.maximum.and_then(says).and_then(decimal);
            cells.push((columns.grade, number(out.scale(score, &grades.lab, most))));
            out.filled += 1;
        }
        if row.standing.attempt.is_some()
            && let Some(column) = columns.feedback
        {
            cells.push((column, cell(&row.feedback)));
        }
        changed.set(fields, cells);
    }
    out.text = changed.finish();
    out.missing = missing(&grades.rows, &used);
    Ok(out)
}

/// Where what stands. Only the order is the same in every language: the identifier first; the grade
/// behind the status, before the maximum and the time.
struct Columns {
    name: Option<usize>,
    others: Vec<usize>,
    grade: usize,
    maximum: Option<usize>,
    feedback: Option<usize>,
}

/// The header of the grade, in the languages of Moodle's packs; lower case.
const GRADE: [&str; 12] = [
    "grade",
    "оценка",
    "bewertung",
    "cijfer",
    "note",
    "calificación",
    "nota",
    "ocena",
    "評点",
    "成绩",
    "оцінка",
    "valutazione",
];
const MAXIMUM: [&str; 9] = [
    "maximum",
    "максимальн",
    "bestwertung",
    "maximum",
    "maximale",
    "máxim",
    "maksymalna",
    "最大",
    "massim",
];
const FEEDBACK: [&str; 10] = [
    "feedback",
    "отзыв",
    "rückmeldung",
    "commentaire",
    "comentario",
    "retroalimentación",
    "komentarz",
    "フィードバック",
    "反馈",
    "відгук",
];
const NAME: [&str; 10] = [
    "full name",
    "полное имя",
    "имя / фамилия",
    "vollständiger name",
    "nom complet",
    "nombre completo",
    "volledige naam",
    "pełna nazwa",
    "nome completo",
    "姓名",
];
const OTHER: [&str; 6] = [
    "email",
    "e-mail",
    "почт",
    "id number",
    "индивидуальный",
    "matrikel",
];

impl Columns {
    fn find(head: &[Field], rows: &[Vec<Field>], whole: &str) -> Result<Self, ExportError> {
        let titles: Vec<String> = head
            .iter()
            .map(|field| {
                field
                    .says
                    .trim_start_matches('\u{feff}')
                    .trim()
                    .to_lowercase()
            })
            .collect();
        let position = |test: &dyn Fn(&str) -> bool| titles.iter().position(|t| test(t));
        let begins = |words: &'static [&'static str]| {
            move |title: &str| words.iter().any(|word| title.starts_with(word))
        };
        let maximum = position(&begins(&MAXIMUM));
        // `Grade`, but not `Last modified (grade)` and not `Grade can be changed`.
        let grade = position(&|title| GRADE.contains(&title)).or_else(|| {
            let before = maximum?.checked_sub(1)?;
            (before > 0).then_some(before)
        });
        let participant = rows
            .first()
            .and_then(|row| row.first())
            .is_some_and(|field| {
                let digits = field.says.trim_end().chars().rev();
                digits.take_while(char::is_ascii_digit).count() > 0
            });
        let Some(grade) = grade.filter(|_| participant || rows.is_empty()) else {
            let line = whole.lines().next().unwrap_or_default();
            return Err(ExportError::Template(format!(
                "this is no offline grading worksheet of Moodle: its first line is `{line}`; download it from the assignment, View all submissions, Grading action"
            )));
        };
        let others = titles
            .iter()
            .enumerate()
            .filter(|(_, title)| begins(&OTHER)(title))
            .map(|(column, _)| column)
            .collect();
        Ok(Self {
            name: position(&begins(&NAME)),
            others,
            grade,
            maximum,
            feedback: position(&begins(&FEEDBACK)),
        })
    }
}
