//! How far from the handout a program had to be taken: as data, and in words.

use crate::lab::Lang;
use crate::verdict::phrases::Phrase;
use crate::verdict::{Outcome, Reason, Verdict};

/// What a program did not do as the handout says, and how it was graded all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The role.
    pub program: String,
    /// Which ladder.
    pub ladder: Ladder,
    /// The rung.
    pub taken: Taken,
    /// The address, as far as it can be read; of an address only.
    pub value: Option<String>,
    /// What kind of address.
    pub kind: Option<AddressKind>,
    /// Whether the program listens there; otherwise it connects.
    pub listens: bool,
    /// What is strange about the address.
    pub oddity: Option<Oddity>,
    /// Any address is right in this lab, and no argument is asked for.
    pub any: bool,
    /// Requirements that failed because of it; see [`charge`].
    pub cost: Vec<String>,
}

/// What is climbed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ladder {
    /// How the program is started.
    Arguments,
    /// Where it listens or connects.
    Address,
    /// How its output is read.
    Output,
}

impl Ladder {
    /// `address`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Arguments => "arguments",
            Self::Address => "address",
            Self::Output => "output",
        }
    }
}

/// A rung, of any of the ladders; the first is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taken {
    /// As the handout says.
    Handout,
    /// The address came from an environment variable.
    Environment,
    /// By the word of the submission's `grader.toml`.
    Manifest,
    /// The address was learnt from the program's own `bind` or `connect`.
    Discovered,
    /// Started without arguments.
    NoArguments,
    /// Started with the path alone.
    Path,
    /// Started with the path and the name of its role.
    PathRole,
    /// Started with a port number.
    Port,
    /// Its output was read on a terminal instead of a pipe.
    Terminal,
}

impl Taken {
    /// `path-role`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Handout => "handout",
            Self::Environment => "environment",
            Self::Manifest => "grader-toml",
            Self::Discovered => "discovered",
            Self::NoArguments => "none",
            Self::Path => "path",
            Self::PathRole => "path-role",
            Self::Port => "port",
            Self::Terminal => "terminal",
        }
    }
}

/// What kind of address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// A Unix socket with a file.
    Path,
    /// A Unix socket in the abstract namespace, unix(7).
    Abstract,
    /// A TCP port.
    Tcp,
}

impl AddressKind {
    /// `unix-path`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Path => "unix-path",
            Self::Abstract => "unix-abstract",
            Self::Tcp => "tcp",
        }
    }
}

/// How a `struct sockaddr_un` was filled in wrongly, unix(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// The name goes on with what the memory held before.
    NotCleared,
    /// The length that was given cuts the name.
    Cut,
    /// The name fills `sun_path` to its last byte, with no room for a NUL.
    Full,
    /// A path behind a leading NUL: an abstract name, without a file.
    LeadingNul,
    /// No name at all, only NULs.
    Empty,
}

impl Oddity {
    /// `not-cleared`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotCleared => "not-cleared",
            Self::Cut => "cut",
            Self::Full => "full",
            Self::LeadingNul => "leading-nul",
            Self::Empty => "empty",
        }
    }
}

impl Rung {
    /// A rung that says nothing of an address.
    #[must_use]
    pub fn plain(program: &str, ladder: Ladder, taken: Taken) -> Self {
        Self {
            program: program.to_owned(),
            ladder,
            taken,
            value: None,
            kind: None,
            listens: false,
            oddity: None,
            any: false,
            cost: Vec::new(),
        }
    }

    /// What to tell the student: what was done, what it cost, how to get to the first rung.
    /// `None` on the first.
    #[must_use]
    pub fn text(&self, lang: Lang) -> Option<String> {
        let said = self.what(lang)?;
        let cost = match self.cost.as_slice() {
            [] => Phrase::CostsNothing.say(lang),
            ids => Phrase::Costs(&ids.join(", ")).say(lang),
        };
        let mut sentences = vec![said, cost];
        // Where no argument is asked for, there is none to be taken.
        if !(self.any && self.ladder == Ladder::Arguments) {
            sentences.push(self.how().say(lang));
        }
        Some(sentences.join(". "))
    }

