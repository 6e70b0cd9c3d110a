//! The class's list: a CSV file that says which names belong to one student.

mod columns;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

use self::columns::{Column, columns, separator};
use crate::batch::Person;
use crate::batch::item::composed;
use crate::charset::{Charset, is_workbook};
use crate::lab::{Lang, Text};
use crate::locale::system_error;

/// The students of a class.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// In the file's order.
    pub students: Vec<RosterRow>,
    /// How the file was encoded.
    pub charset: Charset,
    /// Titles of columns that are not understood.
    pub unused: Vec<String>,
    /// Any name of a student, simplified, to the places in `students` of those who bear it.
    names: BTreeMap<String, Vec<usize>>,
    /// The same with `е` for `ё`: many write one for the other.
    loose: BTreeMap<String, Vec<usize>>,
    /// The LMS's own numbers, likewise.
    accounts: BTreeMap<String, usize>,
}

/// A student.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterRow {
    /// The group; may be empty.
    pub group: String,
    /// The name by which the gradebook knows the student.
    pub student: String,
    /// What else is known.
    pub person: Person,
}

/// A roster that cannot be used.
#[derive(Debug, Error)]
pub enum RosterError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: Text,
    },
    /// There is nothing in the file, or nothing below its titles.
    #[error(
        "{}: {what}; the first line names the columns, such as group,student,name,email,number, and each other line a student", path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
        /// How empty it is.
        what: Text,
    },
    /// No column says who a student is.
    #[error(
        "{}: no column of the first line names the students; it needs one of student, login, email or name, and has {columns}", path.display()
    )]
    NoNames {
        /// The file.
        path: PathBuf,
        /// The columns there are.
        columns: String,
    },
    /// A row that names nobody, or one who is there already.
    #[error("{}, line {line}: {why}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong.
        why: Text,
    },
}

impl RosterError {
    /// The same for who reads `lang`. What comes from the system stays as it is.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (_, Lang::En) => self.to_string(),
            (Self::Unreadable { path, error }, _) => {
                format!("{}: {}", path.display(), error.in_lang(lang))
            }
            (Self::Empty { path, what }, _) => format!(
                "{}: {}; первая строка называет столбцы, например group,student,name,email,number, а каждая другая — студента",
                path.display(),
                what.in_lang(lang)
            ),
            (Self::NoNames { path, columns }, _) => format!(
                "{}: ни один столбец первой строки не называет студентов; нужен student, login, email или name, а есть {columns}",
                path.display()
            ),
            (Self::Row { path, line, why }, _) => {
                format!("{}, строка {line}: {}", path.display(), why.in_lang(lang))
            }
        }
    }
}

/// What a reader says, in its own words.
fn system(error: &dyn std::fmt::Display) -> Text {
    Text {
        en: error.to_string(),
        ru: None,
    }
}

