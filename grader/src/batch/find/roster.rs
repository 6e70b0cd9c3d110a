//! The class's list: a CSV file that says which names belong to one student.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::batch::Person;

/// The students of a class.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// In the file's order.
    pub students: Vec<RosterRow>,
    /// Any name of a student, simplified, to the places in `students` of those who bear it.
    names: BTreeMap<String, Vec<usize>>,
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
        error: String,
    },
    /// There is nothing in the file, or nothing below its titles.
    #[error(
        "{}: {what}; the first line names the columns, such as group,student,name,email,number, and each other line a student", path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
        /// How empty it is.
        what: &'static str,
    },
    /// No column says who a student is.
    #[error(
        "{}: no column names the students; it needs one of student, login, email or name, and has {columns}", path.display()
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
        why: String,
    },
}

/// The columns that are read, by the names they go by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Student,
    Group,
    Name,
    First,
    Last,
    Email,
    Number,
    Login,
    Lms,
    /// Another name of the student: a GitHub login, a branch's prefix.
    Alias,
}

fn column(title: &str) -> Option<Column> {
    let title = title.trim_start_matches('\u{feff}').trim().to_lowercase();
    Some(match title.as_str() {
        "student" | "directory" | "id" | "student_id" | "студент" => Column::Student,
        "group" | "section" | "группа" => Column::Group,
        "name" | "full name" | "full_name" | "student name" | "имя" | "фио" => Column::Name,
        "first name" | "first_name" | "имя собственное" => Column::First,
        "last name" | "last_name" | "surname" | "фамилия" => Column::Last,
        "email" | "email address" | "e-mail" | "почта" => Column::Email,
        "number" | "id number" | "sis user id" | "sid" => Column::Number,
        "login" | "sis login id" | "username" | "user" => Column::Login,
        "lms" | "canvas id" | "participant" | "identifier" => Column::Lms,
        "github" | "github_username" | "gitlab" | "alias" | "branch" => Column::Alias,
        _ => return None,
    })
}

impl Roster {
    /// Reads a CSV file; commas or semicolons separate.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn read(path: &Path) -> Result<Self, RosterError> {
        let bytes = std::fs::read(path).map_err(|error| RosterError::Unreadable {
            path: path.to_owned(),
            error: error.to_string(),
        })?;
        let text = String::from_utf8(bytes).map_err(|_| RosterError::Unreadable {
            path: path.to_owned(),
            error: "not UTF-8; save it as CSV UTF-8".to_owned(),
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, RosterError> {
        let empty = |what| RosterError::Empty {
            path: path.to_owned(),
            what,
        };
        if text.trim_start_matches('\u{feff}').trim().is_empty() {
            return Err(empty("the file is empty"));
        }
        let first = text.lines().next().unwrap_or_default();
        let semicolons = first.matches(';').count() > first.matches(',').count();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(if semicolons { b';' } else { b',' })
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let unreadable = |error: csv::Error| RosterError::Unreadable {
            path: path.to_owned(),
            error: error.to_string(),
        };
        let titles = reader.headers().map_err(unreadable)?.clone();
        let columns: Vec<Option<Column>> = titles.iter().map(column).collect();
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
        let mut out = Self::default();
        let mut lines = Lines::default();
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            let cell = |wanted: Column| {
                let mut cells = columns.iter().zip(record.iter());
                cells
                    .find(|(c, text)| **c == Some(wanted) && !text.is_empty())
                    .map(|(_, text)| text.to_owned())
            };
            let line = record.position().map_or(0, csv::Position::line);
            let bad = |why: String| RosterError::Row {
                path: path.to_owned(),
                line,
                why,
            };
            let full = cell(Column::Name).or_else(|| {
                let both = [cell(Column::Last), cell(Column::First)];
                let joined = both.into_iter().flatten().collect::<Vec<_>>().join(" ");
                (!joined.is_empty()).then_some(joined)
            });
            let person = Person {
                name: full,
                email: cell(Column::Email),
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
                return Err(bad("the row names nobody".to_owned()));
            };
            let row = RosterRow {
                group: cell(Column::Group).unwrap_or_default(),
                student,
                person,
            };
            let alias = cell(Column::Alias);
            lines.take(line, &row, alias.as_deref()).map_err(bad)?;
            out.add(row, alias);
        }
        if out.students.is_empty() {
            return Err(empty("there is no student below the first line"));
        }
        Ok(out)
    }

    fn add(&mut self, row: RosterRow, alias: Option<String>) {
        let place = self.students.len();
        let mut names = vec![Some(row.student.clone()), alias, row.person.name.clone()];
        names.extend([
            row.person.login.clone(),
            row.person.email.clone(),
            row.person.number.clone(),
            row.person.lms.clone(),
        ]);
        if !row.group.is_empty() {
            names.push(Some(format!("{}/{}", row.group, row.student)));
        }
        // Canvas writes a name the other way round and without its spaces.
        if let Some((last, first)) = row.person.name.as_deref().and_then(|n| n.split_once(' ')) {
            names.push(Some(format!("{first}{last}")));
        }
        let mut names: Vec<String> = names.iter().flatten().map(|n| simple(n)).collect();
        names.sort();
        names.dedup();
        for name in names.into_iter().filter(|n| !n.is_empty()) {
            self.names.entry(name).or_default().push(place);
        }
        self.students.push(row);
    }

    /// The student with any of these names, the first that is only one's.
    #[must_use]
    pub fn find<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<&RosterRow> {
        names
            .into_iter()
            .find_map(|name| match self.names.get(&simple(name))?[..] {
                [place] => self.students.get(place),
                _ => None,
            })
    }

    /// Those who bear a name that is not only one's.
    #[must_use]
    pub fn namesakes(&self, name: &str) -> Vec<&RosterRow> {
        let places = self.names.get(&simple(name)).filter(|all| all.len() > 1);
        let places = places.into_iter().flatten();
        places
            .filter_map(|place| self.students.get(*place))
            .collect()
    }
}

/// In which line is what only one student can have.
#[derive(Default)]
struct Lines {
    students: BTreeMap<(String, String), u64>,
    /// By the kind and the value.
    ids: BTreeMap<(&'static str, String), u64>,
}

impl Lines {
    fn take(&mut self, line: u64, row: &RosterRow, alias: Option<&str>) -> Result<(), String> {
        let key = (row.group.clone(), row.student.clone());
        if let Some(first) = self.students.insert(key, line) {
            return Err(format!(
                "the student {} is in line {first} already; delete one of the lines, or give them different groups or names",
                row.student
            ));
        }
        let person = &row.person;
        for (kind, id) in [
            ("e-mail address", person.email.as_deref()),
            ("number", person.number.as_deref()),
            ("login", person.login.as_deref()),
            ("LMS id", person.lms.as_deref()),
            ("alias", alias),
        ] {
            let Some(id) = id else { continue };
            if let Some(first) = self.ids.insert((kind, id.to_lowercase()), line) {
                return Err(format!(
                    "the {kind} {id} of {} is that of line {first} too, so neither could be found by it; correct one of them, or leave the cell empty",
                    row.student
                ));
            }
        }
        Ok(())
    }
}

/// Letters and digits only, in lower case: `Иванов, Иван` and `ивановиван` are one.
fn simple(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '@' | '/'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Roster, String> {
        Roster::parse(text, Path::new("class.csv")).map_err(|error| error.to_string())
    }

    #[test]
    fn any_name_of_a_student_is_the_student() {
        let roster = parse(
            "Group;Student;Name;Email;GitHub;Canvas ID\n\
             21214;s07;Ivanov Ivan;ivanov@uni.example;ivan-i;1007\n\
             21214;s08;Petrova Anna;petrova@uni.example;;1008\n",
        )
        .unwrap();
        for name in [
            "s07",
            "S07",
            "Ivanov Ivan",
            "ivanovivan",
            "ivanivanov",
            "ivan-i",
            "1007",
            "21214/s07",
        ] {
            let found = roster.find([name]).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.student, "s07", "{name}");
        }
        assert_eq!(roster.find(["unknown", "1008"]).unwrap().student, "s08");
        assert_eq!(roster.find(["nobody"]), None);
    }

