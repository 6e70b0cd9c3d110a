//! What this machine could not give a run: tracing, a `/tmp` of its own. What rests on it is not
//! judged: a fault of the machine is never scored as the student's.

use supervisor::bytes::escape;
use supervisor::event::{Enforced, Event, Means, What};
use supervisor::plan::Address;

use supervisor::event::{NO_COPIES, NO_IPV6};

use super::judge::Ran;
use crate::lab::{Inspection, Lang, Property, Scenario, Selector, Statement, Stimulus};
use crate::transcript::Transcript;

/// What a run lacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The programs' calls were not seen.
    Tracing,
    /// A program was refused this file, which belongs to the machine.
    PrivateTmp(String),
    /// A program uses this name, which the whole machine shares.
    PrivateNetwork(String),
    /// Where a program wanted to listen was not seen.
    Address,
    /// There is no IPv6.
    Ipv6,
    /// A peer could not be another user than the programs'.
    Identity,
    /// The programs' sockets could not be made to hold little.
    SmallBuffers,
    /// Somebody asked to grade without it.
    LeftOut(Means),
    /// Anything else, in words.
    Other(String),
}

impl Lack {
    pub(super) fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Tracing, Lang::En) => {
                "this run was not traced, and only the programs' calls show it".to_owned()
            }
            (Self::Tracing, Lang::Ru) => {
                "запуск не трассировался, а видно это только по вызовам программ".to_owned()
            }
            (Self::PrivateTmp(path), Lang::En) => format!(
                "{path} is outside the workspace, and this machine grants no private /tmp; \
                 `grader doctor` tells why"
            ),
            (Self::PrivateTmp(path), Lang::Ru) => format!(
                "{path} лежит вне рабочего каталога, а отдельный /tmp эта машина не даёт; \
                 причину назовёт `grader doctor`"
            ),
            (Self::PrivateNetwork(name), Lang::En) => format!(
                "{name} is shared with the whole machine, which grants no private network; \
                 `grader doctor` tells why"
            ),
            (Self::PrivateNetwork(name), Lang::Ru) => format!(
                "{name} виден всей машине, а отдельной сети она не даёт; \
                 причину назовёт `grader doctor`"
            ),
            (Self::Address, Lang::En) => {
                "without namespaces and tracing it is not known where the program wanted to listen"
                    .to_owned()
            }
            (Self::Address, Lang::Ru) => {
                "без пространств имён и трассировки неизвестно, где программа хотела слушать"
                    .to_owned()
            }
            (Self::Ipv6, Lang::En) => "this machine has no IPv6: ::1 is not there".to_owned(),
            (Self::Ipv6, Lang::Ru) => "на этой машине нет IPv6: адреса ::1 нет".to_owned(),
            (Self::Identity, Lang::En) => {
                "this machine grants one user id only, so nobody could connect as another user; \
                 `grader doctor` tells why"
                    .to_owned()
            }
            (Self::Identity, Lang::Ru) => {
                "эта машина даёт только один идентификатор пользователя, и соединиться от имени \
                 другого нельзя; причину назовёт `grader doctor`"
                    .to_owned()
            }
            (Self::SmallBuffers, Lang::En) => {
                "this machine lets nobody copy a program's descriptor (pidfd_getfd), so its sockets \
                 could not be made to hold little; in a container: run it with \
                 --security-opt seccomp=unconfined"
                    .to_owned()
            }
            (Self::SmallBuffers, Lang::Ru) => {
                "эта машина не даёт копировать дескрипторы программ (pidfd_getfd), и буферы их \
                 сокетов нельзя уменьшить; контейнер нужно запустить с \
                 --security-opt seccomp=unconfined"
                    .to_owned()
            }
            (Self::LeftOut(means), lang) => {
                let what = match means {
                    Means::Ipv6 => "IPv6",
                    Means::OtherUser => lang.pick("another user", "другого пользователя"),
                };
                let word = means.word();
                lang.pick(
                    format!("it was asked to grade without {what} (--without {word})"),
                    format!("проверять просили без {what} (--without {word})"),
                )
            }
            (Self::Other(what), _) => what.clone(),
        }
    }
}

fn enforced(ran: &Ran) -> Option<&Enforced> {
    ran.events.iter().find_map(|event| match &event.what {
        What::Enforced(enforced) => Some(enforced),
        _ => None,
    })
}

/// Whether the programs' calls were not seen in this run.
pub(super) fn untraced(ran: &Ran) -> bool {
    enforced(ran).is_some_and(|enforced| enforced.observation == "bare")
}

