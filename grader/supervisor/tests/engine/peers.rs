//! Peers on sockets.

use crate::support::{Bench, P, connect, plan, send, start};
use supervisor::event::{ExitStatus, Quiet, What};
use supervisor::plan::{Act, Address, PeerId};

const ALICE: PeerId = PeerId(0);

fn server(path: &str, body: &str) -> String {
    format!(
        r#"
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <string.h>
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
int main(void) {{
  struct sockaddr_un a = {{.sun_family = AF_UNIX}}; strcpy(a.sun_path, "{path}");
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(s, (struct sockaddr *)&a, sizeof a) < 0) return 9;
  {body}
}}"#
    )
}

const SERVE: &str = r#"listen(s, 5);
  for (;;) { int c = accept(s, 0, 0); char b[4096]; ssize_t n;
    while ((n = read(c, b, sizeof b)) > 0) {
      for (int i = 0; i < n; i++) b[i] = toupper(b[i]);
      for (ssize_t d = 0, w; d < n; d += w) if ((w = write(c, b + d, n - d)) < 0) break; }
    close(c); }"#;

#[test]
fn the_address_a_server_binds_is_found_wherever_it_is() {
    for path in ["/tmp/hard-coded", "relative", "./sub/../relative"] {
        let mut bench = Bench::new();
        let source = server(path, &format!("mkdir(\"sub\", 0777); {SERVE}"));
        // The directory has to exist before bind.
        let source = source.replace("int s = socket", "mkdir(\"sub\", 0777); int s = socket");
        let run = bench.steps(&source, &[], vec![start(), connect(0), send(0, "ab")]);
        assert_eq!(run.received(3, 0), "AB", "{path}");
        assert!(run.has(1, |what| matches!(what, What::Listening { address: Address::Path(p), .. } if p.0 == path.as_bytes())));
        assert!(run.has(2, |what| matches!(what, What::PeerAccepted { peer: ALICE })));
    }
}

#[test]
fn a_peer_takes_the_type_of_the_socket_that_listens() {
    let source = server("/tmp/packets", SERVE).replace("SOCK_STREAM", "SOCK_SEQPACKET");
    let run = Bench::new().steps(&source, &[], vec![start(), connect(0), send(0, "ab")]);
    assert_eq!(run.received(3, 0), "AB");
}

#[test]
fn the_handouts_address_is_recognised_however_it_is_spelt() {
    let mut bench = Bench::new();
    let exe = bench.compile("program", &server("./socket", SERVE));
    let mut plan = plan(&exe, &[], vec![start()]);
    plan.programs[0].address = Some(Address::Path("/lab/socket".into()));
    let run = bench.run(&plan);
    assert!(run.has(1, |what| matches!(
        what,
        What::Listening { nominal: true, .. }
    )));
}

#[test]
fn a_peer_in_the_queue_is_not_accepted_until_the_first_has_left() {
    let run = Bench::new().steps(
        &server("s", SERVE),
        &[],
        vec![start(), connect(0), connect(1), vec![Act::Shutdown(ALICE)]],
    );
    let accepted = |step, peer| {
        run.has(step, |what| {
            *what == What::PeerAccepted { peer: PeerId(peer) }
        })
    };
    assert!(accepted(2, 0) && !accepted(3, 1) && accepted(4, 1));
    assert!(run.has(4, |what| *what == What::PeerEof { peer: ALICE }));
}

#[test]
fn a_server_that_never_listens_refuses() {
    let run = Bench::new().steps(&server("s", "pause();"), &[], vec![start(), connect(0)]);
    assert!(run.has(
        2,
        |what| matches!(what, What::PeerRefused { errno, .. } if *errno == libc::ECONNREFUSED)
    ));
}

