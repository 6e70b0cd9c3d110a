//! Which lab a directory's name means: `lab30`, `Lab_30`, `l10`, `sem2-lab08`, `us_upper`.

use thiserror::Error;

use super::model::{Lab, Lang};

/// A lab, as far as a name can mean it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Its numbers in the course's list of tasks.
    pub numbers: Vec<u32>,
    /// The semester of that list.
    pub semester: u8,
}

impl Candidate {
    /// What is known of a lab. A lab that does not name its semester belongs to the first.
    #[must_use]
    pub fn of(lab: &Lab) -> Self {
        Self {
            id: lab.id.clone(),
            numbers: lab.numbers(),
            semester: lab.task.semester.unwrap_or(1),
        }
    }
}

/// A lab and the name that means it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The lab's id.
    pub id: String,
    /// The directory's name, or that of one above it.
    pub name: String,
}

/// Why no lab was guessed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GuessError {
    /// No name says anything.
    #[error("the directory's name does not say which lab it is")]
    Nothing,
    /// A number that no lab has.
    #[error("`{name}` says task {number}{}, which no lab here is", semester.map(|s| format!(" of semester {s}")).unwrap_or_default())]
    NoSuch {
        /// The directory's name.
        name: String,
        /// The number in it.
        number: u32,
        /// The semester in it.
        semester: Option<u8>,
    },
    /// Several labs.
    #[error("`{name}` can mean several labs: {}", ids.join(", "))]
    Several {
        /// The directory's name.
        name: String,
        /// The labs.
        ids: Vec<String>,
    },
}

impl GuessError {
    /// The same for who reads `lang`.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match (self, lang) {
            (_, Lang::En) => self.to_string(),
            (Self::Nothing, _) => "по имени каталога не видно, какое это задание".to_owned(),
            (
                Self::NoSuch {
                    name,
                    number,
                    semester,
                },
                _,
            ) => {
                let of = semester.map(|semester| format!(" семестра {semester}"));
                let of = of.unwrap_or_default();
                format!("`{name}` значит задание {number}{of}, а такого здесь нет")
            }
            (Self::Several { name, ids }, _) => {
                format!(
                    "`{name}` может значить несколько заданий: {}",
                    ids.join(", ")
                )
            }
        }
    }
}

/// The lab that the innermost telling name means; `names` are the directory's and those above it,
/// innermost first.
///
/// # Errors
/// See [`GuessError`].
pub fn guess<'n>(
    labs: &[Candidate],
    names: impl IntoIterator<Item = &'n str>,
) -> Result<Guess, GuessError> {
    for name in names {
        let words = words(name);
        // The longest id, so that `us-upper-2` is not `us-upper`.
        let by_id = labs
            .iter()
            .filter(|lab| contains(&words, &self::words(&lab.id)))
            .max_by_key(|lab| lab.id.len());
        if let Some(lab) = by_id {
            return Ok(Guess {
                id: lab.id.clone(),
                name: name.to_owned(),
            });
        }
        let Some(task) = task(&words) else { continue };
        let ids: Vec<String> = labs
            .iter()
            .filter(|lab| lab.numbers.contains(&task.number))
            .filter(|lab| task.semester.is_none_or(|s| s == lab.semester))
            .map(|lab| lab.id.clone())
            .collect();
        let name = name.to_owned();
        return match ids.as_slice() {
            [] => Err(GuessError::NoSuch {
                name,
                number: task.number,
                semester: task.semester,
            }),
            [id] => Ok(Guess {
                id: id.clone(),
                name,
            }),
            _ => Err(GuessError::Several { name, ids }),
        };
    }
    Err(GuessError::Nothing)
}

/// Whether a directory's name means one of these tasks of a semester: to find a lab's directory
/// among a student's others.
#[must_use]
pub fn means(name: &str, numbers: &[u32], semester: u8) -> bool {
    task(&words(name)).is_some_and(|task| {
        numbers.contains(&task.number) && task.semester.is_none_or(|s| s == semester)
    })
}

/// Whether a name is that of some task: `lab30`, `task_7`.
#[must_use]
pub fn names_task(name: &str) -> bool {
    task(&words(name)).is_some()
}

