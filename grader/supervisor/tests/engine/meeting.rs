//! Programs with their address written into them meet the grader's side all the same.

use crate::support::{Bench, P, plan, start};
use supervisor::event::{ExitStatus, Quiet, What};
use supervisor::plan::{Act, Address, FileAct, PeerId, Plan, Program, ProgramId};

const ALICE: PeerId = PeerId(0);
const BOB: PeerId = PeerId(1);

/// A client of an address that is written into it: `fill` completes `a` and `l`.
fn client(family: &str, kind: &str, fill: &str, after: &str) -> String {
    format!(
        r#"
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <unistd.h>
#include <string.h>
#include <stdio.h>
#include <errno.h>
int main(void) {{
  {kind} a; memset(&a, 0, sizeof a); socklen_t l = sizeof a;
  {fill}
  {kind} before = a;
  int s = socket({family}, SOCK_STREAM, 0);
  if (connect(s, (struct sockaddr *)&a, l) < 0) {{ printf("%d", errno); return 1; }}
  if (memcmp(&a, &before, sizeof a)) return 9;
  {after}
}}"#
    )
}

fn unix_client(path: &str) -> String {
    let fill = format!("a.sun_family = AF_UNIX; strcpy(a.sun_path, \"{path}\");");
    client("AF_UNIX", "struct sockaddr_un", &fill, TALK)
}

const TALK: &str =
    r#"write(s, "hello", 5); char b[9]; int n = read(s, b, 9); write(1, b, n); return 0;"#;

fn listen() -> Act {
    Act::Listen {
        peer: ALICE,
        address: Address::Path("/lab/socket".into()),
    }
}

fn accept() -> Act {
    Act::Accept {
        listener: ALICE,
        peer: BOB,
        stalled: false,
    }
}

fn answer() -> Vec<Act> {
    vec![Act::Send {
        peer: BOB,
        bytes: "bye".into(),
        pieces: vec![],
    }]
}

fn with_nominal(mut plan: Plan) -> Plan {
    plan.programs[0].address = Some(Address::Path("/lab/socket".into()));
    plan
}

fn wanted(what: &What) -> Option<&Address> {
    match what {
        What::Connecting { address, .. } => Some(address),
        _ => None,
    }
}

#[test]
fn a_client_with_its_own_address_is_led_to_the_peer() {
    let long = format!("/tmp/{}", "x".repeat(100));
    for path in ["/tmp/sock", "./sock", "s", &long] {
        let mut bench = Bench::new();
        let exe = bench.compile("program", &unix_client(path));
        let steps = vec![vec![listen()], start(), vec![accept()], answer()];
        let run = bench.run(&with_nominal(plan(&exe, &[], steps)));
        assert_eq!(run.received(3, 1), "hello", "{path}");
        assert_eq!(run.out(4), "bye", "{path}");
        assert_eq!(run.ended(), Some((4, ExitStatus::Code(0))), "{path}");
        let told: Vec<_> = run.step(2).filter_map(wanted).collect();
        assert_eq!(told, [&Address::Path(path.into())]);
    }
}

#[test]
fn a_shorter_address_makes_no_difference() {
    // The length that belongs to the name and no more: the longer address has no room there.
    let fill = r#"a.sun_family = AF_UNIX; strcpy(a.sun_path, "s"); l = 2 + 2;"#;
    let source = client("AF_UNIX", "struct sockaddr_un", fill, TALK);
    let mut bench = Bench::new();
    let exe = bench.compile("program", &source);
    let steps = vec![vec![listen()], start(), vec![accept()], answer()];
    let run = bench.run(&with_nominal(plan(&exe, &[], steps)));
    assert_eq!(run.out(4), "bye");
    assert_eq!(run.ended(), Some((4, ExitStatus::Code(0))));
}

