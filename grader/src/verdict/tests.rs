//! Runs in, verdicts and explanations out.

use insta::assert_snapshot;
use supervisor::event::{
    Call, Ender, Event, ExitStatus, Object, Quiet, Stream, Wait, WaitState, What,
};
use supervisor::plan::{Address, PeerId, ProcessId, ProgramId};

use super::*;
use crate::lab::{Check, Lab, Lang, Property, Stimulus, StreamMode, Window};
use crate::transcript::fixture::*;

/// The run of scenario `index` with these events, judged against the good one.
fn ran(lab: &Lab, index: usize, good: &[Event], events: Vec<Event>) -> ScenarioOutcome {
    ScenarioOutcome {
        scenario: lab.scenarios[index].id.clone(),
        result: ScenarioResult::Ran(Box::new(Ran {
            expected: transcript(lab, index, good).into(),
            actual: transcript(lab, index, &events),
            events,
        })),
    }
}

fn first(lab: &Lab, events: Vec<Event>) -> ScenarioOutcome {
    ran(lab, 0, &good(), events)
}

fn outcomes(verdicts: &[Verdict]) -> String {
    let show = |verdict: &Verdict| {
        let reason = match &verdict.reason {
            None => String::new(),
            Some(Reason::Difference(difference)) => {
                format!("  {} step {}", difference.scenario, difference.step)
            }
            Some(other) => format!("  {other:?}"),
        };
        format!(
            "{:10} {:?} {}/{}{reason}",
            verdict.requirement, verdict.outcome, verdict.points, verdict.of
        )
    };
    verdicts.iter().map(show).collect::<Vec<_>>().join("\n")
}

fn explained(verdicts: &[Verdict], requirement: &str) -> String {
    let verdict = verdicts
        .iter()
        .find(|verdict| verdict.requirement == requirement);
    let Some(Reason::Difference(found)) = verdict.and_then(|verdict| verdict.reason.as_ref())
    else {
        panic!("no difference: {verdict:#?}");
    };
    let mut out = vec![format!(
        "{}, step {}: {}",
        found.scenario, found.step, found.title
    )];
    out.extend(
        found
            .expected
            .iter()
            .map(|line| format!("expected  {line}")),
    );
    out.extend(found.yours.iter().map(|line| format!("yours     {line}")));
    out.extend(
        found
            .remark
            .iter()
            .map(|remark| format!("remark    {remark}")),
    );
    if found.more > 0 {
        out.push(format!("more      {}", found.more));
    }
    for actions in &found.actions {
        out.push(format!(
            "actions   {} since {:?}",
            actions.program, actions.since
        ));
        for call in &actions.calls {
            let remark = call.remark.as_deref().unwrap_or_default();
            out.push(
                format!("    {:21} {remark}", call.text)
                    .trim_end()
                    .to_owned(),
            );
        }
    }
    out.extend(found.waits.iter().map(|wait| format!("waits     {wait}")));
    out.extend(found.proved_after.map(|us| format!("proved    {us} us")));
    out.join("\n")
}

fn call(process: ProcessId, name: &str, args: &str, result: i64, times: u32) -> What {
    What::Call(Call {
        process,
        thread: 0,
        name: name.to_owned(),
        args: args.to_owned(),
        data: Default::default(),
        result: Some(result),
        times,
    })
}

fn wait(process: ProcessId, call: &str, state: WaitState, on: Object, enders: Vec<Ender>) -> Wait {
    Wait {
        process,
        thread: 0,
        call: call.to_owned(),
        state,
        on,
        enders,
    }
}

/// Without the events of a step and later, and with others in their place.
fn until(step: u32, then: Vec<Event>) -> Vec<Event> {
    let mut events: Vec<Event> = good()
        .into_iter()
        .filter(|event| event.step < step)
        .collect();
    events.extend(then);
    events
}

