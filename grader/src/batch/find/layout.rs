//! Patterns that say which part of a path is what: `{group}/{student}/lab{n}`.

use std::fmt;
use std::str::FromStr;

use regex::Regex;
use thiserror::Error;

use crate::lab::Lang;
use crate::lab::guess::{self, Candidate, GuessError};

/// A pattern over the parts of a path or of a branch's name.
#[derive(Clone, Debug)]
pub struct Layout {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    /// A name that means a lab, however it is spelt: `lab{n}`, `{lab}`.
    Lab,
    /// Any other: what stands for what is in its named groups.
    Names(Regex),
}

/// What a path's parts were found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    /// `{group}`
    pub group: Option<String>,
    /// `{student}`
    pub student: Option<String>,
    /// `{name}`: what people call the student.
    pub name: Option<String>,
    /// `{number}`: the university's number.
    pub number: Option<String>,
    /// `{attempt}`
    pub attempt: Option<u32>,
    /// The name that means the lab.
    pub lab: Option<String>,
}

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// An unknown name in braces.
    #[error(
        "`{{{0}}}` is not known; a layout has {{group}}, {{student}}, {{name}}, {{number}}, {{lab}}, lab{{n}}, {{attempt}} and *"
    )]
    Unknown(String),
    /// A brace that is not closed.
    #[error("a brace is not closed in `{0}`")]
    Open(String),
    /// Nothing tells whose a submission is.
    #[error("the layout `{0}` does not say whose a submission is: it needs {{student}}")]
    NoStudent(String),
    /// The same twice.
    #[error("`{{{0}}}` is there twice")]
    Twice(String),
}

impl LayoutError {
    /// The same for who reads `lang`.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (_, Lang::En) => self.to_string(),
            (Self::Unknown(name), _) => format!(
                "`{{{name}}}` неизвестно; в раскладке есть {{group}}, {{student}}, {{name}}, {{number}}, {{lab}}, lab{{n}}, {{attempt}} и *"
            ),
            (Self::Open(text), _) => format!("в `{text}` не закрыта скобка"),
            (Self::NoStudent(text), _) => {
                format!("в раскладке `{text}` не сказано, чья работа: нужно {{student}}")
            }
            (Self::Twice(name), _) => format!("`{{{name}}}` встречается дважды"),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Layout {
    type Err = LayoutError;

    fn from_str(text: &str) -> Result<Self, LayoutError> {
        let layout = Self::of_refs(text)?;
        if layout.names_student() {
            Ok(layout)
        } else {
            Err(LayoutError::NoStudent(text.to_owned()))
        }
    }
}

impl Layout {
    /// A pattern for names of references, which need not say whose a submission is: what a branch
    /// changes may.
    ///
    /// # Errors
    /// See [`LayoutError`].
    pub fn of_refs(text: &str) -> Result<Self, LayoutError> {
        let mut seen = Vec::new();
        // Beside no student a number is no task's: `pull/4/head`.
        let tasks = text.contains("{student}");
        let parts = text
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .map(|part| Part::parse(part, tasks, &mut seen))
            .collect::<Result<Vec<Part>, LayoutError>>()?;
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// Whether it says whose a submission is.
    #[must_use]
    pub fn names_student(&self) -> bool {
        self.parts.iter().any(|part| part.names("student"))
    }

    /// How many parts a path has.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.parts.len()
    }

    /// Whether it says which lab a submission is of.
    #[must_use]
    pub fn names_lab(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part, Part::Lab) || part.names("lab"))
    }

    /// Reads the part at this place; `None` where it does not fit.
    #[must_use]
    pub fn read(&self, place: usize, name: &str, known: &Bindings) -> Option<Bindings> {
        let mut out = known.clone();
        match self.parts.get(place)? {
            Part::Lab => out.lab = Some(name.to_owned()),
            Part::Names(regex) => {
                let found = regex.captures(name)?;
                let text = |group: &str| found.name(group).map(|m| m.as_str().to_owned());
                out.group = text("group").or(out.group);
                out.student = text("student").or(out.student);
                out.name = text("name").or(out.name);
                out.number = text("number").or(out.number);
                out.lab = text("lab").or(out.lab);
                if let Some(attempt) = text("attempt") {
                    out.attempt = Some(attempt.parse().ok()?);
                }
            }
        }
        Some(out)
    }

    /// Reads a whole name with `/` in it, as a branch has it.
    #[must_use]
    pub fn read_all(&self, name: &str) -> Option<Bindings> {
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() != self.parts.len() {
            return None;
        }
        let mut known = Bindings::default();
        for (place, part) in parts.into_iter().enumerate() {
            known = self.read(place, part, &known)?;
        }
        Some(known)
    }
}