/// A task by its place in the course's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TaskName {
    semester: Option<u8>,
    number: u32,
}

/// A part of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Letters(String),
    /// Letters right behind a digit or a dot, as in names that nobody has chosen: `tmp.k3l9`.
    Glued(String),
    /// Digits, without leading zeros; `None` where they are more than any number of a task.
    Number(Option<u32>),
}

impl Word {
    fn letters(&self) -> Option<&str> {
        match self {
            Self::Letters(letters) | Self::Glued(letters) => Some(letters),
            Self::Number(_) => None,
        }
    }
}

/// The runs of letters and of digits in a name.
fn words(name: &str) -> Vec<Word> {
    let mut out = Vec::new();
    let mut rest = name;
    let mut glued = false;
    while let Some(first) = rest.chars().next() {
        let run = |test: &dyn Fn(char) -> bool| rest.find(|c| !test(c)).unwrap_or(rest.len());
        let end = if first.is_ascii_digit() {
            let end = run(&|c| c.is_ascii_digit());
            out.push(Word::Number(rest[..end].parse().ok()));
            end
        } else if first.is_alphabetic() {
            let end = run(&char::is_alphabetic);
            let letters = rest[..end].to_lowercase();
            out.push(match glued {
                true => Word::Glued(letters),
                false => Word::Letters(letters),
            });
            end
        } else {
            first.len_utf8()
        };
        glued = first.is_ascii_digit() || first == '.';
        rest = &rest[end..];
    }
    out
}

fn contains(words: &[Word], part: &[Word]) -> bool {
    let same = |(one, other): (&Word, &Word)| match (one, other) {
        (Word::Number(one), Word::Number(other)) => one == other,
        (one, other) => one.letters().is_some() && one.letters() == other.letters(),
    };
    let is_part = |window: &[Word]| window.iter().zip(part).all(same);
    !part.is_empty() && words.windows(part.len()).any(is_part)
}

/// The largest number a task can have; years and group numbers are larger.
const MOST: u32 = 99;

fn task(words: &[Word]) -> Option<TaskName> {
    let number = |i: Option<usize>| match i.and_then(|i| words.get(i)) {
        Some(Word::Number(n)) => *n,
        _ => None,
    };
    let is = |i: usize, test: &dyn Fn(&str) -> bool| {
        words.get(i).and_then(Word::letters).is_some_and(test)
    };
    let mut semester = None;
    let mut of_semester = None;
    for i in 0..words.len() {
        if !is(i, &|word| {
            matches!(word, "sem" | "semester" | "сем" | "семестр")
        }) {
            continue;
        }
        // `sem2` and `2sem`; between two numbers the one after it.
        let place = [Some(i + 1), i.checked_sub(1)]
            .into_iter()
            .flatten()
            .find(|place| number(Some(*place)).is_some_and(|n| (1..=8).contains(&n)));
        if let Some(place) = place {
            of_semester = Some(place);
            semester = number(Some(place)).and_then(|n| u8::try_from(n).ok());
            break;
        }
    }
    let fit = |place: Option<usize>| {
        number(place.filter(|place| Some(*place) != of_semester)).filter(|n| (1..=MOST).contains(n))
    };
    // One or two letters say something only where they stand by themselves: `l30`, not `k3l9x`.
    let by_chance = |i: usize| {
        let few = is(i, &|word| word.chars().count() < 3);
        let inside = matches!(words.get(i), Some(Word::Glued(_)));
        few && (inside || matches!(words.get(i + 2), Some(Word::Glued(_))))
    };
    let named = (0..words.len()).filter(|i| is(*i, &is_lab) && !by_chance(*i));
    let number = named
        .clone()
        .find_map(|i| fit(Some(i + 1)))
        .or_else(|| named.clone().find_map(|i| fit(i.checked_sub(1))))
        .or_else(|| match words {
            // A bare number.
            [Word::Number(_)] => fit(Some(0)),
            _ => None,
        })?;
    Some(TaskName { semester, number })
}