#[test]
fn an_abstract_name_is_led_as_well() {
    let fill = r#"a.sun_family = AF_UNIX; strcpy(a.sun_path + 1, "lab");"#;
    let source = client("AF_UNIX", "struct sockaddr_un", fill, TALK);
    let mut bench = Bench::new();
    let exe = bench.compile("program", &source);
    let steps = vec![vec![listen()], start(), vec![accept()], answer()];
    let run = bench.run(&with_nominal(plan(&exe, &[], steps)));
    assert_eq!(run.out(4), "bye");
    assert!(run.has(2, |what| matches!(wanted(what), Some(Address::Abstract(_)))));
}

#[test]
fn a_connect_is_held_until_somebody_listens_in_the_same_step() {
    let mut bench = Bench::new();
    let exe = bench.compile("program", &unix_client("/tmp/sock"));
    let together = vec![Act::Start(P), Act::Advance(50), listen(), accept()];
    let run = bench.run(&with_nominal(plan(&exe, &[], vec![together, answer()])));
    assert_eq!(run.received(1, 1), "hello");
    assert_eq!(run.out(2), "bye");
}

#[test]
fn the_handouts_address_is_no_news() {
    let mut bench = Bench::new();
    let exe = bench.compile("program", &unix_client("./socket"));
    let steps = vec![vec![listen()], start(), vec![accept()], answer()];
    let run = bench.run(&with_nominal(plan(&exe, &[], steps)));
    assert_eq!(run.out(4), "bye");
    assert!(!run.has(2, |what| wanted(what).is_some()));
}

#[test]
fn where_nobody_listens_it_fails_as_it_would_at_the_handouts_address() {
    let mut bench = Bench::new();
    let exe = bench.compile("program", &unix_client("/tmp/sock"));
    let run = bench.run(&with_nominal(plan(&exe, &[], vec![start()])));
    assert_eq!(run.out(1), libc::ENOENT.to_string());
    assert_eq!(run.how(1), Quiet::Ended);
    assert!(run.has(1, |what| wanted(what).is_some()));
    let stale = vec![Act::File(FileAct::StaleSocket("socket".into()))];
    for nominal in [true, false] {
        let mut plan = plan(&exe, &[], vec![stale.clone(), start()]);
        if nominal {
            plan = with_nominal(plan);
        }
        let run = bench.run(&plan);
        assert_eq!(run.out(2), libc::ECONNREFUSED.to_string());
    }
}

fn second(plan: &mut Plan, exe: &std::path::Path) {
    plan.files.push(supervisor::plan::PlacedFile {
        name: "second".into(),
        source: supervisor::plan::FileSource::Host(exe.to_owned()),
        mode: 0o755,
    });
    plan.programs.push(Program {
        name: "second".into(),
        image: supervisor::plan::Image::File("./second".into()),
        ..plan.programs[0].clone()
    });
}

const SERVE: &str = r#"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <string.h>
int main(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX}; strcpy(a.sun_path, "/tmp/other");
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(s, (struct sockaddr *)&a, sizeof a); listen(s, 5);
  int c = accept(s, 0, 0); char b[9]; read(c, b, 9); write(c, "here", 4); return 0;
}"#;

#[test]
fn a_pair_of_the_submission_has_to_find_together_by_itself() {
    for (path, out) in [("/tmp/other", "here"), ("/tmp/sock", "2")] {
        let mut bench = Bench::new();
        let exe = bench.compile("program", &unix_client(path));
        let server = bench.compile("second", SERVE);
        let steps = vec![vec![Act::Start(ProgramId(1))], start()];
        let mut plan = with_nominal(plan(&exe, &[], steps));
        second(&mut plan, &server);
        let run = bench.run(&plan);
        assert_eq!(run.out(2), out, "{path}");
        assert!(!run.has(2, |what| wanted(what).is_some()));
    }
}

const TCP: &str = r#"
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>
int main(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  int s = socket(AF_INET, SOCK_STREAM, 0);
  bind(s, (struct sockaddr *)&a, sizeof a); listen(s, 5);
  int c = accept(s, 0, 0); write(c, "here", 4); pause();
}"#;