impl Roster {
    /// Reads a CSV file; commas, semicolons or tabs separate.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn read(path: &Path) -> Result<Self, RosterError> {
        let bytes = std::fs::read(path).map_err(|error| RosterError::Unreadable {
            path: path.to_owned(),
            error: Text::both(error.to_string(), system_error(&error, Lang::Ru)),
        })?;
        if is_workbook(&bytes) {
            return Err(RosterError::Unreadable {
                path: path.to_owned(),
                error: Text::both(
                    "a spreadsheet's workbook, not a CSV file; save it as CSV UTF-8",
                    "книга электронной таблицы, а не CSV; сохраните как CSV UTF-8",
                ),
            });
        }
        let decoded = Charset::decode(&bytes);
        let (text, charset) = decoded.ok_or_else(|| RosterError::Unreadable {
            path: path.to_owned(),
            error: Text::both(
                "neither UTF-8 nor Russian in CP1251; save it as CSV UTF-8",
                "не в UTF-8 и не по-русски в CP1251; сохраните как CSV UTF-8",
            ),
        })?;
        let roster = Self::parse(&composed(&text), path)?;
        Ok(Self { charset, ..roster })
    }

    fn parse(text: &str, path: &Path) -> Result<Self, RosterError> {
        let empty = |en: &str, ru: &str| RosterError::Empty {
            path: path.to_owned(),
            what: Text::both(en, ru),
        };
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(empty("the file is empty", "файл пуст"));
        }
        let first = text.lines().next().unwrap_or_default();
        let (mut text, mut delimiter) = (text, separator(first));
        // Said to Excel, which does not show the line. What is left begins with its end, so that lines keep
        // their numbers.
        if let Some(&[said]) = first.strip_prefix("sep=").map(str::as_bytes) {
            (text, delimiter) = (text.get(first.len()..).unwrap_or_default(), said);
        }
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let unreadable = |error: csv::Error| RosterError::Unreadable {
            path: path.to_owned(),
            error: system(&error),
        };
        let titles = reader.headers().map_err(unreadable)?.clone();
        let columns = columns(&titles);
        let names = [
            Column::Student,
            Column::Login,
            Column::Email,
            Column::Name,
            Column::Last,
        ];
        if !columns.iter().flatten().any(|c| names.contains(c)) {
            return Err(RosterError::NoNames {
                path: path.to_owned(),
                columns: titles.iter().collect::<Vec<_>>().join(", "),
            });
        }
        let mut out = Self {
            unused: columns::unused(&titles, &columns),
            ..Self::default()
        };
        let mut lines = Lines::default();
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            // Canvas says below the titles what its assignments are worth.
            if record
                .get(0)
                .is_some_and(|cell| cell.starts_with("Points Possible"))
            {
                continue;
            }
            let line = record.position().map_or(0, csv::Position::line);
            let bad = |why: Text| RosterError::Row {
                path: path.to_owned(),
                line,
                why,
            };
            well_formed(&titles, &columns, &record).map_err(bad)?;
            let cell = |wanted: Column| {
                let mut cells = columns.iter().zip(record.iter());
                cells
                    .find(|(c, text)| **c == Some(wanted) && !text.is_empty())
                    .map(|(_, text)| text.to_owned())
            };
            let full = cell(Column::Name).or_else(|| {
                let both = [Column::Last, Column::First, Column::Patronymic].map(cell);
                let joined = both.into_iter().flatten().collect::<Vec<_>>().join(" ");
                (!joined.is_empty()).then_some(joined)
            });
            let person = Person {
                name: full,
                // GitHub Classroom's list has addresses where others have names.
                email: cell(Column::Email)
                    .or_else(|| cell(Column::Student).filter(|student| student.contains('@'))),
                number: cell(Column::Number),
                login: cell(Column::Login),
                lms: cell(Column::Lms),
            };
            let student = cell(Column::Student)
                .or_else(|| cell(Column::Alias))
                .or_else(|| person.login.clone())
                .or_else(|| Some(person.email.as_ref()?.split('@').next()?.to_owned()))
                .or_else(|| person.name.clone());
            let Some(student) = student else {
                if record.iter().all(str::is_empty) {
                    continue;
                }
                return Err(bad(Text::both(
                    "the row names nobody",
                    "строка никого не называет",
                )));
            };
            let row = RosterRow {
                group: cell(Column::Group).unwrap_or_default(),
                student,
                person,
            };
            let short = match [Column::Last, Column::First, Column::Patronymic].map(cell) {
                [Some(last), Some(first), Some(_)] => Some((last, first)),
                _ => None,
            };
            let alias = cell(Column::Alias);
            lines.take(line, &row, alias.as_deref()).map_err(bad)?;
            out.add(row, alias, short);
        }
        if out.students.is_empty() {
            return Err(empty(
                "there is no student below the first line",
                "под первой строкой нет ни одного студента",
            ));
        }
        Ok(out)
    }

    fn add(&mut self, row: RosterRow, alias: Option<String>, short: Option<(String, String)>) {
        let place = self.students.len();
        let mut names = vec![Some(row.student.clone()), alias, row.person.name.clone()];
        names.extend([
            row.person.login.clone(),
            row.person.email.clone(),
            row.person.number.clone(),
            row.person.lms.clone(),
        ]);
        if !row.group.is_empty() {
            let whole = [Some(&row.student), row.person.name.as_ref()];
            names.extend(whole.map(|name| Some(format!("{}/{}", row.group, name?))));
        }
        // Elsewhere people have no patronymics.
        if let Some((last, first)) = short {
            names.push(Some(format!("{last}{first}")));
            names.push(Some(format!("{first}{last}")));
        }
        // Canvas writes a name the other way round and without its spaces.
        if let Some((last, first)) = row.person.name.as_deref().and_then(|n| n.split_once(' ')) {
            names.push(Some(format!("{first}{last}")));
        }
        let mut names: Vec<String> = names.iter().flatten().map(|n| simple(n)).collect();
        names.sort();
        names.dedup();
        for name in names.into_iter().filter(|n| !n.is_empty()) {
            let loose = self.loose.entry(without_dots(&name)).or_default();
            if loose.last() != Some(&place) {
                loose.push(place);
            }
            self.names.entry(name).or_default().push(place);
        }
        if let Some(account) = &row.person.lms {
            self.accounts.insert(account.clone(), place);
        }
        self.students.push(row);
    }

    /// The student whose account in the LMS has this number.
    #[must_use]
    pub fn account(&self, number: &str) -> Option<&RosterRow> {
        self.students.get(*self.accounts.get(number)?)
    }

    /// The student with any of these names, the first that is only one's.
    #[must_use]
    pub fn find<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<&RosterRow> {
        names
            .into_iter()
            .find_map(|name| match self.bearers(name)?[..] {
                [place] => self.students.get(place),
                _ => None,
            })
    }

    /// The places of those who bear a name, as it is written or, if nobody does, with `е` for `ё`.
    fn bearers(&self, name: &str) -> Option<&Vec<usize>> {
        let name = simple(name);
        let exact = self.names.get(&name);
        exact.or_else(|| self.loose.get(&without_dots(&name)))
    }

    /// Those who bear a name that is not only one's.
    #[must_use]
    pub fn namesakes(&self, name: &str) -> Vec<&RosterRow> {
        let places = self.bearers(name).filter(|all| all.len() > 1);
        let places = places.into_iter().flatten();
        places
            .filter_map(|place| self.students.get(*place))
            .collect()
    }
}