#[test]
fn a_stalled_peer_makes_the_server_wait_and_gets_everything_later() {
    let mut bench = Bench::new();
    let exe = bench.compile("program", &server("s", SERVE));
    let big = vec![b'x'; 1 << 20];
    let stalled = Act::Connect {
        peer: ALICE,
        to: P,
        stalled: true,
        stranger: false,
    };
    let send = Act::Send {
        peer: ALICE,
        bytes: big.clone().into(),
        pieces: vec![],
    };
    let steps = vec![start(), vec![stalled], vec![send], vec![Act::Resume(ALICE)]];
    let run = bench.run(&plan(&exe, &[], steps));
    assert_eq!(run.how(3), Quiet::Proved);
    assert!(run.has(
        3,
        |what| matches!(what, What::Untaken { bytes, .. } if *bytes > 0)
    ));
    assert_eq!(run.received(3, 0), "");
    assert_eq!(run.received(4, 0).len(), big.len());
    assert!(!run.has(4, |what| matches!(what, What::Untaken { .. })));
}

#[test]
fn a_peer_that_leaves_with_unread_bytes_resets_the_server() {
    let body = r#"listen(s, 5); int c = accept(s, 0, 0); char b; read(c, &b, 1); write(c, "A", 1);
      return read(c, &b, 1) < 0 ? 5 : 6;"#;
    let stalled = Act::Connect {
        peer: ALICE,
        to: P,
        stalled: true,
        stranger: false,
    };
    let run = Bench::new().steps(
        &server("s", body),
        &[],
        vec![
            start(),
            vec![stalled],
            send(0, "a"),
            vec![Act::Close(ALICE)],
        ],
    );
    assert_eq!(run.ended(), Some((4, ExitStatus::Code(5))));
}

#[test]
fn the_grader_can_play_the_server() {
    let source = r#"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <string.h>
int main(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX}; strcpy(a.sun_path, "/lab/s");
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(s, (struct sockaddr *)&a, sizeof a) < 0) return 9;
  write(s, "hello", 5); char b[9]; ssize_t n = read(s, b, 9); write(1, b, n); return 0; }"#;
    let listen = Act::Listen {
        peer: ALICE,
        address: Address::Path("/lab/s".into()),
    };
    let accept = Act::Accept {
        listener: ALICE,
        peer: PeerId(1),
        stalled: false,
    };
    let run = Bench::new().steps(
        source,
        &[],
        vec![vec![listen, accept], start(), send(1, "HELLO")],
    );
    assert_eq!(run.received(2, 1), "hello");
    assert_eq!(run.out(3), "HELLO");
    assert_eq!(run.ended(), Some((3, ExitStatus::Code(0))));
}

#[test]
fn a_socket_file_that_is_removed_is_noticed_before_the_exit() {
    let body = "listen(s, 1); unlink(a.sun_path); pause();";
    let run = Bench::new().steps(&server("s", body), &[], vec![start()]);
    assert!(run.has(1, |what| matches!(what, What::Unlinked { .. })));
}