#[test]
fn the_port_of_a_server_is_found_even_if_the_kernel_chose_it() {
    for port in ["5000", "0"] {
        let run = Bench::new().steps(
            &TCP.replace("PORT", port),
            &[],
            vec![start(), crate::support::connect(0)],
        );
        assert!(run.has(1, |what| matches!(
            what,
            What::Listening { address: Address::Inet(inet), .. } if inet.port() != 0
        )));
        assert_eq!(run.received(2, 0), "here", "{port}");
    }
}

#[test]
fn a_signal_while_the_connection_waits_in_a_full_queue_leads_it_there_again() {
    let source = unix_client("/tmp/sock").replace(
        "int main(void) {",
        r#"#include <signal.h>
static void on(int n) { write(1, "!", 1); }
int main(void) { struct sigaction sa = {.sa_handler = on, .sa_flags = SA_RESTART}; sigaction(SIGUSR1, &sa, 0);
  for (int i = 0; i < 20; i++) { struct sockaddr_un a = {.sun_family = AF_UNIX}; strcpy(a.sun_path, "/tmp/sock");
    int s = socket(AF_UNIX, SOCK_STREAM, 0); if (connect(s, (struct sockaddr *)&a, sizeof a) < 0) return 8; }"#,
    );
    let mut bench = Bench::new();
    let exe = bench.compile("program", &source);
    let steps = vec![
        vec![listen()],
        start(),
        crate::support::signal(libc::SIGUSR1, 1),
        vec![accept()],
    ];
    let run = bench.run(&with_nominal(plan(&exe, &[], steps)));
    assert_eq!(run.how(2), Quiet::Proved);
    assert_eq!(run.out(3), "!");
    assert_eq!(
        run.ended().map(|(_, status)| status),
        Some(ExitStatus::StillRunning)
    );
    assert!(run.has(4, |what| *what == What::PeerAccepted { peer: BOB }));
}

#[test]
fn a_name_without_its_nul_is_reached_as_it_is() {
    for path in ["/tmp/other", "other"] {
        let source = SERVE.replace("/tmp/other", path).replace(
            "int s =",
            "memset(a.sun_path + strlen(a.sun_path), 0xfe, 108 - strlen(a.sun_path)); int s =",
        );
        let run = Bench::new().steps(
            &source,
            &[],
            vec![
                start(),
                crate::support::connect(0),
                crate::support::send(0, "x"),
            ],
        );
        assert_eq!(run.received(3, 0), "here", "{path}");
        assert!(run.has(1, |what| matches!(
            what,
            What::Listening { address: Address::Path(name), .. } if name.len() == 108 && name.ends_with(b"\xfe")
        )));
    }
}

#[test]
fn an_abstract_name_goes_with_its_server() {
    let source = SERVE.replace(
        r#"strcpy(a.sun_path, "/tmp/other")"#,
        r#"strcpy(a.sun_path + 1, "lab")"#,
    );
    let steps = vec![
        start(),
        crate::support::connect(0),
        crate::support::send(0, "x"),
    ];
    let run = Bench::new().steps(&source, &[], steps);
    assert_eq!(run.received(3, 0), "here");
    let gone = |what: &What| {
        matches!(
            what,
            What::Unlinked {
                address: Address::Abstract(_),
                ..
            }
        )
    };
    assert!(!run.has(2, gone) && run.has(3, gone));
}

/// A pair with the same path written into both, whose server says `word`.
fn pair(bench: &mut Bench, word: &str) -> Plan {
    let client = bench.compile("program", &unix_client("/tmp/other"));
    let server = bench.compile("second", &SERVE.replace("here", word));
    let steps = vec![vec![Act::Start(ProgramId(1))], start()];
    let mut plan = plan(&client, &[], steps);
    second(&mut plan, &server);
    plan
}

#[test]
fn two_submissions_with_the_same_path_never_meet() {
    std::thread::scope(|scope| {
        for word in ["AAAA", "BBBB"] {
            scope.spawn(move || {
                let mut bench = Bench::new();
                let plan = pair(&mut bench, word);
                for _ in 0..100 {
                    assert_eq!(bench.run(&plan).out(2), word);
                }
            });
        }
    });
}