impl Part {
    fn names(&self, what: &str) -> bool {
        match self {
            Self::Lab => false,
            Self::Names(regex) => regex.capture_names().flatten().any(|name| name == what),
        }
    }

    fn parse(part: &str, tasks: bool, seen: &mut Vec<String>) -> Result<Self, LayoutError> {
        let mut pattern = String::from("^");
        let mut rest = part;
        let mut before = seen.len();
        let mut names_lab = false;
        while let Some(c) = rest.chars().next() {
            if c == '{' {
                let (name, after) = rest[1..]
                    .split_once('}')
                    .ok_or_else(|| LayoutError::Open(part.to_owned()))?;
                rest = after;
                let group = match name {
                    "group" | "student" | "name" | "number" => format!("(?P<{name}>.+?)"),
                    "attempt" => "(?P<attempt>[0-9]{1,4})".to_owned(),
                    "lab" | "n" => {
                        names_lab = true;
                        // With the letters before it: `lab`, in any spelling.
                        if name == "n" {
                            let kept = pattern.trim_end_matches(char::is_alphabetic).len();
                            pattern.truncate(kept);
                        }
                        before += 1;
                        if name == "n" {
                            // Any spelling of a task: `lab30`, `Lab_30`, `task 7`, `30`.
                            r"(?P<lab>\p{L}*[-_ .]?[0-9]{1,4}(?:[-_ .][0-9]{1,2})?)".to_owned()
                        } else {
                            "(?P<lab>.+)".to_owned()
                        }
                    }
                    _ => return Err(LayoutError::Unknown(name.to_owned())),
                };
                let name = if name == "n" { "lab" } else { name };
                if seen.iter().any(|s| s == name) {
                    return Err(LayoutError::Twice(name.to_owned()));
                }
                seen.push(name.to_owned());
                pattern.push_str(&group);
                continue;
            }
            rest = &rest[c.len_utf8()..];
            match c {
                '*' => pattern.push_str(".*?"),
                // Spellings: `lab-30`, `lab_30`, `lab 30`.
                '-' | '_' | ' ' => pattern.push_str("[-_ ]"),
                c => pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
        }
        if names_lab && seen.len() == before {
            return Ok(Self::Lab);
        }
        // A name that is a task's without saying so: `lab30`.
        if tasks && seen.len() == before && !part.contains('*') && guess::names_task(part) {
            return Ok(Self::Lab);
        }
        pattern.push('$');
        // Every piece of it was escaped or written above.
        let regex = Regex::new(&format!("(?i){pattern}"));
        regex
            .map(Self::Names)
            .map_err(|_| LayoutError::Open(part.to_owned()))
    }
}

/// Which of the labs that are graded a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// This one.
    Lab(String),
    /// A task by its number, which no chosen lab says it is.
    Number(u32),
    /// Several of the chosen labs.
    Several(Vec<String>),
    /// Nothing.
    Nothing,
}

pub(super) fn meaning(labs: &[Candidate], name: &str) -> Meaning {
    match guess::guess(labs, [name]) {
        Ok(guess) => Meaning::Lab(guess.id),
        Err(GuessError::NoSuch { number, .. }) => Meaning::Number(number),
        Err(GuessError::Several { ids, .. }) => Meaning::Several(ids),
        Err(GuessError::Nothing) => Meaning::Nothing,
    }
}

/// Whether what stands beside a lab in a name says which of one's own it is.
fn is_version(name: &str) -> bool {
    const WORDS: [&str; 22] = [
        "old",
        "new",
        "final",
        "last",
        "copy",
        "fix",
        "fixed",
        "bak",
        "backup",
        "orig",
        "draft",
        "done",
        "ready",
        "v",
        "ver",
        "version",
        "try",
        "копия",
        "новая",
        "старая",
        "финал",
        "исправленная",
    ];
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || "-_. ".contains(c));
    WORDS.contains(&name.to_lowercase().as_str())
}

