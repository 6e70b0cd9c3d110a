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
    let title = title.trim().to_lowercase();
    Some(match title.as_str() {
        "student" | "directory" | "id" | "student_id" | "студент" => Column::Student,
        "group" | "groups" | "section" | "группа" | "группы" => Column::Group,
        "name" | "full name" | "full_name" | "student name" | "имя" | "фио" => Column::Name,
        "first name" | "first_name" | "имя собственное" => Column::First,
        "last name" | "last_name" | "surname" | "фамилия" => Column::Last,
        "email" | "email address" | "e-mail" | "почта" | "адрес электронной почты" => {
            Column::Email
        }
        "number" | "id number" | "sis user id" | "sid" | "номер" | "индивидуальный номер" => {
            Column::Number
        }
        "login" | "sis login id" | "username" | "user" | "логин" => Column::Login,
        "lms" | "canvas id" | "participant" | "identifier" => Column::Lms,
        "github" | "github_username" | "gitlab" | "alias" | "branch" => Column::Alias,
        _ => return None,
    })
}

/// The columns of a table. What some titles mean the others tell.
fn columns(titles: &csv::StringRecord) -> Vec<Option<Column>> {
    let has = |wanted: &str| {
        let mut titles = titles.iter();
        titles.any(|title| title.trim().eq_ignore_ascii_case(wanted))
    };
    // As Canvas exports its gradebook: `Student` is the name, `ID` Canvas's own number.
    let of_canvas = ["Student", "ID", "Section"].into_iter().all(has);
    let mut columns: Vec<_> = titles
        .iter()
        .map(|title| match column(title) {
            Some(Column::Student) if of_canvas && title.trim().eq_ignore_ascii_case("ID") => {
                Some(Column::Lms)
            }
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

/// The file as text: UTF-8, or the UTF-16 that spreadsheets call Unicode.
fn decoded(bytes: Vec<u8>) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units).ok().filter(|_| rest.is_empty())
    };
    match &bytes[..] {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => String::from_utf8(bytes).ok(),
    }
}

/// What separates the cells, by the line of titles.
fn separator(titles: &str) -> u8 {
    let often = |separator: &u8| titles.bytes().filter(|byte| byte == separator).count();
    // Of equals the last: a comma.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(often)
        .unwrap_or(b',')
}

impl Roster {
    /// Reads a CSV file; commas, semicolons or tabs separate.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn read(path: &Path) -> Result<Self, RosterError> {
        let bytes = std::fs::read(path).map_err(|error| RosterError::Unreadable {
            path: path.to_owned(),
            error: error.to_string(),
        })?;
        let text = decoded(bytes).ok_or_else(|| RosterError::Unreadable {
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
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(empty("the file is empty"));
        }
        let first = text.lines().next().unwrap_or_default();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator(first))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let unreadable = |error: csv::Error| RosterError::Unreadable {
            path: path.to_owned(),
            error: error.to_string(),
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
        let mut out = Self::default();
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
            let whole = [Some(&row.student), row.person.name.as_ref()];
            names.extend(whole.map(|name| Some(format!("{}/{}", row.group, name?))));
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
    fn lists_of_learning_management_systems_are_rosters() {
        let canvas = parse(
            "Student,ID,SIS User ID,SIS Login ID,Section,Lab 30 (501)\n\
             \u{20}   Points Possible,,,,,10.00\n\
             \"Ivanov, Ivan\",1007,310071,ivan,OS-1,\n",
        )
        .unwrap();
        assert_eq!(canvas.students.len(), 1);
        assert_eq!(canvas.account("1007").unwrap().group, "OS-1");
        assert_eq!(canvas.find(["ivanovivan"]), canvas.account("1007"));
        let moodle = parse(
            "Имя,Фамилия,Индивидуальный номер,\"Адрес электронной почты\",Группы\n\
             Иван,Иванов,310071,ivanov@uni.example,21214\n\
             Иван,Петров,310072,petrov@uni.example,21214\n",
        )
        .unwrap();
        for name in ["Иван Иванов", "Иванов Иван", "21214/Иванов Иван", "310071"]
        {
            assert_eq!(moodle.find([name]).unwrap().student, "ivanov", "{name}");
        }
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        let tabs = "group\tstudent\n21214\tИванов\n";
        let units = || tabs.encode_utf16();
        let little: Vec<u8> = [0xfeff]
            .into_iter()
            .chain(units())
            .flat_map(u16::to_le_bytes)
            .collect();
        let big: Vec<u8> = [0xfeff]
            .into_iter()
            .chain(units())
            .flat_map(u16::to_be_bytes)
            .collect();
        for bytes in [
            little.clone(),
            big,
            tabs.into(),
            tabs.replace('\t', ";").replace('\n', "\r\n").into(),
        ] {
            let roster = Roster::parse(&decoded(bytes).unwrap(), Path::new("class.csv")).unwrap();
            assert_eq!(roster.students[0].group, "21214");
            assert_eq!(roster.students[0].student, "Иванов");
        }
        assert_eq!(decoded(little[..little.len() - 1].to_vec()), None);
        assert_eq!(decoded(b"\xc8\xe2\xe0\xed".to_vec()), None);
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