/// What the whole run lacked. Without namespaces names in the machine's own `/tmp` are refused,
/// and abstract names and ports of a program's own choice meet those of others.
pub(super) fn lack(scenario: &Scenario, ran: &Ran) -> Option<Lack> {
    let mut events = ran.events.iter();
    if events.any(|event| matches!(event.what, What::NoStranger { .. })) {
        return Some(Lack::Identity);
    }
    let enforced = enforced(ran)?;
    let misses = |name: &str| enforced.missing.iter().any(|what| what.starts_with(name));
    if scenario.needs_ipv6() && misses(NO_IPV6) {
        return Some(Lack::Ipv6);
    }
    if scenario.wants_small_sockets() && misses(NO_COPIES) {
        return Some(Lack::SmallBuffers);
    }
    if enforced.isolation != "reduced" {
        return None;
    }
    if scenario.looks_up_localhost() {
        return Some(Lack::PrivateNetwork("localhost".to_owned()));
    }
    let seen = ran.events.iter().find_map(foreign);
    seen.or_else(|| {
        let blind = enforced.observation == "bare"
            && scenario
                .students
                .iter()
                .any(|role| listens(&ran.expected, role) && !listens(&ran.actual, role));
        blind.then_some(Lack::Address)
    })
}

fn listens(transcript: &Transcript, role: &str) -> bool {
    let mut lines = transcript.phases.iter().flat_map(|phase| &phase.lines);
    lines.any(|line| line.lane == role && line.payload.starts_with("listen "))
}

/// A name that is the program's own only where there are namespaces.
fn foreign(event: &Event) -> Option<Lack> {
    const EACCES: i32 = 13;
    const SHARED: [&str; 3] = ["/tmp/", "/var/tmp/", "/dev/shm/"];
    let shared = |path: &str| SHARED.iter().any(|prefix| path.starts_with(prefix));
    let of_the_network = |address: &Address| match address {
        Address::Path(_) => None,
        Address::Abstract(name) => {
            let name = name.strip_suffix(&[0]).unwrap_or(name);
            let end = name.iter().position(|&byte| byte == 0);
            Some(format!("@{}", escape(&name[..end.unwrap_or(name.len())])))
        }
        Address::Inet(address) => Some(address.to_string()),
    };
    match &event.what {
        What::BindFailed {
            address: Address::Path(path),
            errno: EACCES,
            ..
        } => Some(path.escaped())
            .filter(|path| shared(path))
            .map(Lack::PrivateTmp),
        What::BindFailed { address, .. }
        | What::Listening {
            address,
            nominal: false,
            ..
        } => of_the_network(address).map(Lack::PrivateNetwork),
        What::Call(call) if call.result == Some(-i64::from(EACCES)) => {
            let mut quoted = call.args.split('"').skip(1).step_by(2);
            let path = quoted.find(|path| shared(path))?;
            Some(Lack::PrivateTmp(path.to_owned()))
        }
        _ => None,
    }
}

/// Whether a disturbance, which untraced programs never feel, comes before the end of a step.
pub(super) fn disturbed(scenario: &Scenario, step: u32) -> bool {
    let mut steps = scenario.steps.iter().zip(1..=step);
    steps.any(|(step, _)| {
        let mut stimuli = step.stimuli.iter();
        stimuli.any(|stimulus| matches!(stimulus, Stimulus::Disturb { .. }))
    })
}

/// Whether the lines picked in a step (none: all) need tracing.
pub(super) fn needed_in_step(scenario: &Scenario, number: u32, picked: &[&Selector]) -> bool {
    let step = usize::try_from(number)
        .ok()
        .and_then(|number| scenario.steps.get(number.checked_sub(1)?));
    let looks_at_family = step.is_some_and(|step| {
        step.stimuli.iter().any(|stimulus| {
            matches!(
                stimulus,
                Stimulus::Inspect {
                    what: Inspection::Family,
                    ..
                }
            )
        })
    });
    let family = |selector: &&Selector| {
        let channel = selector.channel.as_deref();
        channel.is_none_or(|channel| channel == "family")
    };
    disturbed(scenario, number)
        || looks_at_family && (picked.is_empty() || picked.iter().any(family))
}