    fn what(&self, lang: Lang) -> Option<String> {
        let who = self.program.as_str();
        let address = self.value.as_deref().unwrap_or_default();
        let phrase = match (self.ladder, self.taken) {
            (Ladder::Address, _) if self.oddity.is_some() => match self.oddity? {
                Oddity::NotCleared => Phrase::NameNotCleared { who, address },
                Oddity::Cut => Phrase::NameCut { who, address },
                Oddity::Full => Phrase::NameFull { who, address },
                Oddity::LeadingNul => Phrase::NameBehindNul { who, address },
                Oddity::Empty => Phrase::NameEmpty(who),
            },
            (Ladder::Address, Taken::Discovered | Taken::Manifest)
                if self.kind == Some(AddressKind::Tcp) =>
            {
                Phrase::IsTcp {
                    who,
                    address,
                    listens: self.listens,
                }
            }
            (Ladder::Address, Taken::Manifest) => Phrase::AtDeclared {
                who,
                address,
                listens: self.listens,
            },
            (Ladder::Address, Taken::Environment) => Phrase::FromEnvironment(who),
            (Ladder::Address, Taken::Discovered) if !self.any && self.listens => {
                Phrase::ListensElsewhere { who, address }
            }
            (Ladder::Address, Taken::Discovered) if !self.any => {
                Phrase::ConnectsElsewhere { who, address }
            }
            // They are offered to those who want them.
            (Ladder::Arguments, Taken::NoArguments) if self.any => return None,
            (Ladder::Arguments, Taken::NoArguments) => Phrase::WithoutArguments(who),
            (Ladder::Arguments, Taken::Path) => Phrase::WithPath(who),
            (Ladder::Arguments, Taken::PathRole) => Phrase::WithPathRole(who),
            (Ladder::Arguments, Taken::Port) => Phrase::WithPort(who),
            (Ladder::Arguments, Taken::Manifest) => Phrase::OwnArguments(who),
            (Ladder::Output, Taken::Terminal) => Phrase::OnTerminal(who),
            _ => return None,
        };
        Some(phrase.say(lang))
    }

    fn how(&self) -> Phrase<'static> {
        match (self.ladder, self.oddity) {
            (_, Some(Oddity::NotCleared | Oddity::Full)) => Phrase::HowToClear,
            (_, Some(Oddity::Cut)) => Phrase::HowToMeasure,
            (_, Some(Oddity::LeadingNul | Oddity::Empty)) => Phrase::HowToFill,
            (Ladder::Address, None) if self.kind == Some(AddressKind::Tcp) => Phrase::HowToUnix,
            (Ladder::Address, None) => Phrase::HowToArgv,
            (Ladder::Arguments, None) => Phrase::HowToArguments,
            (Ladder::Output, None) => Phrase::HowToFlush,
        }
    }
}

/// Names the requirements that each address rung has cost: those that failed on the very line in
/// which the program listens or connects.
pub fn charge(rungs: &mut [Rung], verdicts: &[Verdict]) {
    for rung in rungs.iter_mut().filter(|r| r.ladder == Ladder::Address) {
        let cost = verdicts.iter().filter(|verdict| {
            let Some(Reason::Difference(difference)) = &verdict.reason else {
                return false;
            };
            let mut lines = difference.expected.iter().chain(&difference.yours);
            verdict.outcome == Outcome::Fail
                && lines.any(|line| {
                    line.lane == rung.program
                        && line.channel.is_empty()
                        && ["listen ", "connect "]
                            .iter()
                            .any(|word| line.payload.starts_with(word))
                })
        });
        rung.cost = cost.map(|verdict| verdict.requirement.clone()).collect();
    }
}