/// Whether a row says what its titles mean: a comma or a quote too many moves what is behind it, or
/// takes in the lines below, and nobody would see it.
fn well_formed(
    titles: &csv::StringRecord,
    columns: &[Option<Column>],
    record: &csv::StringRecord,
) -> Result<(), Text> {
    if record
        .iter()
        .skip(titles.len())
        .any(|cell| !cell.is_empty())
    {
        let (cells, titles) = (record.len(), titles.len());
        return Err(Text::both(
            format!(
                "there are {cells} cells, and {titles} titles in the first line; put quotes around a cell that has the separator in it"
            ),
            format!(
                "ячеек {cells}, а заголовков в первой строке {titles}; ячейку, в которой есть разделитель, возьмите в кавычки"
            ),
        ));
    }
    for (column, (title, cell)) in columns.iter().zip(titles.iter().zip(record.iter())) {
        if column.is_none() {
            continue;
        }
        if cell.contains(char::is_control) {
            return Err(Text::both(
                format!(
                    "the cell below `{title}` goes over the end of its line or has a control character in it; is a quote not closed?"
                ),
                format!(
                    "ячейка под `{title}` переходит через конец строки, или в ней управляющий символ; не закрыта кавычка?"
                ),
            ));
        }
        if *column == Some(Column::Email) && !cell.is_empty() && !cell.contains('@') {
            return Err(Text::both(
                format!(
                    "`{cell}` below `{title}` is no e-mail address; does a separator without quotes stand in a cell before it?"
                ),
                format!(
                    "`{cell}` под `{title}` — не адрес почты; нет ли в ячейке перед ней разделителя без кавычек?"
                ),
            ));
        }
    }
    Ok(())
}

/// In which line is what only one student can have.
#[derive(Default)]
struct Lines {
    students: BTreeMap<(String, String), u64>,
    /// By the kind and the value.
    ids: BTreeMap<(&'static str, String), u64>,
}

impl Lines {
    fn take(&mut self, line: u64, row: &RosterRow, alias: Option<&str>) -> Result<(), Text> {
        let key = (row.group.clone(), row.student.clone());
        if let Some(first) = self.students.insert(key, line) {
            let student = &row.student;
            return Err(Text::both(
                format!(
                    "the student {student} is in line {first} already; delete one of the lines, or give them different groups or names"
                ),
                format!(
                    "студент {student} уже есть в строке {first}; удалите одну из строк или дайте им разные группы или имена"
                ),
            ));
        }
        let person = &row.person;
        for (kind, in_russian, id) in [
            ("e-mail address", "адрес почты", person.email.as_deref()),
            ("number", "номер", person.number.as_deref()),
            ("login", "логин", person.login.as_deref()),
            ("LMS id", "номер в LMS", person.lms.as_deref()),
            ("alias", "псевдоним", alias),
        ] {
            let Some(id) = id else { continue };
            if let Some(first) = self.ids.insert((kind, id.to_lowercase()), line) {
                let student = &row.student;
                return Err(Text::both(
                    format!(
                        "the {kind} {id} of {student} is that of line {first} too, so neither could be found by it; correct one of them, or leave the cell empty"
                    ),
                    format!(
                        "{in_russian} {id} у {student} тот же, что в строке {first}, по нему не найти ни того, ни другого; исправьте одну из строк или оставьте ячейку пустой"
                    ),
                ));
            }
        }
        Ok(())
    }
}

fn without_dots(name: &str) -> String {
    name.replace('ё', "е")
}

/// Letters and digits only, in lower case: `Иванов, Иван` and `ивановиван` are one.
fn simple(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '@' | '/'))
        .flat_map(char::to_lowercase)
        .collect()
}
