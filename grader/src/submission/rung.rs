//! The ladder of ways to build a program: which rungs there are, and what a failed one asks for.

use serde::{Deserialize, Serialize};

use super::solaris;
use crate::lab::Lang;

/// One way to build a program. The first of its kind is what the student would type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// The submission's own Makefile, as it is.
    Make,
    /// The same, with spaces for tabs and the like mended in a copy.
    MakeRepaired,
    /// The same, with empty libraries in the place of those that only Solaris has.
    MakeStubs,
    /// The same, with the headers and compiler flags of Solaris.
    MakeHeaders,
    /// The compiler with our flags, on the program's own sources.
    Compiler,
    /// The same, with the headers of Solaris.
    CompilerHeaders,
    /// The submission's Cargo package.
    Cargo,
    /// `rustc` on a file without a package.
    Rustc,
    /// `javac`.
    Java,
    /// `go build`.
    Go,
    /// Nothing is built: an interpreter runs it.
    Script,
}

impl Rung {
    /// The word for machine formats: `make-stubs`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::MakeRepaired => "make-repaired",
            Self::MakeStubs => "make-stubs",
            Self::MakeHeaders => "make-headers",
            Self::Compiler => "compiler",
            Self::CompilerHeaders => "compiler-headers",
            Self::Cargo => "cargo",
            Self::Rustc => "rustc",
            Self::Java => "java",
            Self::Go => "go",
            Self::Script => "script",
        }
    }

    /// The same for people; `from` is what is built: `server.c`, `Makefile`.
    #[must_use]
    pub fn words(self, from: &str, lang: Lang) -> String {
        let (en, ru) = match self {
            Self::Make => ("make", "make"),
            Self::MakeRepaired => (
                "make with a repaired Makefile",
                "make с исправленным Makefile",
            ),
            Self::MakeStubs => (
                "make with empty libraries for those of Solaris",
                "make с пустыми библиотеками вместо библиотек Solaris",
            ),
            Self::MakeHeaders => (
                "make with the headers and flags of Solaris",
                "make с заголовками и флагами Solaris",
            ),
            Self::Compiler => return format!("cc {from}"),
            Self::CompilerHeaders => {
                return match lang {
                    Lang::En => format!("cc {from} with the headers of Solaris"),
                    Lang::Ru => format!("cc {from} с заголовками Solaris"),
                };
            }
            Self::Cargo => ("cargo build", "cargo build"),
            Self::Rustc => return format!("rustc {from}"),
            Self::Java => return format!("javac {from}"),
            Self::Go => return format!("go build {from}"),
            Self::Script => return from.to_owned(),
        };
        lang.pick(en, ru).to_owned()
    }
}

/// A rung that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// Which.
    pub rung: Rung,
    /// What was to be built: `server.c`, `Makefile`.
    pub from: String,
    /// Why it failed.
    pub why: Why,
    /// What the tools said, for the advice.
    pub output: String,
}

/// Why a rung did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Why {
    /// The most telling line of what the tools said.
    Said(String),
    /// The tools failed without a word.
    Silent,
    /// The Makefile has a name that make does not look for.
    Name(String),
    /// All went well, but the program is not among what was made.
    NoProgram(String),
    /// It was still running after so many seconds, and what it waited for.
    Seconds(u64, String),
    /// All of it slept for good: this.
    Asleep(String),
    /// It had used so many seconds of processor time.
    Cpu(u64),
    /// A tool does not exist on this machine.
    NoTool(String),
}

impl Why {
    /// From the output of a command that failed.
    pub(super) fn of(output: &str) -> Self {
        telling_line(output).map_or(Self::Silent, Self::Said)
    }

    /// One line.
    pub(super) fn text(&self, lang: Lang) -> String {
        let en = lang == Lang::En;
        match self {
            Self::Said(line) => line.clone(),
            Self::Silent if en => "failed without a message".to_owned(),
            Self::Silent => "ошибка без сообщения".to_owned(),
            Self::Name(name) if en => {
                format!("make looks for GNUmakefile, makefile and Makefile, not for {name}")
            }
            Self::Name(name) => {
                format!("make ищет GNUmakefile, makefile и Makefile, но не {name}")
            }
            Self::NoProgram(name) if en => format!("ended well, but made no {name}"),
            Self::NoProgram(name) => format!("закончилось успешно, но {name} не появился"),
            Self::Seconds(seconds, there) if en => {
                format!("still running after {seconds} s{}", said(": ", there))
            }
            Self::Seconds(seconds, there) => {
                format!(
                    "не закончилось за {seconds} с{}",
                    said(", выполняется: ", there)
                )
            }
            Self::Asleep(there) if en => format!("waits for what does not come: {there}"),
            Self::Asleep(there) => format!("ждёт того, чего не будет: {there}"),
            Self::Cpu(seconds) if en => {
                format!("stopped after {seconds} s of processor time")
            }
            Self::Cpu(seconds) => {
                format!("остановлено: {seconds} с процессорного времени")
            }
            Self::NoTool(tool) if en => format!("there is no `{tool}` on this machine"),
            Self::NoTool(tool) => format!("на этой машине нет `{tool}`"),
        }
    }
}

