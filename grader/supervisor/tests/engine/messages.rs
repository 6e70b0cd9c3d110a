//! Peers whose sockets keep the borders of messages: datagrams, sequenced packets.

use crate::support::{Bench, P, connect, eof, plan, send, start, type_};
use supervisor::event::{ExitStatus, Queue, Quiet, What};
use supervisor::plan::{Act, Address, OwnName, PeerId, Reach, SocketKind};

const ALICE: PeerId = PeerId(0);
const BOB: PeerId = PeerId(1);

/// Answers each datagram in upper case, to its sender; `FLAGS` for the answer.
const DATAGRAMS: &str = r#"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <string.h>
#include <stdio.h>
#include <ctype.h>
#include <stddef.h>
int main(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX}; socklen_t l = sizeof a;
  strcpy(a.sun_path + OFFSET, "server");
  int s = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (bind(s, (struct sockaddr *)&a, offsetof(struct sockaddr_un, sun_path) + OFFSET + 6) < 0) return 9;
  for (;;) { char b[9000]; struct sockaddr_un from; socklen_t l = sizeof from;
    ssize_t n = recvfrom(s, b, sizeof b, 0, (struct sockaddr *)&from, &l);
    for (int i = 0; i < n; i++) b[i] = toupper(b[i]);
    if (sendto(s, b, n, FLAGS, (struct sockaddr *)&from, l) < 0) perror("sendto"); }
}"#;

fn datagrams(offset: &str, flags: &str) -> String {
    DATAGRAMS.replace("OFFSET", offset).replace("FLAGS", flags)
}

fn reach(peer: PeerId, name: OwnName, unconnected: bool, stalled: bool) -> Vec<Act> {
    vec![Act::Reach {
        peer,
        to: P,
        stalled,
        how: Reach {
            kind: SocketKind::Datagram,
            name,
            unconnected,
            host: None,
        },
    }]
}

fn named(path: &str) -> OwnName {
    OwnName::At(Address::Path(path.into()))
}

#[test]
fn datagrams_keep_their_borders_even_empty_ones_whatever_the_names() {
    let names = [
        named("/lab/alice"),
        OwnName::At(Address::Abstract("alice".into())),
        OwnName::Auto,
    ];
    let mut bench = Bench::new();
    for (offset, unconnected) in [("0", false), ("0", true), ("1", false), ("1", true)] {
        for name in &names {
            let all = [send(0, "ab"), send(0, ""), send(0, "c\nd")].concat();
            let steps = vec![start(), reach(ALICE, name.clone(), unconnected, false), all];
            let run = bench.steps(&datagrams(offset, "0"), &[], steps);
            assert_eq!(run.messages(3, 0), ["AB", "", "C\\nD"], "{name:?}");
            assert_eq!(run.how(3), Quiet::Proved);
            assert!(run.has(1, |what| matches!(
                what,
                What::Bound {
                    kind: SocketKind::Datagram,
                    ..
                }
            )));
            assert!(run.has(2, |what| matches!(what, What::PeerReady { peer: ALICE })));
        }
    }
}

#[test]
fn a_peer_without_a_name_gets_no_answer() {
    let steps = vec![
        start(),
        reach(ALICE, OwnName::None, true, false),
        send(0, "who?"),
        reach(BOB, OwnName::Auto, false, false),
        send(1, "me"),
    ];
    let run = Bench::new().steps(&datagrams("0", "0"), &[], steps);
    assert!(run.messages(3, 0).is_empty());
    assert!(run.has(3, |what| matches!(what, What::Output { .. })));
    assert_eq!(run.messages(5, 1), ["ME"]);
}