fn is_lab(word: &str) -> bool {
    word.starts_with("lab")
        || word.starts_with("лаб")
        || word.starts_with("задан")
        || matches!(
            word,
            "l" | "lb"
                | "lr"
                | "task"
                | "tasks"
                | "t"
                | "ex"
                | "work"
                | "problem"
                | "лр"
                | "задача"
                | "работа"
                | "практика"
                | "практическая"
                | "assignment"
                | "homework"
                | "hw"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lab(id: &str, numbers: &[u32], semester: u8) -> Candidate {
        Candidate {
            id: id.to_owned(),
            numbers: numbers.to_vec(),
            semester,
        }
    }

    fn labs() -> Vec<Candidate> {
        vec![
            lab("us-upper", &[], 1),
            lab("us-upper-2", &[], 1),
            lab("course-01", &[1], 1),
            lab("course-10", &[10], 1),
            lab("course-11", &[11], 1),
            lab("course-30", &[30], 1),
            lab("threads-08", &[8], 2),
            lab("threads-10", &[10], 2),
            lab("threads-01", &[1], 2),
        ]
    }

    fn id(name: &str) -> String {
        match guess(&labs(), [name]) {
            Ok(guess) => guess.id,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn real_names() {
        for name in [
            "lab30",
            "Lab_30",
            "lab-30",
            "lab 30",
            "task_30",
            "30",
            "LAB30",
            "lab30_unix_socket",
            "30-lab",
            "лаба30",
            "Лабораторная работа №30",
            "практика30",
            "hw30",
            "sem1-lab30",
            "course-30",
            "lab_30_2024",
        ] {
            assert_eq!(id(name), "course-30", "{name}");
        }
        for name in ["lab11_2", "labb11", "l11", "lab 011"] {
            assert_eq!(id(name), "course-11", "{name}");
        }
        for name in ["sem2-lab08", "sem2_lab8", "lab8", "lab08sem2"] {
            assert_eq!(id(name), "threads-08", "{name}");
        }
        for name in ["sem02-lab10", "sem_2_lab_10", "2sem-lab10"] {
            assert_eq!(id(name), "threads-10", "{name}");
        }
        assert_eq!(id("2sem-lab1"), "threads-01");
        for name in [
            "us-upper",
            "us_upper",
            "US upper",
            "ivanov-us-upper",
            "30.us-upper",
        ] {
            assert_eq!(id(name), "us-upper", "{name}");
        }
        assert_eq!(id("us-upper-2"), "us-upper-2");
    }

    #[test]
    fn what_is_not_clear_is_said() {
        assert_eq!(
            id("l10"),
            "`l10` can mean several labs: course-10, threads-10"
        );
        assert_eq!(id("lab77"), "`lab77` says task 77, which no lab here is");
        assert_eq!(
            id("sem2-lab30"),
            "`sem2-lab30` says task 30 of semester 2, which no lab here is"
        );
        for name in [
            "src",
            "21214",
            "ivanov",
            "2024",
            "laboratory",
            "lab2024",
            "",
            // Made by mktemp(1) and the like: those above may be temporary.
            ".tmpTxGt3l",
            ".tmp3l3abc",
            "tmp.l3xkQw",
            "tmp.k3T7q",
            "l3abcd",
        ] {
            assert!(id(name).contains("does not say"), "{name}");
        }
    }

    #[test]
    fn a_name_above_may_tell() {
        let found = guess(&labs(), ["src", "lab30", "lab11"]).unwrap();
        assert_eq!(
            (found.id.as_str(), found.name.as_str()),
            ("course-30", "lab30")
        );
        assert!(means("Lab_30", &[30], 1));
        assert!(!means("sem2-lab30", &[30], 1));
        assert!(!means("lab31", &[30], 1));
    }

    proptest! {
        #[test]
        fn any_name_is_read(name in "\\PC{0,30}") {
            let _ = guess(&labs(), [name.as_str()]);
        }

        #[test]
        fn any_spelling_of_a_number_is_it(
            word in "lab|Lab|LAB|task|labb|l", sign in "[ _.-]{0,2}", zeros in "0{0,2}", tail in "([_ -][a-z]{0,6})?",
        ) {
            let name = format!("{word}{sign}{zeros}30{tail}");
            prop_assert_eq!(id(&name), "course-30");
        }
    }
}