/// What is left of a name without the lab at its end or its beginning: `ivanov` of
/// `ivanov_lab30` and of `lab-30 ivanov`. All of it, where that is nothing, or means a lab or one of several of somebody's own.
pub(super) fn without_lab<'n>(labs: &[Candidate], name: &'n str) -> &'n str {
    let between = |c: char| matches!(c, '-' | '_' | ' ' | '.' | ',' | '(' | ')');
    let is_lab = |part: &str| matches!(meaning(labs, part), Meaning::Lab(_));
    let rest = |rest: &'n str| {
        let mut rest = rest.trim_matches(between);
        // `lab` of `lab 30`.
        if let Some(at) = rest.rfind(between)
            && guess::names_task(&format!("{}1", &rest[at..]))
        {
            rest = rest[..at].trim_matches(between);
        }
        let is_name = rest.chars().any(char::is_alphabetic);
        let is_name = is_name && !is_version(rest);
        (is_name && matches!(meaning(labs, rest), Meaning::Nothing)).then_some(rest)
    };
    let cuts = || name.match_indices(between).map(|(at, _)| at);
    // The shortest end or beginning that says which lab it is.
    let end = cuts()
        .rev()
        .find(|at| is_lab(&name[*at..]))
        .and_then(|at| rest(&name[..at]));
    let beginning = || {
        let at = cuts().find(|at| is_lab(&name[..*at]))?;
        rest(&name[at..])
    };
    end.or_else(beginning).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(layout: &str, path: &str) -> Option<(String, String, String, Option<u32>)> {
        let found = layout.parse::<Layout>().unwrap().read_all(path)?;
        Some((
            found.group.unwrap_or_default(),
            found.student.unwrap_or_default(),
            found.lab.unwrap_or_default(),
            found.attempt,
        ))
    }

    fn row(group: &str, student: &str, lab: &str) -> Option<(String, String, String, Option<u32>)> {
        Some((group.into(), student.into(), lab.into(), None))
    }

    #[test]
    fn parts_are_bound_in_any_spelling_of_the_lab() {
        let layout = "{group}/{student}/lab{n}";
        for lab in ["lab30", "Lab_30", "task_30", "l10", "sem2-lab08", "lab 30"] {
            let path = format!("21214/ivanov/{lab}");
            assert_eq!(read(layout, &path), row("21214", "ivanov", lab), "{lab}");
        }
        assert_eq!(read(layout, "21214/ivanov"), None);
        assert_eq!(
            read("{student}/lab30", "ivanov/Lab_30"),
            row("", "ivanov", "Lab_30")
        );
        assert_eq!(
            read("{student}-lab{n}", "petrov-va-lab30"),
            row("", "petrov-va", "lab30")
        );
        assert_eq!(
            read(
                "{group}_{student}/{lab}/{attempt}",
                "21214_ivanov/us-upper/3"
            ),
            Some(("21214".into(), "ivanov".into(), "us-upper".into(), Some(3)))
        );
        assert_eq!(
            read("submissions/*/{student}", "submissions/x/ivanov"),
            row("", "ivanov", "")
        );
        assert_eq!(read("submissions/{student}", "other/ivanov"), None);
    }

    #[test]
    fn an_archive_is_called_by_its_student_and_the_lab() {
        let lab = Candidate {
            id: "us-upper".into(),
            numbers: vec![30],
            semester: 1,
        };
        for (name, student) in [
            ("ivanov_lab30", "ivanov"),
            ("Иванов Иван-lab 30", "Иванов Иван"),
            ("lab30_petrov-va", "petrov-va"),
            ("lab_30 (petrov)", "petrov"),
            ("ivanov_30", "ivanov"),
            ("ivanov_lab30_2", "ivanov"),
            ("21214_ivanov_us-upper", "21214_ivanov"),
            ("us_upper-ivanov", "ivanov"),
            ("lab30", "lab30"),
            ("lab30_2", "lab30_2"),
            ("lab30_final", "lab30_final"),
            ("lab30 (copy 2)", "lab30 (copy 2)"),
            ("lab30-31", "lab30-31"),
            ("ivanov", "ivanov"),
        ] {
            assert_eq!(
                without_lab(std::slice::from_ref(&lab), name),
                student,
                "{name}"
            );
        }
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| text.parse::<Layout>().unwrap_err().to_string();
        assert!(error("{group}/lab{n}").contains("needs {student}"));
        assert!(error("{students}").contains("`{students}` is not known"));
        assert!(error("{student").contains("not closed"));
        assert!(error("{student}/{student}").contains("twice"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[a-z{}*/.\\\\(\\[]{0,20}", path in "\\PC{0,20}") {
            if let Ok(layout) = text.parse::<Layout>() {
                let _ = layout.read_all(&path);
            }
            let _ = without_lab(&[], &path);
        }
    }
}
