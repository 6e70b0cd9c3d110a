//! Runs made by hand, for the tests of the reports.

use std::time::Duration;

use supervisor::event::Enforced;

use crate::lab::{Lab, Lang, Program, Requirement, Scenario, StreamMode, Text, sample};
use crate::run::{RunEvent, Summary};
use crate::submission::BuildReport;
use crate::submission::Rung;
use crate::transcript::{Line, Op};
use crate::verdict::{ActionCall, Actions, Difference, Outcome, Reason, Verdict};

use super::{Context, Replay, Reporter};

/// Everything a reporter is fed in one run.
pub(super) struct Run {
    pub(super) lab: Lab,
    pub(super) builds: Vec<BuildReport>,
    pub(super) enforced: Enforced,
    pub(super) faults: Vec<(&'static str, Option<&'static str>)>,
    pub(super) summary: Summary,
}

impl Run {
    pub(super) fn feed(&self, reporter: &mut dyn Reporter) {
        let mut feed = |event: RunEvent<'_>| reporter.event(&event).unwrap();
        feed(RunEvent::Began {
            lab: &self.lab,
            submission: &self.summary.submission,
        });
        for build in &self.builds {
            feed(RunEvent::Built(build));
        }
        feed(RunEvent::Enforced(&self.enforced));
        for (scenario, fault) in &self.faults {
            let took = Duration::from_micros(8_400);
            feed(RunEvent::ScenarioDone {
                scenario,
                took,
                fault: *fault,
            });
        }
        feed(RunEvent::Finished(&self.summary));
    }
}

pub(super) fn context(lang: Lang) -> Context {
    let replay = Replay {
        lab: "us-upper".to_owned(),
        submission: ".".to_owned(),
        options: vec!["--seed".to_owned(), "7".to_owned()],
    };
    Context { lang, replay }
}

fn requirement(id: &str, points: u32, title: Text, hint: Text, needs: &[&str]) -> Requirement {
    Requirement {
        title,
        hint,
        ..sample::requirement(id, points, needs)
    }
}

fn program(name: &str, executable: &str) -> Program {
    Program {
        sources: vec![format!("{executable}.c")],
        stdout: StreamMode::Free,
        ..sample::program(name, executable)
    }
}

pub(crate) fn lab() -> Lab {
    let scenario = |id: &str| Scenario {
        students: vec!["server".to_owned()],
        ..sample::scenario(id)
    };
    Lab {
        title: Text::both(
            "Upper-case service over a Unix stream socket",
            "Сервис верхнего регистра через Unix-сокет",
        ),
        level: 4,
        concepts: vec!["socket".to_owned()],
        programs: vec![
            program("server", "us-server"),
            program("client", "us-client"),
        ],
        requirements: vec![
            requirement(
                "s-address",
                5,
                Text::both(
                    "The server listens where it was told to",
                    "Сервер слушает там, где велено",
                ),
                Text::both("bind() to argv[1].", "bind() на argv[1]."),
                &[],
            ),
            requirement(
                "s-upper",
                10,
                Text::both(
                    "Letters come back in upper case",
                    "Буквы возвращаются заглавными",
                ),
                Text::default(),
                &["s-address"],
            ),
            requirement(
                "s-next",
                10,
                Text::both(
                    "The next client is served, and nothing is left of the last one when it comes",
                    "Следующего клиента обслуживают, и от прошлого ничего не остаётся",
                ),
                Text::both(
                    "read() = 0 means the other side has finished: close it and accept again.",
                    "read() = 0 значит, что собеседник закончил: закройте его и снова зовите accept.",
                ),
                &["s-address"],
            ),
            requirement(
                "s-bye",
                5,
                Text::both(
                    "SIGTERM ends it and removes the socket",
                    "SIGTERM завершает его и убирает сокет",
                ),
                Text::default(),
                &["s-next"],
            ),
        ],
        scenarios: vec![scenario("one-then-the-next"), scenario("bye")],
        ..sample::lab("us-upper")
    }
}