/// A connected peer hears only the server: a third party is refused with EPERM.
#[test]
fn a_connected_peer_refuses_third_parties() {
    let source = datagrams("0", "0").replace(
        "for (;;) {",
        r#"int o = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un p = {.sun_family = AF_UNIX, .sun_path = "/lab/alice"};
  char w[1]; recv(s, w, 1, 0);
  if (sendto(o, "x", 1, 0, (struct sockaddr *)&p, sizeof p) < 0) perror("third");
  for (;;) {"#,
    );
    for (unconnected, said) in [(false, "third: Operation not permitted\\n"), (true, "")] {
        let steps = vec![
            start(),
            reach(ALICE, named("/lab/alice"), unconnected, false),
            send(0, "go"),
        ];
        let mut bench = Bench::new();
        let source = source.replace("perror(\"third\")", "dup2(1, 2), perror(\"third\")");
        let run = bench.steps(&source, &[], steps);
        assert_eq!(run.out(3), said);
        assert_eq!(run.messages(3, 0).len(), usize::from(unconnected));
    }
}

/// The server answers a client that does not read until that one's queue is full. If it then waits,
/// nobody else is answered.
#[test]
fn a_full_queue_holds_up_a_server_that_waits_for_room() {
    for (flags, answered) in [("0", 0), ("MSG_DONTWAIT", 1)] {
        let flood = vec![Act::Flood {
            peer: ALICE,
            bytes: "more".into(),
            fills: 3,
        }];
        let steps = vec![
            start(),
            reach(ALICE, OwnName::Auto, true, true),
            flood,
            reach(BOB, OwnName::Auto, false, false),
            send(1, "and me?"),
        ];
        let run = Bench::new().steps(&datagrams("0", flags), &[], steps);
        assert_eq!(run.messages(5, 1).len(), answered, "{flags}");
        let stuck = run.has(3, |what| {
            matches!(
                what,
                What::Untaken {
                    queue: Queue::Peer(ALICE),
                    ..
                }
            )
        });
        assert_eq!(stuck, answered == 0);
        assert_eq!(run.how(5), Quiet::Proved);
    }
}

#[test]
fn a_peer_of_datagrams_answers_whoever_sent_the_last_one() {
    let client = r#"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <string.h>
#include <stdio.h>
int main(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/lab/desk"}, me = {.sun_family = AF_UNIX};
  int s = socket(AF_UNIX, SOCK_DGRAM, 0); bind(s, (struct sockaddr *)&me, 2);
  char b[100]; ssize_t n;
  while ((n = read(0, b, sizeof b)) > 0) {
    if (sendto(s, b, n, 0, (struct sockaddr *)&a, sizeof a) < 0) return 8;
    n = recv(s, b, sizeof b, 0); write(1, b, n); }
}"#;
    let desk = Act::Desk {
        peer: ALICE,
        address: Address::Path("/lab/desk".into()),
        kind: SocketKind::Datagram,
    };
    let steps = vec![vec![desk], start(), type_("one"), send(0, "ONE"), eof()];
    let run = Bench::new().steps(client, &[], steps);
    assert_eq!(run.messages(3, 0), ["one"]);
    assert_eq!(run.how(3), Quiet::Proved);
    assert_eq!(run.out(4), "ONE");
    assert_eq!(run.ended(), Some((5, ExitStatus::Code(0))));
}

const PACKETS: &str = r#"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <string.h>
int main(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "server"};
  int s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  if (bind(s, (struct sockaddr *)&a, sizeof a) < 0) return 9;
  listen(s, 5);
  int c = accept(s, 0, 0); char b[4096]; ssize_t n;
  while ((n = recv(c, b, sizeof b, 0)) > 0) { send(c, b, n, 0); send(c, "", 0, 0); }
  close(c); pause();
}"#;

fn packets(peer: PeerId, kind: SocketKind) -> Vec<Act> {
    vec![Act::Reach {
        peer,
        to: P,
        stalled: false,
        how: Reach {
            kind,
            ..Reach::default()
        },
    }]
}

#[test]
fn packets_keep_their_borders_and_an_empty_one_is_not_the_end() {
    let steps = vec![
        start(),
        packets(ALICE, SocketKind::SeqPacket),
        [send(0, "one"), send(0, "two")].concat(),
        vec![Act::Shutdown(ALICE)],
    ];
    let run = Bench::new().steps(PACKETS, &[], steps);
    assert_eq!(run.messages(3, 0), ["one", "", "two", ""]);
    assert!(run.has(4, |what| matches!(what, What::PeerEof { peer: ALICE })));
}

#[test]
fn a_peer_of_another_kind_is_refused() {
    let steps = vec![
        start(),
        packets(ALICE, SocketKind::Stream),
        packets(BOB, SocketKind::Datagram),
    ];
    let run = Bench::new().steps(PACKETS, &[], steps);
    for step in [2, 3] {
        assert!(run.has(step, |what| matches!(
            what,
            What::PeerRefused {
                errno: libc::EPROTOTYPE,
                ..
            }
        )));
    }
    // Whoever does not say what he is takes the kind of the server.
    let run = Bench::new().steps(PACKETS, &[], vec![start(), connect(0)]);
    assert!(run.has(2, |what| matches!(what, What::PeerOpen { peer: ALICE })));
}

#[test]
fn a_listening_peer_takes_packets() {
    let client = r#"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/lab/desk"};
  int s = socket(AF_UNIX, SOCK_SEQPACKET, 0); char b[100];
  if (connect(s, (struct sockaddr *)&a, sizeof a) < 0) return 8;
  send(s, "a", 1, 0); send(s, "b", 1, 0); ssize_t n = recv(s, b, sizeof b, 0); write(1, b, n);
  return 0;
}"#;
    let mut bench = Bench::new();
    let exe = bench.compile("program", client);
    let desk = Act::Desk {
        peer: ALICE,
        address: Address::Path("/lab/desk".into()),
        kind: SocketKind::SeqPacket,
    };
    let accept = Act::Accept {
        listener: ALICE,
        peer: BOB,
        stalled: false,
    };
    let run = bench.run(&plan(
        &exe,
        &[],
        vec![vec![desk], start(), vec![accept], send(1, "fine")],
    ));
    assert_eq!(run.messages(3, 1), ["a", "b"]);
    assert_eq!(run.out(4), "fine");
    assert_eq!(run.ended(), Some((4, ExitStatus::Code(0))));
}
