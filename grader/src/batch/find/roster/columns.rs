//! A table as spreadsheets and learning management systems write it: its text, its separator, and
//! what its titles mean.

/// The columns that are read, by the names they go by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Student,
    Group,
    Name,
    First,
    Last,
    Patronymic,
    Email,
    Number,
    Login,
    Lms,
    /// Another name of the student: a GitHub login, a branch's prefix.
    Alias,
}

fn column(title: &str) -> Option<Column> {
    let title = title.trim().to_lowercase().replace('ё', "е");
    Some(match title.as_str() {
        "student" | "directory" | "id" | "student_id" | "студент" => Column::Student,
        "group" | "groups" | "section" | "группа" | "группы" => Column::Group,
        "name" | "full name" | "full_name" | "student name" | "имя" | "фио" => Column::Name,
        "first name" | "first_name" | "имя собственное" => Column::First,
        "last name" | "last_name" | "surname" | "фамилия" => Column::Last,
        "middle name" | "middle_name" | "patronymic" | "отчество" => Column::Patronymic,
        "email"
        | "email address"
        | "e-mail"
        | "почта"
        | "адрес электронной почты"
        | "электронная почта" => Column::Email,
        "number" | "id number" | "sis user id" | "sid" | "номер" | "индивидуальный номер" => {
            Column::Number
        }
        _ if is_a_students_book(&title) => Column::Number,
        "login" | "sis login id" | "username" | "user" | "логин" => Column::Login,
        "lms" | "canvas id" | "participant" | "identifier" => Column::Lms,
        "github" | "github_username" | "gitlab" | "alias" | "branch" => Column::Alias,
        _ => return None,
    })
}

/// A student's book or card, or its number, as lists of dean's offices call it.
fn is_a_students_book(title: &str) -> bool {
    let what = ["номер ", "№ ", "№"]
        .iter()
        .find_map(|number| title.strip_prefix(number))
        .unwrap_or(title);
    matches!(
        what,
        "зачетка"
            | "зачетки"
            | "зачетная книжка"
            | "зачетной книжки"
            | "зач. книжка"
            | "зач. книжки"
            | "студ. билет"
            | "студ. билета"
            | "студенческий билет"
            | "студенческого билета"
    )
}

/// The titles that mean nothing here. Of lists that another system has exported that is as it should be.
pub(super) fn unused(titles: &csv::StringRecord, columns: &[Option<Column>]) -> Vec<String> {
    if is_exported(titles) {
        return Vec::new();
    }
    let all = titles.iter().zip(columns);
    all.filter(|(title, column)| column.is_none() && !title.trim().is_empty())
        .map(|(title, _)| title.trim().to_owned())
        .collect()
}

fn is_exported(titles: &csv::StringRecord) -> bool {
    let has = |wanted: &str| {
        titles
            .iter()
            .any(|title| title.eq_ignore_ascii_case(wanted))
    };
    [
        &["Student", "ID", "Section"][..],
        &["identifier", "github_username"],
    ]
    .iter()
    .any(|all| all.iter().all(|title| has(title)))
}

/// The columns of a table. What some titles mean the others tell.
pub(super) fn columns(titles: &csv::StringRecord) -> Vec<Option<Column>> {
    let has = |wanted: &str| {
        let mut titles = titles.iter();
        titles.any(|title| title.trim().eq_ignore_ascii_case(wanted))
    };
    // As Canvas exports its gradebook: `Student` is the name, `ID` Canvas's own number.
    let of_canvas = ["Student", "ID", "Section"].into_iter().all(has);
    // As GitHub Classroom does: `identifier` is how the teacher calls the student.
    let of_classroom = ["identifier", "github_username"].into_iter().all(has);
    let mut columns: Vec<_> = titles
        .iter()
        .map(|title| match column(title) {
            Some(Column::Student) if of_canvas && title.trim().eq_ignore_ascii_case("ID") => {
                Some(Column::Lms)
            }
            Some(Column::Lms) if of_classroom => Some(Column::Student),
            column => column,
        })
        .collect();
    // As Moodle exports its participants in Russian: `Имя`, `Фамилия`.
    if columns.contains(&Some(Column::Last)) && !columns.contains(&Some(Column::First)) {
        for column in &mut columns {
            if *column == Some(Column::Name) {
                *column = Some(Column::First);
            }
        }
    }
    columns
}

/// What separates the cells, by the line of titles.
pub(super) fn separator(titles: &str) -> u8 {
    let often = |separator: &u8| titles.bytes().filter(|byte| byte == separator).count();
    // Of equals the last: a comma.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(often)
        .unwrap_or(b',')
}