#[test]
fn a_socket_that_is_renamed_is_reached_at_its_new_name() {
    renamed_by(r#"int rename(const char *, const char *); rename("s", "t");"#);
    // As rename(3) is made on aarch64.
    let direct = r#"long syscall(long, ...); syscall(SYS_renameat, -100, "s", -100, "t");"#;
    renamed_by(direct);
}

fn renamed_by(call: &str) {
    let body = SERVE.replace("listen(s, 5);", &format!("listen(s, 5); {call}"));
    let source = format!("#include <sys/syscall.h>\n{}", server("s", &body));
    let run = Bench::new().steps(&source, &[], vec![start(), connect(0), send(0, "ab")]);
    let path = |address: &Address, name: &[u8]| matches!(address, Address::Path(p) if p.0 == name);
    assert!(run.has(
        1,
        |what| matches!(what, What::Renamed { from, to, .. } if path(from, b"s") && path(to, b"t"))
    ));
    assert!(run.has(
        1,
        |what| matches!(what, What::Listening { address, .. } if path(address, b"t"))
    ));
    assert!(!run.has(1, |what| matches!(what, What::Unlinked { .. })));
    assert_eq!(run.received(3, 0), "AB");
}

#[test]
fn a_name_in_use_is_reported() {
    let write = Act::File(supervisor::plan::FileAct::StaleSocket("s".into()));
    let run = Bench::new().steps(&server("s", SERVE), &[], vec![vec![write, Act::Start(P)]]);
    assert!(run.has(
        1,
        |what| matches!(what, What::BindFailed { errno, .. } if *errno == libc::EADDRINUSE)
    ));
    assert_eq!(run.ended(), Some((1, ExitStatus::Code(9))));
}

/// Prints the events with which its connections become readable, `+` with the rest of what is said.
const WATCHES: &str = r#"listen(s, 9); struct pollfd f[9] = {{s, POLLIN}}; int n = 1; char b[999];
  for (;;) { poll(f, n, -1);
    for (int i = 1; i < n; i++) if (f[i].fd >= 0 && f[i].revents) {
      printf("%c%s ", f[i].revents & POLLIN ? 'i' : '-', f[i].revents & POLLHUP ? "h" : f[i].revents & POLLRDHUP ? "r" : "");
      fflush(stdout); while (read(f[i].fd, b, 999) > 0); close(f[i].fd); f[i].fd = -1; }
    if (f[0].revents) { f[n].fd = accept(s, 0, 0); f[n++].events = POLLIN | POLLRDHUP; } }"#;

fn watching() -> String {
    format!(
        "#define _GNU_SOURCE\n#include <poll.h>\n#include <stdio.h>\n{}",
        server("s", WATCHES)
    )
}

#[test]
fn what_a_peer_sends_and_its_end_come_at_once() {
    let both = |first: Vec<Act>, last: Act| [first, vec![last]].concat();
    let run = Bench::new().steps(
        &watching(),
        &[],
        vec![
            start(),
            connect(0),
            both(send(0, "sent and gone"), Act::Close(ALICE)),
            both(
                [connect(0), send(0, "came, sent")].concat(),
                Act::Close(ALICE),
            ),
            connect(0),
            both(send(0, "half"), Act::Shutdown(ALICE)),
            both([connect(0), send(0, "half")].concat(), Act::Shutdown(ALICE)),
        ],
    );
    for (step, seen) in [(3, "ih "), (4, "ih "), (6, "ir "), (7, "ir ")] {
        assert_eq!(run.out(step), seen, "step {step}");
    }
}

#[test]
fn who_sends_without_an_end_is_seen_without_one() {
    let run = Bench::new().steps(
        &watching(),
        &[],
        vec![start(), connect(0), send(0, "there is more")],
    );
    assert_eq!(run.out(3), "i ");
}

#[test]
fn a_program_cannot_leave_the_helpers_processor() {
    let source = r#"
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
int main(void) {
  cpu_set_t before, all, after; CPU_ZERO(&all); for (int i = 0; i < 64; i++) CPU_SET(i, &all);
  sched_getaffinity(0, sizeof before, &before);
  int done = sched_setaffinity(0, sizeof all, &all);
  sched_getaffinity(0, sizeof after, &after);
  printf("%d %d %d", done, CPU_COUNT(&before), CPU_EQUAL(&before, &after)); return 0; }"#;
    let run = Bench::new().steps(source, &[], vec![start()]);
    assert_eq!(run.out(1), "0 1 1");
}

#[test]
fn a_stranger_is_held_to_the_rights_of_the_file() {
    for (mode, opens) in [("0700", false), ("0755", false), ("0722", true)] {
        let body = format!("chmod(\"s\", {mode}); {SERVE}");
        let strange = Act::Connect {
            peer: ALICE,
            to: P,
            stalled: false,
            stranger: true,
        };
        let source = server("s", &body).replace(
            "#include <ctype.h>",
            "#include <ctype.h>\n#include <sys/stat.h>",
        );
        // Who comes next is the grader itself again.
        let steps = vec![start(), vec![strange], connect(1), send(1, "ab")];
        let run = Bench::new().steps(&source, &[], steps);
        if run.has(2, |what| matches!(what, What::NoStranger { .. })) {
            // This machine grants one identity only.
            return;
        }
        let refused = |errno: i32| {
            run.has(
                2,
                |what| matches!(what, What::PeerRefused { errno: of, .. } if *of == errno),
            )
        };
        assert_eq!(refused(libc::EACCES), !opens, "{mode}");
        assert_eq!(
            run.has(2, |what| matches!(what, What::PeerOpen { peer: ALICE })),
            opens
        );
        if !opens {
            assert_eq!(run.received(4, 1), "AB");
        }
    }
}
