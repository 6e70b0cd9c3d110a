//! Moodle: a file for the import of grades, and the offline worksheet of an assignment, filled in.

use super::canvas::{finish, missing, text};
use super::comment;
use super::sheet::{Changed, Field, Sheet, decimal, delimiter};
use super::who::{Called, Id, Students};
use super::{ExportError, Filled, Grade, Grades, cell, number};

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
    let (whole, charset) = text(template)?;
    let sheet = Sheet::read(&whole, delimiter(whole.lines().next().unwrap_or_default()));
    let Some((head, rows)) = sheet.rows.split_first() else {
        return Err(ExportError::empty());
    };
    let columns = Columns::find(head, rows, &whole)?;
    let by = Students::new(grades, &participant);
    let mut used = vec![false; grades.rows.len()];
    let mut out = Filled {
        charset,
        ..Filled::default()
    };
    let mut changed = Changed::new(&sheet);
    let rows: Vec<&Vec<Field>> = rows
        .iter()
        .filter(|row| row.first().is_some_and(|id| !id.says.trim().is_empty()))
        .collect();
    let called: Vec<Called<'_>> = rows.iter().map(|row| columns.called(row)).collect();
    let places = by.of_rows(&called);
    let several = by.several(&called, &places);
    for ((fields, called), place) in rows.into_iter().zip(called).zip(places) {
        let says = |column: usize| fields.get(column).map(|field| field.says.trim());
        let Some(place) = place else {
            out.without_student(called.name, &several);
            continue;
        };
        if let Some(seen) = used.get_mut(place) {
            *seen = true;
        }
        let Some(row) = grades.rows.get(place) else {
            continue;
        };
        // Moodle passes over such a row, so what is in it stays as it is.
        let changeable = columns.maximum.and_then(|maximum| says(maximum + 1));
        if changeable.is_some_and(|says| NO.contains(&says.to_lowercase().as_str())) {
            if row.standing.score.is_some() {
                out.locked.push(called.name);
            }
            continue;
        }
        let mut cells = Vec::new();
        let was = says(columns.grade).unwrap_or_default();
        if let Some(score) = row.standing.score {
            let most = columns.maximum.and_then(says).and_then(decimal);
            let mut score = number(out.scale(score, &grades.lab, most));
            // As the file writes its maximum.
            if columns
                .maximum
                .and_then(says)
                .is_some_and(|most| most.contains(','))
            {
                score = score.replace('.', ",");
            }
            out.replaces(&called.name, was, &score);
            cells.push((columns.grade, score));
        }
        // Who gave the grade that stays has said why.
        let stays = row.standing.score.is_none() && !was.is_empty();
        if (row.standing.attempt.is_some() || row.standing.by_hand)
            && !stays
            && let Some(column) = columns.feedback
        {
            let was = says(column).unwrap_or_default();
            if comment::has_theirs(was) {
                out.commented.push(called.name.clone());
            }
            cells.push((column, comment::with_ours(was, &cell(&row.feedback))));
        }
        out.filled += usize::from(!cells.is_empty());
        changed.set(fields, cells);
    }
    out.text = changed.finish();
    out.missing = missing(&grades.rows, &used);
    Ok(out)
}

/// Moodle's number for a student in this assignment. Every assignment has its own, so that of the
/// download that was graded, where it was one, is better than what is known of the student.
#[must_use]
pub fn participant(grade: &Grade) -> Option<String> {
    let standing = &grade.standing;
    let attempt = standing.attempt.as_ref();
    attempt
        .and_then(|attempt| participant_in(&attempt.place).map(str::to_owned))
        .or_else(|| standing.student.person.lms.clone())
}

/// The number in the name of what a download of Moodle's has for a student.
#[must_use]
pub fn participant_in(place: &str) -> Option<&str> {
    let (before, _) = place.rsplit_once("_assignsubmission_")?;
    let (_, number) = before.rsplit_once('_')?;
    let digits = !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit());
    digits.then_some(number)
}

