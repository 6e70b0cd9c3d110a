//! TCP over the loopback: peers, proofs of silence, hosts, ports that stay taken.

use std::net::IpAddr;

use crate::support::{Bench, P, connect, eof, plan, send, start, type_};
use supervisor::event::{ExitStatus, Quiet, What};
use supervisor::plan::{Act, Address, PeerId, Reach, SocketKind};

const ALICE: PeerId = PeerId(0);
const BOB: PeerId = PeerId(1);

/// Listens at `HOST`, port 5000, and serves one client after another.
const SERVER: &str = r#"
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <unistd.h>
#include <string.h>
#include <stdlib.h>
#include <ctype.h>
#include <signal.h>
int main(void) {
  signal(SIGPIPE, SIG_IGN);
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(5000)};
  inet_pton(AF_INET6, "HOST", &a.sin6_addr);
  int s = socket(AF_INET6, SOCK_STREAM, 0); OPTIONS;
  if (bind(s, (struct sockaddr *)&a, sizeof a) < 0) return 9;
  listen(s, 5);
  for (;;) { int c = accept(s, 0, 0); char b[4096]; ssize_t n;
    while ((n = read(c, b, sizeof b)) > 0) {
      for (int i = 0; i < n; i++) b[i] = toupper(b[i]);
      for (ssize_t d = 0, w; d < n; d += w) if ((w = write(c, b + d, n - d)) < 0) break; }
    close(c); }
}"#;

fn server(host: &str) -> String {
    SERVER.replace("HOST", host).replace("OPTIONS", "")
}

fn at(peer: PeerId, host: &str) -> Vec<Act> {
    vec![Act::Reach {
        peer,
        to: P,
        stalled: false,
        how: Reach {
            host: Some(host.parse::<IpAddr>().unwrap()),
            ..Reach::default()
        },
    }]
}

#[test]
fn a_conversation_over_the_loopback_is_proved_step_by_step() {
    let mut bench = Bench::new();
    let pieces = Act::Send {
        peer: ALICE,
        bytes: "piece by piece".into(),
        pieces: vec![1, 3],
    };
    for host in ["::", "::1", "::ffff:127.0.0.1"] {
        let steps = vec![
            start(),
            connect(0),
            send(0, "ab"),
            vec![pieces.clone()],
            vec![Act::Shutdown(ALICE)],
            connect(1),
            send(1, "next"),
        ];
        let run = bench.steps(&server(host), &[], steps);
        assert_eq!(run.received(3, 0), "AB", "{host}");
        assert_eq!(run.received(4, 0), "PIECE BY PIECE");
        assert!(run.has(5, |what| matches!(what, What::PeerEof { peer: ALICE })));
        assert!(run.has(6, |what| matches!(what, What::PeerAccepted { peer: BOB })));
        assert_eq!(run.received(7, 1), "NEXT");
        for step in 1..=7 {
            assert_eq!(run.how(step), Quiet::Proved, "{host} {step}");
        }
    }
}

#[test]
fn hosts_and_families_are_told_apart() {
    let refused = |what: &What| {
        matches!(
            what,
            What::PeerRefused {
                errno: libc::ECONNREFUSED,
                ..
            }
        )
    };
    let steps = || vec![start(), at(ALICE, "127.0.0.1"), at(BOB, "::1")];
    let only = "int one = 1; setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one)";
    for (host, options, v4, v6) in [
        ("::", "", true, true),
        ("::", only, false, true),
        ("::ffff:127.0.0.1", "", true, false),
        ("::ffff:127.0.0.2", "", false, false),
    ] {
        let source = SERVER.replace("HOST", host).replace("OPTIONS", options);
        let run = Bench::new().steps(&source, &[], steps());
        assert_eq!(run.has(2, refused), !v4, "{host}");
        assert_eq!(run.has(3, refused), !v6, "{host}");
    }
}

#[test]
fn an_ended_connection_keeps_its_port_in_a_network_of_its_own_only() {
    // The server closes first; then another one wants the port.
    let source = server("::").replace("for (;;) { int c", "{ int c").replace(
        "close(c); }\n}",
        r#"close(c); close(s); char go; read(0, &go, 1);
    s = socket(AF_INET6, SOCK_STREAM, 0);
    return bind(s, (struct sockaddr *)&a, sizeof a) < 0 ? 1 : 0; }
}"#,
    );
    let source = source.replace("while ((n = read(c, b, sizeof b)) > 0)", "if (0)");
    for (own, code) in [(false, 0), (true, 1)] {
        let mut first = start();
        if own {
            first.insert(0, Act::OwnNetwork);
        }
        let run = Bench::new().steps(&source, &[], vec![first, connect(0), type_("x")]);
        assert_eq!(run.how(2), Quiet::Proved);
        let refused = run.has(3, |what| matches!(what, What::BindFailed { .. }));
        assert_eq!(refused, own);
        assert_eq!(run.ended(), Some((3, ExitStatus::Code(code))));
    }
}