fn build(program: &str, executable: &str, from: &str, cached: bool) -> BuildReport {
    BuildReport {
        program: program.to_owned(),
        executable: executable.to_owned(),
        from: from.to_owned(),
        rung: Some(Rung::Compiler),
        tried: Vec::new(),
        cached,
        warnings: String::new(),
        failure: None,
        unavailable: None,
        hint: None,
    }
}

fn enforced() -> Enforced {
    Enforced {
        isolation: "full".to_owned(),
        observation: "full".to_owned(),
        active: vec!["user namespace".to_owned(), "seccomp".to_owned()],
        missing: Vec::new(),
        lacks: Vec::new(),
    }
}

fn verdict(id: &str, outcome: Outcome, of: u32, reason: Option<Reason>) -> Verdict {
    let points = if outcome == Outcome::Pass { of } else { 0 };
    Verdict {
        requirement: id.to_owned(),
        outcome,
        points,
        of,
        reason,
    }
}

fn summary(verdicts: Vec<Verdict>) -> Summary {
    Summary {
        lab: "us-upper".to_owned(),
        submission: ".".to_owned(),
        points: verdicts.iter().map(|verdict| verdict.points).sum(),
        of: verdicts.iter().map(|verdict| verdict.of).sum(),
        verdicts,
        took: Duration::from_millis(93),
        scenarios: 2,
        rungs: Vec::new(),
        notes: Vec::new(),
    }
}

pub(super) fn line(lane: &str, op: Op, payload: &str) -> Line {
    let (lane, channel) = lane.split_once('.').unwrap_or((lane, ""));
    Line {
        lane: lane.to_owned(),
        channel: channel.to_owned(),
        op,
        payload: payload.to_owned(),
    }
}

fn call(text: &str, remark: Option<&str>) -> ActionCall {
    ActionCall {
        text: text.to_owned(),
        remark: remark.map(str::to_owned),
    }
}

fn run(builds: Vec<BuildReport>, summary: Summary) -> Run {
    let faults = vec![("one-then-the-next", None), ("bye", None)];
    Run {
        lab: lab(),
        builds,
        enforced: enforced(),
        faults,
        summary,
    }
}

fn both_built() -> Vec<BuildReport> {
    vec![
        build("server", "us-server", "server.c", false),
        build("client", "us-client", "client.c", true),
    ]
}

pub(super) fn spinning() -> Difference {
    Difference {
        scenario: "one-then-the-next".to_owned(),
        step: 6,
        title: "connect bob".to_owned(),
        expected: vec![line("bob", Op::Life, "open")],
        yours: vec![
            line("bob", Op::Life, "queued, never accepted"),
            line("server", Op::Quiet, "spinning"),
        ],
        remark: None,
        ignored: Vec::new(),
        more: 2,
        actions: vec![Actions {
            program: "server".to_owned(),
            step: 6,
            since: Some(5),
            calls: vec![
                call("read(4) = 0", Some("alice has closed her side")),
                call("read(4) = 0", Some("the same answer 41 812 times more")),
            ],
        }],
        waits: vec![
            "bob waits in the queue of <socket> until server calls accept".to_owned(),
            "server does not wait: it runs for ever between two calls of read(4)".to_owned(),
        ],
        proved_after: Some(1_640),
    }
}

pub(super) fn one_fault() -> Run {
    let earlier = Reason::EarlierInScenario {
        scenario: "one-then-the-next".to_owned(),
        step: 6,
        requirement: "s-next".to_owned(),
    };
    run(
        both_built(),
        summary(vec![
            verdict("s-address", Outcome::Pass, 5, None),
            verdict("s-upper", Outcome::Pass, 10, None),
            verdict(
                "s-next",
                Outcome::Fail,
                10,
                Some(Reason::Difference(Box::new(spinning()))),
            ),
            verdict("s-bye", Outcome::NotReached, 5, Some(earlier)),
        ]),
    )
}

pub(super) fn all_met() -> Run {
    let mut summary = summary(vec![
        verdict("s-address", Outcome::Pass, 5, None),
        verdict("s-upper", Outcome::Pass, 10, None),
        verdict("s-next", Outcome::Pass, 10, None),
        verdict("s-bye", Outcome::Pass, 5, None),
    ]);
    summary
        .notes
        .push("server: the text appears only at exit".to_owned());
    run(both_built(), summary)
}