/// Where what stands. Only the order is the same in every language: the identifier first; the grade
/// behind the status, before the maximum and the time.
struct Columns {
    name: Option<usize>,
    numbers: Vec<usize>,
    logins: Vec<usize>,
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
/// What is in the header of the maximum.
const MAXIMUM: [&str; 7] = [
    "maxim",
    "максимальн",
    "bestwertung",
    "máxim",
    "maksymaln",
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
/// What is in the headers of the university's number, and of the name by which one logs in.
const NUMBER: [&str; 7] = [
    "id number",
    "индивидуальный",
    "id-nummer",
    "matrikel",
    "numéro d’identification",
    "numéro d'identification",
    "número de id",
];
const LOGIN: [&str; 6] = [
    "username",
    "логин",
    "anmeldename",
    "nom d’utilisateur",
    "nom d'utilisateur",
    "nombre de usuario",
];
/// The header of a scale, in the place of the maximum's.
const SCALE: [&str; 8] = [
    "scale",
    "шкала",
    "skala",
    "barème",
    "escala",
    "schaal",
    "scala",
    "評定尺度",
];
/// What says that a grade cannot be changed.
const NO: [&str; 11] = [
    "no",
    "нет",
    "nein",
    "non",
    "nee",
    "não",
    "nie",
    "ні",
    "ei",
    "いいえ",
    "否",
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
        let has = |words: &'static [&'static str]| {
            move |title: &str| words.iter().any(|word| title.contains(word))
        };
        let maximum = position(&has(&MAXIMUM));
        let words = |row: &Vec<Field>| {
            let most = row.get(maximum?)?.says.trim();
            (!matches!(most, "" | "-") && decimal(most).is_none()).then_some(())
        };
        if titles.iter().any(|title| SCALE.contains(&title.as_str()))
            || rows.iter().any(|row| words(row).is_some())
        {
            return Err(ExportError::template(
                "the assignment is graded by a scale: its words cannot be filled in; set Grade, Type to Point in its settings, or grade it by hand",
                "задание оценивается по шкале: её слова заполнить нельзя; задайте в настройках задания тип оценки «Балл» или поставьте оценки вручную",
            ));
        }
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
            let line = whole.trim_start_matches('\u{feff}').lines().next();
            let line = line.unwrap_or_default();
            return Err(ExportError::template(
                format!(
                    "this is no offline grading worksheet of Moodle: its first line is `{line}`; download it from the assignment, View all submissions, Grading action"
                ),
                format!(
                    "это не ведомость оценивания из Moodle: первая строка `{line}`; скачайте её в задании: «Просмотр всех ответов», «Действия оценивания»"
                ),
            ));
        };
        let all = |test: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let columns = titles.iter().enumerate();
            columns.filter(|(_, t)| test(t)).map(|(at, _)| at).collect()
        };
        Ok(Self {
            name: position(&begins(&NAME)),
            numbers: all(&has(&NUMBER)),
            logins: all(&has(&LOGIN)),
            grade,
            maximum,
            feedback: position(&begins(&FEEDBACK)),
        })
    }
    fn called<'f>(&self, row: &'f [Field]) -> Called<'f> {
        let says = |column: usize| row.get(column).map(|field| field.says.trim());
        // `Participant 1007`, `Участник1007`.
        let own = says(0).unwrap_or_default();
        let prefix = own.trim_end_matches(|c: char| c.is_ascii_digit());
        let mut ids = vec![(Id::Lms, own.get(prefix.len()..).unwrap_or_default())];
        let of = |columns: &[usize], kind: Id| -> Vec<(Id, &'f str)> {
            let cells = columns.iter().filter_map(|column| says(*column));
            cells.map(|cell| (kind, cell)).collect()
        };
        ids.extend(of(&self.numbers, Id::Number));
        ids.extend(of(&self.logins, Id::Login));
        // An address is known by itself, in whichever language its header is.
        let before = row.iter().take(self.grade).map(|field| field.says.trim());
        let addresses = before.filter(|says| says.contains('@') && !says.contains(' '));
        ids.extend(addresses.map(|address| (Id::Email, address)));
        let name = self.name.and_then(says).filter(|name| !name.is_empty());
        Called {
            ids,
            name: name.unwrap_or(own).to_owned(),
        }
    }
}