/// One list from those of all runs: each rung once, and the first rung of a ladder only where no
/// other was taken.
#[must_use]
pub fn gathered(all: impl IntoIterator<Item = Rung>) -> Vec<Rung> {
    let mut out: Vec<Rung> = Vec::new();
    for rung in all {
        if !out.contains(&rung) {
            out.push(rung);
        }
    }
    let lower: Vec<(String, Ladder)> = out
        .iter()
        .filter(|rung| rung.taken != Taken::Handout || rung.oddity.is_some())
        .map(|rung| (rung.program.clone(), rung.ladder))
        .collect();
    out.retain(|rung| {
        rung.taken != Taken::Handout
            || rung.oddity.is_some()
            || !lower
                .iter()
                .any(|(program, ladder)| *program == rung.program && *ladder == rung.ladder)
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Line, Op};
    use crate::verdict::Difference;

    fn discovered(program: &str) -> Rung {
        Rung {
            value: Some("/tmp/sock".to_owned()),
            kind: Some(AddressKind::Path),
            listens: true,
            ..Rung::plain(program, Ladder::Address, Taken::Discovered)
        }
    }

    fn failed(id: &str, lane: &str, payload: &str) -> Verdict {
        Verdict {
            requirement: id.to_owned(),
            outcome: Outcome::Fail,
            points: 0,
            of: 5,
            reason: Some(Reason::Difference(Box::new(Difference {
                scenario: "s".to_owned(),
                step: 1,
                title: "start server".to_owned(),
                expected: Vec::new(),
                yours: vec![Line {
                    lane: lane.to_owned(),
                    channel: String::new(),
                    op: Op::Life,
                    payload: payload.to_owned(),
                }],
                remark: None,
                ignored: Vec::new(),
                more: 0,
                actions: Vec::new(),
                waits: Vec::new(),
                proved_after: None,
            }))),
        }
    }

    #[test]
    fn only_what_fails_on_the_address_is_its_cost() {
        let mut rungs = vec![discovered("server"), discovered("client")];
        let verdicts = [
            failed("s-address", "server", "listen unix-stream /tmp/sock"),
            failed("s-bye", "server", "exit 1"),
        ];
        charge(&mut rungs, &verdicts);
        assert_eq!(rungs[0].cost, ["s-address"]);
        assert_eq!(rungs[1].cost, [""; 0]);
        let text = rungs[0].text(Lang::En).unwrap();
        assert!(text.contains("server listens at /tmp/sock"), "{text}");
        assert!(text.contains("It cost s-address"), "{text}");
        let free = rungs[1].text(Lang::En).unwrap();
        assert!(free.contains("It cost nothing"), "{free}");
        assert!(rungs[0].text(Lang::Ru).unwrap().contains("s-address"));
    }

    #[test]
    fn who_takes_no_argument_is_told_so_only_where_one_is_asked_for() {
        let asked = Rung::plain("server", Ladder::Arguments, Taken::NoArguments);
        let text = asked.text(Lang::En).unwrap();
        assert!(text.contains("server refused the arguments"), "{text}");
        let offered = Rung { any: true, ..asked };
        assert_eq!(offered.text(Lang::En), None);
        let own = Rung {
            taken: Taken::Manifest,
            ..offered
        };
        let text = own.text(Lang::En).unwrap();
        assert!(text.ends_with("It cost nothing"), "{text}");
    }

    #[test]
    fn the_first_rung_says_nothing_and_gives_way_to_a_lower_one() {
        let first = Rung::plain("server", Ladder::Address, Taken::Handout);
        assert_eq!(first.text(Lang::En), None);
        let all = [first.clone(), discovered("server"), discovered("server")];
        assert_eq!(gathered(all), [discovered("server")]);
        assert_eq!(gathered([first.clone(), first.clone()]), [first]);
    }
}