pub(super) fn not_built() -> Run {
    let failed = BuildReport {
        failure: Some(
            "server.c: In function 'main':\nserver.c:41:9: error: implicit declaration of function 'sigset'\n   41 |         sigset(2, h);\n      |         ^~~~~~"
                .to_owned(),
        ),
        hint: Some("sigset() is a Solaris call; on Linux use sigaction(2).".to_owned()),
        ..build("server", "us-server", "server.c", false)
    };
    let missing = || {
        Some(Reason::NotBuilt {
            program: "server".to_owned(),
        })
    };
    run(
        vec![failed, build("client", "us-client", "client.c", false)],
        summary(vec![
            verdict("s-address", Outcome::NotReached, 5, missing()),
            verdict("s-upper", Outcome::NotReached, 10, missing()),
            verdict("s-next", Outcome::Pass, 10, None),
            verdict(
                "s-bye",
                Outcome::NotReached,
                5,
                Some(Reason::Prerequisite {
                    requirement: "s-address".to_owned(),
                }),
            ),
        ]),
    )
}

pub(super) fn machine_fault() -> Run {
    let why = "the supervisor was killed (signal 9)";
    let fault = || Some(Reason::Fault(why.to_owned()));
    let mut run = run(
        both_built(),
        summary(vec![
            verdict("s-address", Outcome::Error, 5, fault()),
            verdict("s-upper", Outcome::Error, 10, fault()),
            verdict(
                "s-next",
                Outcome::Skipped,
                10,
                Some(Reason::Unavailable("no ptrace".to_owned())),
            ),
            verdict("s-bye", Outcome::Unstable, 5, None),
        ]),
    );
    run.faults[0].1 = Some(why);
    run.enforced.isolation = "reduced".to_owned();
    run.enforced.missing =
        vec!["user namespaces are refused (AppArmor): files outside are readable".to_owned()];
    run
}

/// A submission that attacks the reports: in payloads, in compiler output, in file names.
pub(super) fn hostile() -> Run {
    let attack =
        "::error::pwned]]>\u{1b}[2J\u{0}<b>`|``%0A\r\n::stop-commands::x\n##[error]pwned\u{202e}";
    let mut difference = spinning();
    difference.title = attack.to_owned();
    difference.expected = vec![line("bob", Op::Out, &"A".repeat(400))];
    difference.yours = vec![
        line(
            "bob",
            Op::Out,
            &format!("{}{}", "A".repeat(300), "B".repeat(100)),
        ),
        line("server.out", Op::Out, attack),
        line("server.out", Op::OutPartial, "::warning file=a,line=1::b"),
    ];
    difference.remark = Some(attack.to_owned());
    difference.waits = vec![attack.to_owned()];
    difference.actions[0].calls = vec![call(attack, Some(attack))];
    let broken = BuildReport {
        from: format!("{attack}.c"),
        failure: Some(format!(
            "::error file=x::y\n{attack}\nserver.c:3:1: error: {attack}"
        )),
        hint: Some(attack.to_owned()),
        ..build("server", "us-server", "", false)
    };
    let warned = BuildReport {
        warnings: attack.to_owned(),
        ..build("client", "us-client", attack, false)
    };
    let mut summary = summary(vec![
        verdict(
            "s-address",
            Outcome::Fail,
            5,
            Some(Reason::Difference(Box::new(difference))),
        ),
        verdict(
            "s-upper",
            Outcome::Error,
            10,
            Some(Reason::Fault(attack.to_owned())),
        ),
        verdict(
            "s-next",
            Outcome::Skipped,
            10,
            Some(Reason::Unavailable(attack.to_owned())),
        ),
        verdict(
            "s-bye",
            Outcome::NotReached,
            5,
            Some(Reason::NotBuilt {
                program: "server".to_owned(),
            }),
        ),
    ]);
    summary.submission = attack.to_owned();
    summary.notes = vec![attack.to_owned()];
    run(vec![broken, warned], summary)
}

pub(super) fn all() -> Vec<Run> {
    vec![
        one_fault(),
        all_met(),
        not_built(),
        machine_fault(),
        hostile(),
    ]
}