/// Whether a property is told by the programs' calls.
pub(super) fn needed_for(property: &Property) -> bool {
    match property {
        Property::Executed(_)
        | Property::Called(_)
        | Property::NotCalled(_)
        | Property::TellsChildren(_)
        | Property::NoSocketLeft => true,
        Property::Holds(statement) => match statement {
            Statement::PipedTextInUpperCase
            | Statement::PipedTextInBothCases
            | Statement::PipeJoinsProcesses
            | Statement::ChildrenReaped
            | Statement::InputNotWritten
            | Statement::LettersRead
            | Statement::KeysAnswered => true,
        },
        Property::CountEquals { .. }
        | Property::CountBetween { .. }
        | Property::Counts { .. }
        | Property::Subsequence(_)
        | Property::Contains(_)
        | Property::Absent(_)
        | Property::Matches(_)
        | Property::Ended(_)
        | Property::Unlinked
        | Property::Live
        | Property::WaitsIn(_)
        | Property::Among(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use supervisor::event::{Call, ExitStatus};
    use supervisor::plan::ProcessId;

    use super::*;
    use crate::lab::{Check, Lab, Window};
    use crate::transcript::fixture::*;
    use crate::verdict::{Outcome, Reason, ScenarioOutcome, ScenarioResult, Verdict, judge};

    fn under(isolation: &str, observation: &str, events: Vec<Event>) -> Vec<Event> {
        let enforced = What::Enforced(Enforced {
            isolation: isolation.to_owned(),
            observation: observation.to_owned(),
            active: Vec::new(),
            missing: Vec::new(),
            lacks: Vec::new(),
        });
        [vec![at(0, enforced)], events].concat()
    }

    fn judged(lab: &Lab, events: Vec<Event>) -> Vec<Verdict> {
        let result = ScenarioResult::Ran(Box::new(Ran {
            expected: transcript(lab, 0, &good()).into(),
            actual: transcript(lab, 0, &events),
            events,
        }));
        let scenario = lab.scenarios[0].id.clone();
        judge(lab, &[ScenarioOutcome { scenario, result }])
    }

    fn of<'a>(verdicts: &'a [Verdict], id: &str) -> &'a Verdict {
        verdicts
            .iter()
            .find(|v| v.requirement == id)
            .expect("judged")
    }

    #[test]
    fn what_only_calls_show_is_skipped_without_tracing_and_judged_with_it() {
        let mut lab = us_upper();
        lab.requirements.push(requirement("runs-tr", 10, &[]));
        lab.scenarios[0].checks = vec![Check {
            id: "tr-was-started".to_owned(),
            proves: vec!["runs-tr".to_owned()],
            program: "server".to_owned(),
            stderr: false,
            window: Window::default(),
            property: Property::Executed(vec!["tr".to_owned()]),
        }];
        let bare = judged(&lab, under("full", "bare", good()));
        assert_eq!(of(&bare, "runs-tr").outcome, Outcome::Skipped);
        assert_eq!(of(&bare, "s-next").outcome, Outcome::Pass);
        let stops = |what| {
            let mut events = good();
            events.truncate(5);
            events.push(at(3, exited(what)));
            events
        };
        let wrong = judged(&lab, under("full", "bare", stops(ExitStatus::Code(1))));
        assert_eq!(
            of(&wrong, "s-duplex").outcome,
            Outcome::Fail,
            "seen without calls"
        );
    }

    #[test]
    fn what_small_sockets_show_is_skipped_where_they_cannot_be_made_small() {
        let mut lab = us_upper();
        let setup = crate::lab::Setup {
            small_buffers: true,
            ..crate::lab::Setup::default()
        };
        let refused = || {
            let mut events = under("full", "full", good());
            if let What::Enforced(enforced) = &mut events[0].what {
                enforced.missing = vec![format!("{NO_COPIES}: refused")];
            }
            events
        };
        let outcome = |lab: &Lab, events| of(&judged(lab, events), "s-next").outcome;
        assert_eq!(outcome(&lab, refused()), Outcome::Pass);
        let server = lab.scenarios[0].students[0].clone();
        lab.scenarios[0].setup.insert(server, setup);
        assert_eq!(outcome(&lab, refused()), Outcome::Skipped);
        assert_eq!(outcome(&lab, under("full", "full", good())), Outcome::Pass);
    }

    #[test]
    fn localhost_is_what_the_machine_says_where_there_is_no_private_network() {
        let mut lab = us_upper();
        let setup = crate::lab::Setup {
            args: Some(vec!["localhost".to_owned(), "{port}".to_owned()]),
            ..crate::lab::Setup::default()
        };
        lab.scenarios[0].setup.insert("client".to_owned(), setup);
        let wrong = || good()[..4].to_vec();
        let reduced = judged(&lab, under("reduced", "full", wrong()));
        assert!(reduced.iter().all(|v| v.outcome == Outcome::Skipped));
        let Some(Reason::Unavailable(why)) = &reduced[0].reason else {
            panic!("{reduced:#?}");
        };
        assert!(why.starts_with("localhost is shared with"), "{why}");
        let full = judged(&lab, under("full", "full", wrong()));
        assert!(full.iter().any(|v| v.outcome == Outcome::Fail));
    }

    #[test]
    fn a_name_in_the_machines_tmp_is_no_failure_where_there_is_no_other() {
        let lab = us_upper();
        let refused = vec![at(
            1,
            What::Call(Call {
                process: ProcessId {
                    program: supervisor::plan::ProgramId(0),
                    number: 0,
                },
                thread: 0,
                name: "bind".to_owned(),
                args: "3, \"/tmp/sock\"".to_owned(),
                data: Default::default(),
                result: Some(-13),
                times: 1,
            }),
        )];
        let reduced = judged(&lab, under("reduced", "full", refused.clone()));
        assert!(reduced.iter().all(|v| v.outcome == Outcome::Skipped));
        let Some(Reason::Unavailable(why)) = &reduced[0].reason else {
            panic!("{reduced:#?}");
        };
        assert!(why.starts_with("/tmp/sock is outside"), "{why}");
        let full = judged(&lab, under("full", "full", refused));
        assert!(full.iter().any(|v| v.outcome == Outcome::Fail));
    }
}