#[test]
fn much_data_arrives_whole_however_little_room_there_is() {
    let data = "0123456789abcdef".repeat(20_000);
    let mut bench = Bench::new();
    let steps = vec![
        start(),
        connect(0),
        [send(0, &data), vec![Act::Shutdown(ALICE)]].concat(),
    ];
    let exe = bench.compile("program", &server("::"));
    let mut plan = plan(&exe, &[], steps);
    plan.programs[0].small_buffers = true;
    let run = bench.run(&plan);
    assert_eq!(run.received(3, 0).len(), data.len());
    assert!(run.has(3, |what| matches!(what, What::PeerEof { peer: ALICE })));
}

/// A peer that does not read fills every buffer; then it vanishes with what it has not read.
#[test]
fn a_peer_that_does_not_read_stops_a_server_and_resets_it() {
    let data = "0123456789abcdef".repeat(600_000);
    let stalled = Act::Connect {
        peer: ALICE,
        to: P,
        stalled: true,
        stranger: false,
    };
    let steps = vec![
        start(),
        vec![stalled],
        send(0, &data),
        vec![Act::Close(ALICE)],
        connect(1),
        send(1, "still here?"),
    ];
    let run = Bench::new().steps(&server("::"), &[], steps);
    assert!(run.has(3, |what| matches!(what, What::Untaken { .. })));
    assert_eq!(run.received(6, 1), "STILL HERE?");
    assert_eq!(run.how(6), Quiet::Proved);
}

/// A server in the middle of `read` sees the reset of a peer that has read everything.
#[test]
fn a_peer_resets_a_connection() {
    let source = server("::").replace(
        "close(c); }",
        "if (n < 0) perror(\"read\"); fflush(stderr); close(c); }",
    );
    let source = source.replace(
        "#include <signal.h>",
        "#include <signal.h>\n#include <stdio.h>",
    );
    let steps = vec![
        start(),
        connect(0),
        send(0, "ab"),
        vec![Act::Reset(ALICE)],
        connect(1),
        send(1, "next"),
    ];
    let run = Bench::new().steps(&source, &[], steps);
    assert_eq!(run.received(3, 0), "AB");
    assert!(run.has(4, |what| {
        matches!(what, What::Output { bytes, .. } if bytes.0 == b"read: Connection reset by peer\n")
    }));
    assert_eq!(run.how(4), Quiet::Proved);
    assert_eq!(run.received(6, 1), "NEXT");
}

#[test]
fn a_listening_peer_is_found_by_name_in_both_families() {
    let client = r#"
#include <sys/socket.h>
#include <netdb.h>
#include <unistd.h>
#include <stdio.h>
int main(void) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all, *one; char b[100]; ssize_t n; int s = -1;
  if (getaddrinfo("localhost", "5000", &hints, &all)) return 7;
  for (one = all; one; one = one->ai_next) {
    s = socket(one->ai_family, SOCK_STREAM, 0);
    if (connect(s, one->ai_addr, one->ai_addrlen) == 0) break;
    close(s); }
  if (!one) return 8;
  while ((n = read(0, b, sizeof b)) > 0) write(s, b, n);
  shutdown(s, SHUT_WR);
  while ((n = read(s, b, sizeof b)) > 0) write(1, b, n);
  return 0;
}"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", client);
    for host in ["127.0.0.1:5000", "[::1]:5000"] {
        let listen = Act::Listen {
            peer: ALICE,
            address: Address::Inet(host.parse().unwrap()),
        };
        let accept = Act::Accept {
            listener: ALICE,
            peer: BOB,
            stalled: false,
        };
        let steps = vec![
            vec![listen],
            start(),
            vec![accept],
            type_("question"),
            eof(),
            [send(1, "answer"), vec![Act::Shutdown(BOB)]].concat(),
        ];
        let mut plan = plan(&exe, &[], steps);
        plan.programs[0].address = Some(Address::Inet("127.0.0.1:5000".parse().unwrap()));
        let run = bench.run(&plan);
        assert_eq!(run.received(4, 1), "question", "{host}");
        assert_eq!(run.out(6), "answer");
        assert_eq!(run.ended(), Some((6, ExitStatus::Code(0))));
        // The port is the one it was told.
        let other =
            |event: &supervisor::event::Event| matches!(event.what, What::Connecting { .. });
        assert!(!run.0.iter().any(other));
    }
}

#[test]
fn a_server_that_only_listens_has_a_port_and_datagrams_are_quiet_too() {
    let source = r#"
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>
int main(void) {
  int u = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_STREAM, 0); listen(s, 5);
  struct sockaddr_in me = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}; socklen_t l = sizeof me;
  bind(u, (struct sockaddr *)&me, sizeof me); getsockname(u, (struct sockaddr *)&me, &l);
  int c = accept(s, 0, 0); char b[9]; sendto(u, "udp", 3, 0, (struct sockaddr *)&me, l);
  ssize_t n = recv(u, b, sizeof b, 0); write(c, b, n); recv(u, b, sizeof b, 0);
}"#;
    let run = Bench::new().steps(source, &[], vec![start(), connect(0)]);
    assert_eq!(run.received(2, 0), "udp");
    assert_eq!(run.how(2), Quiet::Proved);
    assert!(run.has(1, |what| matches!(
        what,
        What::Bound {
            address: Address::Inet(_),
            kind: SocketKind::Stream,
            ..
        }
    )));
}