fn never_accepts_again() -> Vec<Event> {
    let spinning = wait(
        SERVER,
        "read(4)",
        WaitState::Spinning {
            calls: 41_813,
            repeats: Some("read(4) = 0".to_owned()),
        },
        Object::Other(String::new()),
        Vec::new(),
    );
    let mut events = until(
        6,
        vec![
            at(5, call(SERVER, "read", "4", 0, 41_813)),
            at(6, open(1)),
            at(6, settled(Quiet::Spinning, vec![spinning])),
            at(8, exited(ExitStatus::StillRunning)),
        ],
    );
    let taken = events
        .iter()
        .position(|event| event.what == accepted(0))
        .unwrap();
    events.insert(
        taken,
        at(2, call(SERVER, "accept4", "3, NULL, NULL, 0", 4, 1)),
    );
    events
}

#[test]
fn the_good_one_gets_everything() {
    let lab = us_upper();
    assert_snapshot!(outcomes(&judge(&lab, &[first(&lab, good())])), @r"
    s-address  Pass 5/5
    s-upper    Pass 10/10
    s-duplex   Pass 10/10
    s-next     Pass 10/10
    s-bye      Pass 5/5
    ");
}

#[test]
fn one_fault_costs_the_requirement_of_its_step() {
    let lab = us_upper();
    let verdicts = judge(&lab, &[first(&lab, never_accepts_again())]);
    assert_snapshot!(outcomes(&verdicts), @r#"
    s-address  Pass 5/5
    s-upper    Pass 10/10
    s-duplex   Pass 10/10
    s-next     Fail 0/10  one-then-the-next step 6
    s-bye      NotReached 0/5  EarlierInScenario { scenario: "one-then-the-next", step: 6, requirement: "s-next" }
    "#);
    assert_snapshot!(explained(&verdicts, "s-next"), @r"
    one-then-the-next, step 6: connect bob
    expected  bob  =  | open
    yours     server  ~  | spinning
    yours     bob  =  | queued, never accepted
    more      5
    actions   server since Some(5)
        read(4) = 0           alice has finished sending
        read(4) = 0           the same answer 41 812 times more
    waits     bob waits in the queue of <socket> until server calls accept
    waits     server does not wait: it runs for ever between two calls of read(4)
    ");
}

#[test]
fn the_same_in_russian() {
    let lab = us_upper();
    let verdicts = judge_in(&lab, &[first(&lab, never_accepts_again())], Lang::Ru);
    assert_snapshot!(explained(&verdicts, "s-next"), @r"
    one-then-the-next, step 6: connect bob
    expected  bob  =  | open
    yours     server  ~  | spinning
    yours     bob  =  | queued, never accepted
    more      5
    actions   server since Some(5)
        read(4) = 0           alice: передача закончена
        read(4) = 0           тот же ответ ещё 41 812 раз
    waits     bob ждёт в очереди <socket>, пока server не вызовет accept
    waits     server не ждёт, а крутится без конца между двумя вызовами read(4)
    ");
}

#[test]
fn what_calls_returned_is_explained() {
    let lab = us_upper();
    let events = until(
        6,
        vec![
            at(6, call(SERVER, "socket", "AF_UNIX, SOCK_DGRAM, 0", 7, 1)),
            at(6, call(SERVER, "recvfrom", "7", 0, 1)),
            at(6, call(SERVER, "read", "9", 0, 1)),
            at(
                6,
                call(SERVER, "openat", "\"f\", O_WRONLY|O_NONBLOCK", -6, 1),
            ),
            at(6, call(SERVER, "openat", "\"f\", O_RDONLY", 7, 1)),
            at(6, call(SERVER, "read", "7", 0, 1)),
            at(6, call(SERVER, "accept", "3", -4, 1)),
            at(6, call(SERVER, "accept", "3", 8, 1)),
            at(6, call(SERVER, "read", "8", 0, 1)),
            at(6, call(SERVER, "read", "8", -4, 1)),
            at(6, settled(Quiet::Proved, Vec::new())),
            at(8, exited(ExitStatus::StillRunning)),
        ],
    );
    let verdicts = judge(&lab, &[first(&lab, events)]);
    let told = explained(&verdicts, "s-next");
    let calls: Vec<&str> = told.lines().filter(|line| line.contains(" = ")).collect();
    assert_snapshot!(calls[1..].join("\n"), @r#"
    socket(AF_UNIX, SOCK_DGRAM, 0) = 7
    recvfrom(7) = 0       an empty message: not the end
    read(9) = 0           end of file
    openat("f", O_WRONLY|O_NONBLOCK) = -1 ENXIO nobody has it open for reading
    openat("f", O_RDONLY) = 7
    read(7) = 0           end of file
    accept(3) = -1 EINTR  a signal came in between, and the call was made again
    accept(3) = 8
    read(8) = 0           alice has finished sending
    read(8) = -1 EINTR    interrupted by a signal: not an error
    "#);
}

#[test]
fn a_call_that_waits_on_is_told_once() {
    let lab = us_upper();
    let waits = |process| match call(process, "read", "4", 0, 1) {
        What::Call(call) => What::Call(Call {
            result: None,
            ..call
        }),
        other => other,
    };
    let events = until(
        6,
        vec![
            at(5, waits(SERVER)),
            at(6, open(1)),
            at(6, waits(SERVER)),
            at(6, settled(Quiet::Proved, Vec::new())),
            at(8, exited(ExitStatus::StillRunning)),
        ],
    );
    let verdicts = judge(&lab, &[first(&lab, events)]);
    let told = explained(&verdicts, "s-next");
    let waiting = told.lines().filter(|line| line.contains("still waits"));
    assert_eq!(waiting.count(), 1, "{told}");
}

#[test]
fn what_is_charged_elsewhere_fails() {
    let mut lab = us_upper();
    let steps = vec![
        step(Stimulus::Start("server".to_owned()), &[]),
        step(signal("server", "SIGTERM"), &[proof("s-bye", &[])]),
    ];
    lab.scenarios.push(scenario("bye", steps));
    let good_bye = [at(1, listening(SOCKET)), at(2, exited(ExitStatus::Code(0)))];
    let bad_bye = vec![
        at(1, listening(SOCKET)),
        at(2, exited(ExitStatus::Signal(15))),
    ];
    let runs = [
        first(&lab, never_accepts_again()),
        ran(&lab, 1, &good_bye, bad_bye),
    ];
    let verdicts = judge(&lab, &runs);
    assert_eq!(verdicts[4].outcome, Outcome::Fail);
    assert_snapshot!(explained(&verdicts, "s-bye"), @r"
    bye, step 2: signal server SIGTERM
    expected  server  =  | exit 0
    yours     server  =  | killed SIGTERM
    waits     server was killed by SIGTERM (it has no handler for this signal)
    ");
}

#[test]
fn what_needs_a_failed_one_is_not_reached_and_equal_evidence_passes() {
    let lab = us_upper();
    let mut events = never_accepts_again();
    // Another address: s-address is lost, the rest goes on.
    events[1] = at(1, listening("/tmp/sock"));
    let mut second = lab.scenarios[0].clone();
    second.id = "again".to_owned();
    second.steps[0].proves.clear();
    let mut lab = lab;
    lab.scenarios.push(second);
    let runs = [
        first(&lab, events.clone()),
        ran(&lab, 1, &good(), until(3, vec![at(3, data(0, "ab"))])),
    ];
    assert_snapshot!(outcomes(&judge(&lab, &runs)), @r#"
    s-address  Fail 0/5  one-then-the-next step 1
    s-upper    NotReached 0/10  Prerequisite { requirement: "s-address" }
    s-duplex   NotReached 0/10  Prerequisite { requirement: "s-address" }
    s-next     NotReached 0/10  Prerequisite { requirement: "s-address" }
    s-bye      NotReached 0/5  Prerequisite { requirement: "s-address" }
    "#);
}

#[test]
fn faults_of_the_machine_are_kept_apart() {
    let lab = us_upper();
    let outcome = |result| ScenarioOutcome {
        scenario: lab.scenarios[0].id.clone(),
        result,
    };
    let fault = judge(&lab, &[outcome(ScenarioResult::Fault("killed".to_owned()))]);
    assert!(
        fault
            .iter()
            .all(|verdict| verdict.outcome == Outcome::Error && verdict.points == 0)
    );
    let not_built = ScenarioResult::NotBuilt {
        program: "server".to_owned(),
    };
    let not_built = judge(&lab, &[outcome(not_built)]);
    assert!(not_built.iter().all(|verdict| {
        verdict.outcome == Outcome::NotReached
            && matches!(&verdict.reason, Some(Reason::NotBuilt { program }) if program == "server")
    }));
    let unavailable = judge(
        &lab,
        &[outcome(ScenarioResult::Unavailable("no ptrace".to_owned()))],
    );
    assert!(
        unavailable
            .iter()
            .all(|verdict| verdict.outcome == Outcome::Skipped)
    );
    assert!(
        judge(&lab, &[])
            .iter()
            .all(|verdict| verdict.outcome == Outcome::Skipped)
    );
}

#[test]
fn a_fault_in_one_scenario_excuses_no_failure_in_another() {
    let mut lab = us_upper();
    let mut second = lab.scenarios[0].clone();
    second.id = "again".to_owned();
    lab.scenarios.push(second);
    let runs = [
        first(&lab, never_accepts_again()),
        ScenarioOutcome {
            scenario: "again".to_owned(),
            result: ScenarioResult::Fault("killed".to_owned()),
        },
    ];
    let verdicts = judge(&lab, &runs);
    let of = |id: &str| {
        verdicts
            .iter()
            .find(|v| v.requirement == id)
            .map(|v| v.outcome)
    };
    assert_eq!(of("s-address"), Some(Outcome::Error));
    assert_eq!(
        of("s-next"),
        Some(Outcome::NotReached),
        "its need is not judged"
    );
    assert_eq!(of("s-bye"), Some(Outcome::Error));
}

#[test]
fn repeats_that_disagree_are_unstable() {
    let lab = us_upper();
    let verdicts = judge(
        &lab,
        &[first(&lab, good()), first(&lab, never_accepts_again())],
    );
    assert_snapshot!(outcomes(&verdicts), @r#"
    s-address  Pass 5/5
    s-upper    Pass 10/10
    s-duplex   Pass 10/10
    s-next     Unstable 0/10  one-then-the-next step 6
    s-bye      Unstable 0/5  EarlierInScenario { scenario: "one-then-the-next", step: 6, requirement: "s-next" }
    "#);
}

#[test]
fn a_snapshot_of_another_lab_is_the_labs_fault() {
    let lab = us_upper();
    let mut other = lab.clone();
    other.scenarios[0].steps[2] = step(send("alice", "other"), &[]);
    let outcome = ScenarioOutcome {
        scenario: lab.scenarios[0].id.clone(),
        result: ScenarioResult::Ran(Box::new(Ran {
            expected: transcript(&other, 0, &good()).into(),
            actual: transcript(&lab, 0, &good()),
            events: good(),
        })),
    };
    let verdicts = judge(&lab, &[outcome]);
    assert_snapshot!(outcomes(&verdicts[..1]), @r#"s-address  Error 0/5  Fault("the snapshot is of another version of the lab: it has step 3 `alice >. other`, now there is step 3 `alice >. ab`")"#);
}

#[test]
fn an_act_that_failed_is_a_fault_unless_the_program_left_the_path_before() {
    let lab = us_upper();
    let failed = |step| {
        let error = "no such process".to_owned();
        at(step, What::ActFailed { act: 0, error })
    };
    let mut events = good();
    events.insert(0, failed(3));
    assert_eq!(
        judge(&lab, &[first(&lab, events)])[1].outcome,
        Outcome::Error
    );
    let crash = vec![at(3, exited(ExitStatus::Signal(11))), failed(8)];
    let verdicts = judge(&lab, &[first(&lab, until(3, crash))]);
    assert_eq!(verdicts[2].outcome, Outcome::Fail);
    assert_snapshot!(explained(&verdicts, "s-duplex"), @r"
    one-then-the-next, step 3: alice >. ab
    expected  alice  <. | AB
    yours     server  =  | killed SIGSEGV
    more      7
    waits     server was killed by SIGSEGV (it used memory that is not its own: a wrong pointer or index)
    ");
}

#[test]
fn silence_of_a_program_that_has_died_proves_nothing() {
    let mut lab = us_upper();
    lab.requirements.push(requirement("quiet", 5, &[]));
    lab.scenarios[0].steps[4].proves = vec![proof("quiet", &["server.err"])];
    let outcome = |events| judge(&lab, &[first(&lab, events)])[5].outcome;
    assert_eq!(outcome(good()), Outcome::Pass);
    let crash = vec![at(3, exited(ExitStatus::Signal(11)))];
    assert_eq!(outcome(until(3, crash)), Outcome::NotReached);
    // Late and wrong, but alive: what is asked for is seen.
    assert_eq!(outcome(until(3, Vec::new())), Outcome::Pass);
}

#[test]
fn to_poll_is_no_fault_unless_a_selector_asks() {
    let polling = wait(
        SERVER,
        "poll(…, 100)",
        WaitState::Polling(100),
        Object::Time,
        Vec::new(),
    );
    let mut events = good();
    events.push(at(1, settled(Quiet::Polling(100), vec![polling])));
    let mut lab = us_upper();
    assert_eq!(
        judge(&lab, &[first(&lab, events.clone())])[0].outcome,
        Outcome::Pass
    );
    lab.scenarios[0].steps[0].proves = vec![proof("s-address", &["server ~"])];
    assert_eq!(
        judge(&lab, &[first(&lab, events)])[0].outcome,
        Outcome::Fail
    );
}

#[test]
fn checks_are_judged_by_themselves() {
    let mut lab = us_upper();
    lab.requirements.push(requirement("count", 5, &[]));
    lab.scenarios[0].checks.push(Check {
        id: "one-line".to_owned(),
        proves: vec!["count".to_owned()],
        program: "server".to_owned(),
        stderr: false,
        window: Window::default(),
        property: Property::CountBetween {
            text: "\n".to_owned(),
            least: 1,
            most: 1,
        },
    });
    let mut events = never_accepts_again();
    assert_eq!(
        judge(&lab, &[first(&lab, events.clone())])[5].outcome,
        Outcome::Pass
    );
    events.push(at(7, out("again\n")));
    let verdicts = judge(&lab, &[first(&lab, events)]);
    assert_snapshot!(explained(&verdicts, "count"), @r#"
    one-then-the-next, step 0: checks
    expected  server  ?  | one-line: yes
    yours     server  ?  | one-line: no, "\n" 2 times, more than 1
    more      1
    "#);
}

/// What came after the steps that a check is about has no part in it.
#[test]
fn a_check_is_explained_by_the_last_step_it_is_about() {
    let told = |until| {
        let mut lab = us_upper();
        lab.requirements.push(requirement("nothing", 5, &[]));
        lab.scenarios[0].checks.push(Check {
            id: "nothing-there".to_owned(),
            proves: vec!["nothing".to_owned()],
            program: "server".to_owned(),
            stderr: false,
            window: Window { from: None, until },
            property: Property::Absent(vec!["again".to_owned()]),
        });
        let mut events = good();
        events.insert(2, at(1, call(SERVER, "write", "1, \"again\"", 5, 1)));
        events.insert(3, at(1, out("again\n")));
        explained(&judge(&lab, &[first(&lab, events)]), "nothing")
    };
    assert!(
        told(Some(1)).contains("write(1, \"again\") = 5"),
        "{}",
        told(Some(1))
    );
    assert!(!told(None).contains("write"), "{}", told(None));
}

#[test]
fn a_stream_compared_as_a_whole_belongs_to_the_steps_that_name_it() {
    let mut lab = us_upper();
    lab.programs[0].stdout = StreamMode::LinesInOrder;
    lab.scenarios[0].steps[0].proves = vec![proof("s-address", &["server.out"])];
    let mut events = good();
    events[2] = at(1, out("nothing of the kind\n"));
    let verdicts = judge(&lab, &[first(&lab, events)]);
    assert_snapshot!(outcomes(&verdicts), @r"
    s-address  Fail 0/5  one-then-the-next step 0
    s-upper    Pass 10/10
    s-duplex   Pass 10/10
    s-next     Pass 10/10
    s-bye      Pass 5/5
    ");
}

#[test]
fn the_classic_forgotten_copy() {
    let lab = us_upper();
    let reader = wait(
        CHILD,
        "read(0)",
        WaitState::Blocked,
        Object::Pipe {
            name: "A".to_owned(),
            writing: false,
        },
        vec![Ender::Process {
            process: CHILD,
            fd: Some(4),
            itself: true,
        }],
    );
    let parent = wait(
        SERVER,
        "wait4(child 1)",
        WaitState::Blocked,
        Object::Children,
        vec![Ender::Process {
            process: CHILD,
            fd: None,
            itself: false,
        }],
    );
    let mut events = until(8, Vec::new());
    events.push(at(8, settled(Quiet::Proved, vec![parent, reader])));
    let verdicts = judge(&lab, &[first(&lab, events)]);
    assert_snapshot!(explained(&verdicts, "s-bye"), @r"
    one-then-the-next, step 8: signal server SIGTERM
    expected  server  =  | unlink <socket>
    expected  server  =  | exit 0
    more      1
    waits     server waits in wait4(child 1), for a child to end; it goes on when child 1 ends
    waits     child 1 waits in read(0), the pipe A, which is empty; its write end is still open in child 1 itself, fd 4
    proved    1600 us
    ");
}

#[test]
fn a_server_that_does_not_come_up() {
    let lab = us_upper();
    let events = vec![
        at(
            1,
            What::BindFailed {
                process: SERVER,
                address: Address::Path(SOCKET.into()),
                errno: 98,
            },
        ),
        at(1, call(SERVER, "bind", "3, \"/lab/us.sock\"", -98, 1)),
        at(1, exited(ExitStatus::Code(1))),
        at(
            2,
            What::PeerRefused {
                peer: PeerId(0),
                address: None,
                errno: 111,
            },
        ),
    ];
    let verdicts = judge(&lab, &[first(&lab, events)]);
    assert_snapshot!(explained(&verdicts, "s-address"), @r#"
    one-then-the-next, step 1: start server
    expected  server  =  | listen unix-stream <socket>
    yours     server  =  | bind failed EADDRINUSE <socket>
    yours     server  =  | exit 1
    more      9
    actions   server since None
        bind(3, "/lab/us.sock") = -1 EADDRINUSE the address is taken: a file of that name is already there
    waits     server could not bind /lab/us.sock: EADDRINUSE
    waits     server never called listen
    "#);
}

fn upper(text: &str) -> String {
    let lab = us_upper();
    let mut events = good();
    events[6] = at(4, data(0, text));
    explained(&judge(&lab, &[first(&lab, events)]), "s-upper")
}

#[test]
fn the_invisible_is_named_only_where_it_is_the_difference() {
    assert!(upper("C").contains("remark    a newline is missing at the end"));
    assert!(upper("C\r\n").contains("remark    there is a carriage return"));
    assert!(upper("C\0\n").contains("remark    there is a NUL byte"));
    assert!(upper("C \n").contains("remark    there is a blank too many"));
    assert!(upper("c\n").contains("remark    only upper and lower case differ"));
    assert!(upper("С\n").contains("look alike but are others: C U+0043, С U+0421"));
    assert!(!upper("X\n").contains("remark"));
    assert!(!upper("CC\n").contains("remark"));
}

#[test]
fn an_answer_that_comes_too_late_is_found() {
    let lab = us_upper();
    let mut events = good();
    events[5] = at(5, data(0, "AB"));
    events[6] = at(5, data(0, "C\n"));
    let verdicts = judge(&lab, &[first(&lab, events)]);
    assert_snapshot!(outcomes(&verdicts), @r#"
    s-address  Pass 5/5
    s-upper    NotReached 0/10  EarlierInScenario { scenario: "one-then-the-next", step: 3, requirement: "s-duplex" }
    s-duplex   Fail 0/10  one-then-the-next step 3
    s-next     Pass 10/10
    s-bye      Pass 5/5
    "#);
    assert_snapshot!(explained(&verdicts, "s-duplex"), @r"
    one-then-the-next, step 3: alice >. ab
    expected  alice  <. | AB
    remark    it came later, in step 5
    more      2
    ");
}

#[test]
fn cyrillic_in_another_encoding_is_named() {
    let lab = us_upper();
    let mut expected = good();
    expected[6] = at(4, data(0, "ПРИВЕТ\n"));
    let said = |bytes: &[u8]| {
        let mut events = good();
        let peer = PeerId(0);
        let bytes = bytes.into();
        events[6] = at(4, What::PeerData { peer, bytes });
        explained(&judge(&lab, &[ran(&lab, 0, &expected, events)]), "s-upper")
    };
    assert!(said(b"\xcf\xd0\xc8\xc2\xc5\xd2\n").contains("its bytes are CP1251"));
    assert!(said(b"\xf0\xf2\xe9\xf7\xe5\xf4\n").contains("its bytes are KOI8-R"));
}

#[test]
fn text_kept_by_stdio_is_noted() {
    let mut lab = us_upper();
    lab.programs[0].stdout = StreamMode::Exact;
    let mut late = good();
    late[2] = at(8, out("listening\n"));
    let Ran { .. } = *match first(&lab, late.clone()).result {
        ScenarioResult::Ran(ran) => {
            let said = notes(&lab, &lab.scenarios[0], &ran, Lang::En);
            assert_eq!(said.len(), 1);
            assert!(said[0].contains("fflush(stdout)"), "{said:?}");
            ran
        }
        other => panic!("{other:?}"),
    };
    let ScenarioResult::Ran(fine) = first(&lab, good()).result else {
        panic!("ran");
    };
    assert!(notes(&lab, &lab.scenarios[0], &fine, Lang::En).is_empty());
}

#[test]
fn text_doubled_by_fork_is_noted() {
    let mut lab = us_upper();
    lab.programs[0].stdout = StreamMode::Exact;
    let mut events = good();
    events.push(at(
        8,
        What::Output {
            program: ProgramId(0),
            stream: Stream::Out,
            bytes: "listening\n".into(),
        },
    ));
    let said = |events: Vec<Event>| {
        let ScenarioResult::Ran(ran) = first(&lab, events).result else {
            panic!("ran");
        };
        notes(&lab, &lab.scenarios[0], &ran, Lang::En)
    };
    assert!(said(events.clone()).is_empty(), "no fork, no doubling");
    events.push(at(
        2,
        What::Forked {
            parent: SERVER,
            child: CHILD,
            pid: 4712,
        },
    ));
    let said = said(events);
    assert!(
        said[0].contains("`listening` was written twice"),
        "{said:?}"
    );
}