/// Longest line of a tool that is quoted, characters.
const QUOTED: usize = 140;

/// The line of a tool's output that says best why it failed.
fn telling_line(output: &str) -> Option<String> {
    let lines: Vec<&str> = output.lines().map(str::trim).collect();
    let with = |parts: &[&str]| {
        let said = |line: &&&str| parts.iter().any(|part| line.contains(part));
        lines.iter().find(said).copied()
    };
    let line = with(&["cannot find -l"])
        .or_else(|| with(&["error: ", "error["]))
        .or_else(|| with(&["undefined reference", "multiple definition"]))
        .or_else(|| with(&["ot found", "No such file", "Permission denied"]))
        .or_else(|| with(&["*** "]))
        .or_else(|| lines.iter().rev().find(|line| !line.is_empty()).copied())?;
    // Who says it has been said.
    let line = line.strip_prefix("make: ").unwrap_or(line);
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(QUOTED).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    Some(short)
}

/// How far make is helped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Help {
    /// The Makefile is a mended copy.
    pub repaired: bool,
    /// Empty libraries stand for those of Solaris.
    pub stubs: bool,
    /// Headers are forced in, and flags of the Sun compiler left out.
    pub headers: bool,
}

impl Help {
    /// The rung that this much help is.
    pub(super) fn rung(self) -> Rung {
        match self {
            Self { headers: true, .. } => Rung::MakeHeaders,
            Self { stubs: true, .. } => Rung::MakeStubs,
            Self { repaired: true, .. } => Rung::MakeRepaired,
            Self { .. } => Rung::Make,
        }
    }

    /// The help that the output of a failed make asks for besides; `None` where none is known.
    pub(super) fn more(self, output: &str, mendable: bool) -> Option<Self> {
        let mut out = self;
        out.repaired |= mendable;
        out.stubs |= solaris::wants_stubs(output);
        if out == self && solaris::wants_headers(output) {
            out.headers = true;
            out.stubs = true;
        }
        (out != self).then_some(out)
    }
}

/// What is known, after its introduction.
fn said(before: &str, what: &str) -> String {
    match what {
        "" => String::new(),
        _ => format!("{before}{what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_grows_by_what_make_says() {
        let none = Help::default();
        assert_eq!(none.rung(), Rung::Make);
        let tabs = none
            .more("Makefile:2: *** missing separator.  Stop.", true)
            .unwrap();
        assert_eq!(tabs.rung(), Rung::MakeRepaired);
        let stubs = tabs
            .more("/usr/bin/ld: cannot find -lnsl: No such file", true)
            .unwrap();
        assert_eq!(stubs.rung(), Rung::MakeStubs);
        let headers = stubs
            .more("error: storage size of 'a' isn't known", true)
            .unwrap();
        assert_eq!(headers.rung(), Rung::MakeHeaders);
        assert_eq!(headers.more("error: storage size of", true), None);
        assert_eq!(none.more("error: expected ';'", false), None);
        assert_eq!(none.more("cannot find -lwhatever", false), None);
    }

    #[test]
    fn the_most_telling_line_is_quoted() {
        let output = "gcc -o s s.c -lsocket\n/usr/bin/ld: cannot find -lsocket: No such file\n\
                      collect2: error: ld returned 1 exit status\nmake: *** [Makefile:2: s] Error 1";
        assert_eq!(
            Why::of(output).text(Lang::En),
            "/usr/bin/ld: cannot find -lsocket: No such file"
        );
        assert_eq!(
            Why::of("Makefile:2: *** missing   separator.  Stop."),
            Why::Said("Makefile:2: *** missing separator. Stop.".into())
        );
        assert_eq!(
            Why::of("make: *** [Makefile:2: all] Error 1").text(Lang::En),
            "*** [Makefile:2: all] Error 1"
        );
        assert_eq!(Why::of("\n"), Why::Silent);
        let long = Why::of(&"x".repeat(1000)).text(Lang::Ru);
        assert_eq!(long.chars().count(), QUOTED + 1);
    }
}