    #[test]
    fn a_name_of_two_is_nobodys() {
        let roster = parse("student,name\na,Ivanov Ivan\nb,Ivanov Ivan\n").unwrap();
        assert_eq!(roster.find(["Ivanov Ivan"]), None);
        assert_eq!(roster.find(["b"]).unwrap().student, "b");
        let both: Vec<&str> = roster
            .namesakes("ivanov, ivan")
            .iter()
            .map(|row| row.student.as_str())
            .collect();
        assert_eq!(both, ["a", "b"]);
        assert!(roster.namesakes("b").is_empty());
    }

    #[test]
    fn what_is_only_ones_is_not_in_two_lines() {
        for (title, kind, first, second) in [
            ("email", "e-mail address", "A@x.example", "a@x.example"),
            ("number", "number", "310", "310"),
            ("login", "login", "ivan", "Ivan"),
            ("canvas id", "LMS id", "1007", "1007"),
            ("github", "alias", "ivan-i", "ivan-i"),
        ] {
            let error =
                parse(&format!("student,{title}\na,{first}\nc,\nd,\nb,{second}\n")).unwrap_err();
            let says = format!("class.csv, line 5: the {kind} {second} of b is that of line 2 too");
            assert!(error.contains(&says), "{error}");
            assert!(error.contains("correct one of them"), "{error}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        assert!(parse("points\n3\n").unwrap_err().contains("has points"));
        assert!(
            parse("student\na\na\n")
                .unwrap_err()
                .contains("line 3: the student a is in line 2 already; delete one")
        );
        for (text, says) in [
            ("", "class.csv: the file is empty"),
            ("\u{feff}\n\n", "class.csv: the file is empty"),
            ("student,group\n", "no student below the first line"),
            ("student,group\n,\n", "no student below the first line"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{error}");
            assert!(error.contains("group,student,name"), "{error}");
        }
        let roster = parse("\u{feff}email\n\"x@y.example\"\n").unwrap();
        assert_eq!(roster.students[0].student, "x");
    }
}
