//! Waits of real programs, classified and explained.

use crate::support::{Case, PROGRAMS, Still, id, scene};
use supervisor::event::{Ender, Lock, Object, Wait, WaitState};
use supervisor::plan::Address;
use supervisor::scene::{OwnEnd, OwnKind};
use supervisor::waits::{ArmedTimer, Classifier, Graph, WaitKind, armed, cycle};

fn explained(name: &str, processes: usize, threads: usize) -> (Case, Still, Vec<Wait>) {
    let mut case = Case::start(name);
    let still = case.still(processes, threads);
    let programs = PROGRAMS.map(str::to_owned);
    let waits = Graph::new().explain(&mut scene(&mut case, &still, &programs, Vec::new()));
    (case, still, waits)
}

fn lock(lock: Lock) -> Object {
    Object::Lock(lock)
}

fn process(number: u16, fd: Option<i32>, itself: bool) -> Ender {
    Ender::Process {
        process: id(number),
        fd,
        itself,
    }
}

fn pipe(name: &str, writing: bool) -> Object {
    Object::Pipe {
        name: name.into(),
        writing,
    }
}

/// The wait of a process's first thread.
fn of(waits: &[Wait], number: u16) -> &Wait {
    waits
        .iter()
        .find(|wait| wait.process == id(number))
        .unwrap()
}

#[test]
fn a_reader_that_keeps_its_own_write_end_is_told_so() {
    let (_case, _, waits) = explained("pipe_self", 2, 2);
    let wait = of(&waits, 0);
    assert_eq!(
        (wait.call.as_str(), &wait.state),
        ("read(3)", &WaitState::Blocked)
    );
    assert_eq!(wait.on, pipe("A", false));
    assert_eq!(wait.enders, [process(0, Some(4), true)]);
    assert_eq!(cycle(&waits), Some(vec![id(0)]));
    // The child that ended is still to be waited for.
    assert_eq!(of(&waits, 1).state, WaitState::Zombie);
    assert_eq!(of(&waits, 1).enders, [process(0, None, false)]);
}

#[test]
fn two_that_read_from_each_other_are_a_ring() {
    let (_case, _, waits) = explained("pipe_cycle", 2, 2);
    assert_eq!(of(&waits, 0).on, pipe("A", false));
    assert_eq!(of(&waits, 0).enders, [process(1, Some(6), false)]);
    assert_eq!(of(&waits, 1).on, pipe("B", false));
    assert_eq!(of(&waits, 1).enders, [process(0, Some(4), false)]);
    assert_eq!(cycle(&waits), Some(vec![id(0), id(1)]));
}

#[test]
fn a_writer_waits_for_readers() {
    let (_case, _, waits) = explained("pipe_full", 2, 2);
    assert_eq!(
        (of(&waits, 0).call.as_str(), &of(&waits, 0).on),
        ("write(4)", &pipe("A", true))
    );
    assert_eq!(of(&waits, 0).enders, [process(1, Some(3), false)]);
    assert_eq!(cycle(&waits), None);
}

#[test]
fn the_graders_end_has_its_name_and_outlives_its_closing() {
    let (mut case, still, waits) = explained("read_stdin_once", 1, 1);
    assert_eq!(waits[0].on, pipe("server's stdin", false));
    assert_eq!(waits[0].enders, [Ender::Grader]);
    // Another descriptor of the same end keeps the reader waiting, but is none of the scene's.
    let elsewhere = case.stdin.take().unwrap();
    let programs = PROGRAMS.map(str::to_owned);
    let waits = Graph::new().explain(&mut scene(&mut case, &still, &programs, Vec::new()));
    assert_eq!(waits[0].on, pipe("server's stdin", false));
    assert_eq!(waits[0].enders, [Ender::Nobody]);
    drop(elsewhere);
}

#[test]
fn a_terminal_waits_for_the_grader_or_for_its_timer() {
    use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, tcgetattr, tcsetattr};
    let read = |tenths: u8| {
        let pty = nix::pty::openpty(None, None).unwrap();
        let mut settings = tcgetattr(&pty.slave).unwrap();
        settings.local_flags.remove(LocalFlags::ICANON);
        settings.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        settings.control_chars[SpecialCharacterIndices::VTIME as usize] = tenths;
        tcsetattr(&pty.slave, SetArg::TCSANOW, &settings).unwrap();
        let mut case = Case::start_on("read_stdin_once", pty.slave, pty.master);
        let still = case.still(1, 1);
        let programs = PROGRAMS.map(str::to_owned);
        Graph::new()
            .explain(&mut scene(&mut case, &still, &programs, Vec::new()))
            .remove(0)
    };
    let wait = read(0);
    assert_eq!(
        (wait.state, wait.on, wait.enders),
        (WaitState::Blocked, Object::Terminal, vec![Ender::Grader])
    );
    assert_eq!(read(7).state, WaitState::Timed(700));
}

#[test]
fn a_peer_of_the_graders_has_its_name() {
    use std::os::fd::AsRawFd;
    let (theirs, ours) = std::os::unix::net::UnixStream::pair().unwrap();
    let peer = ours.try_clone().unwrap();
    let mut case = Case::start_on("read_stdin_once", theirs.into(), ours.into());
    let still = case.still(1, 1);
    let programs = PROGRAMS.map(str::to_owned);
    let mut scene = scene(&mut case, &still, &programs, Vec::new());
    scene.own_ends = vec![OwnEnd {
        fd: peer.as_raw_fd(),
        name: "alice".into(),
        kind: OwnKind::Socket,
    }];
    let waits = Graph::new().explain(&mut scene);
    assert_eq!(
        waits[0].on,
        Object::Socket {
            peer: "alice".into(),
            writing: false
        }
    );
    assert_eq!(waits[0].enders, [Ender::Grader]);
}

#[test]
fn both_ends_of_a_socket_pair_are_a_ring() {
    let (_case, _, waits) = explained("socket_cycle", 2, 2);
    assert_eq!(
        of(&waits, 0).on,
        Object::Socket {
            peer: "server's child 1".into(),
            writing: false
        }
    );
    assert_eq!(
        of(&waits, 1).on,
        Object::Socket {
            peer: "server".into(),
            writing: false
        }
    );
    assert_eq!(of(&waits, 0).enders, [process(1, Some(4), false)]);
    assert_eq!(cycle(&waits), Some(vec![id(0), id(1)]));
}

#[test]
fn accept_waits_for_connections() {
    let (mut case, still, waits) = explained("accept_one", 1, 1);
    assert_eq!(waits[0].call, "accept(3)");
    assert_eq!(
        waits[0].on,
        Object::Listener(Address::Path("./sock".into()))
    );
    assert_eq!(waits[0].enders, [Ender::Grader]);
    // The tracer's name for it goes first.
    let (_, inode, _) = supervisor::proc::inode_of(case.pid(), 3).unwrap();
    let programs = PROGRAMS.map(str::to_owned);
    let known = Address::Path("/lab/sock".into());
    let waits = Graph::new().explain(&mut scene(
        &mut case,
        &still,
        &programs,
        vec![(inode, known.clone())],
    ));
    assert_eq!(waits[0].on, Object::Listener(known));
}

#[test]
fn a_connection_in_the_queue_waits_for_the_listener() {
    let (_case, still, waits) = explained("not_accepted", 2, 2);
    assert_eq!(
        of(&waits, 0).on,
        Object::Socket {
            peer: "server's child 1, not accepted yet".into(),
            writing: false
        }
    );
    assert_eq!(of(&waits, 0).enders, [process(1, Some(3), false)]);
    let (_, inode, _) = supervisor::proc::inode_of(still.processes[1].pid, 3).unwrap();
    assert_eq!(Graph::new().unix_queue(inode).unwrap().0, 1);
}

#[test]
fn a_full_queue_holds_up_connect() {
    let (_case, _, waits) = explained("connect_full", 1, 1);
    assert!(waits[0].call.starts_with("connect("));
    assert_eq!(
        waits[0].on,
        Object::Socket {
            peer: "server, not accepted yet".into(),
            writing: true
        }
    );
    assert_eq!(waits[0].enders, [process(0, Some(3), true)]);
}

#[test]
fn crossed_mutexes_name_their_owners() {
    let (_case, _, waits) = explained("abba", 1, 2);
    let locks: Vec<_> = waits.iter().map(|wait| (wait.thread, &wait.on)).collect();
    let held = |by| {
        lock(Lock::Mutex {
            process: id(0),
            thread: by,
        })
    };
    assert_eq!(locks, [(0, &held(1)), (1, &held(0))]);
    assert!(waits.iter().all(|wait| wait.state == WaitState::Blocked));
    assert_eq!(waits[0].enders, [process(0, None, true)]);
    assert_eq!(cycle(&waits), Some(vec![id(0)]));
}

#[test]
fn a_priority_inheriting_mutex_names_its_owner() {
    let (_case, _, waits) = explained("pi_mutex", 1, 2);
    assert_eq!(
        waits[0].on,
        lock(Lock::Mutex {
            process: id(0),
            thread: 1
        })
    );
    assert_eq!(waits[0].enders, [process(0, None, true)]);
    assert_eq!(cycle(&waits), None);
}

#[test]
fn a_mutex_can_outlive_its_owner() {
    let (_case, _, waits) = explained("owner_ended", 1, 1);
    assert_eq!(waits[0].on, lock(Lock::Orphan));
    assert_eq!(waits[0].enders, [Ender::Nobody]);
}

#[test]
fn a_lost_wakeup_has_no_known_owner() {
    let (_case, _, waits) = explained("lost_wakeup", 1, 1);
    assert_eq!(waits[0].state, WaitState::Blocked);
    assert!(waits[0].on == lock(Lock::Unowned));
    assert!(matches!(waits[0].enders.as_slice(), [Ender::Unknown(_)]));
    assert_eq!(cycle(&waits), None);
}

#[test]
fn a_join_leads_to_the_thread() {
    for way in ["join", "join_by_state"] {
        let (_case, _, waits) = explained(way, 1, 2);
        assert_eq!(waits[0].call, "pthread_join(thread 1)", "{way}");
        assert_eq!(waits[0].on, lock(Lock::Join(1)));
        assert_eq!(waits[0].enders, [process(0, None, true)]);
        // The semaphore may be posted by anybody: no ring.
        assert_eq!(cycle(&waits), None);
    }
}

#[test]
fn a_stream_leads_to_the_thread_that_reads_it() {
    let (_case, _, waits) = explained("stream_in_use", 1, 2);
    assert_eq!(waits[0].call, "flockfile");
    assert_eq!(waits[0].on, lock(Lock::Stream(1)));
    assert_eq!(waits[0].enders, [process(0, None, true)]);
    assert!(waits[1].call.starts_with("read(0"), "{waits:?}");
}

#[test]
fn a_thread_outlives_main_with_its_descriptors() {
    let (_case, _, waits) = explained("main_left", 1, 2);
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0].thread, 1);
    assert_eq!(waits[0].on, pipe("server's stdin", false));
    assert_eq!(waits[0].enders, [Ender::Grader]);
}

#[test]
fn fifos_wait_for_the_other_end() {
    let (_case, _, waits) = explained("fifo_open", 1, 1);
    assert_eq!(waits[0].on, Object::Fifo("./fifo".into()));
    assert_eq!(waits[0].state, WaitState::Blocked);
    let (_case, _, waits) = explained("fifo_self", 1, 1);
    assert!(
        matches!(&waits[0].on, Object::Pipe { name, .. } if name.starts_with("FIFO ") && name.ends_with("/fifo"))
    );
    assert_eq!(waits[0].enders, [process(0, Some(3), true)]);
}

#[test]
fn waiting_for_children_names_them() {
    let (_case, _, waits) = explained("wait_child", 2, 2);
    assert_eq!(of(&waits, 0).call, "wait4(child 1)");
    assert_eq!(of(&waits, 0).enders, [process(1, None, false)]);
    let (_case, _, waits) = explained("wait_any", 3, 3);
    assert_eq!(of(&waits, 0).call, "wait4(any child)");
    assert_eq!(
        of(&waits, 0).enders,
        [process(1, None, false), process(2, None, false)]
    );
    let (_case, _, waits) = explained("vforked", 2, 2);
    assert_eq!(of(&waits, 0).state, WaitState::Blocked);
    assert_eq!(of(&waits, 0).enders, [process(1, None, false)]);
}

#[test]
fn signals_come_from_the_grader_and_from_children() {
    let (_case, _, waits) = explained("sigwait_child", 2, 2);
    assert_eq!(of(&waits, 0).on, Object::Signal);
    assert_eq!(
        of(&waits, 0).enders,
        [process(1, None, false), Ender::Grader]
    );
    assert_eq!(of(&waits, 1).enders, [Ender::Grader]);
    let (_case, _, waits) = explained("stopped", 1, 1);
    assert_eq!(
        (&waits[0].state, waits[0].call.as_str()),
        (&WaitState::Stopped, "stopped")
    );
}

#[test]
fn sets_of_descriptors_are_listed() {
    let several = |items: &[&str]| Object::Several(items.iter().map(|&s| s.to_owned()).collect());
    let (_case, _, waits) = explained("poll_several", 2, 2);
    let wait = of(&waits, 0);
    assert_eq!(wait.call, "poll(3 descriptors)");
    assert_eq!(
        wait.on,
        several(&[
            "server's stdin (read)",
            "pipe A (read)",
            "connections to ./sock"
        ])
    );
    assert_eq!(wait.enders, [Ender::Grader, process(1, Some(4), false)]);
    let (_case, _, waits) = explained("select_two", 1, 1);
    assert_eq!(
        waits[0].on,
        several(&["server's stdin (read)", "pipe A (read)"])
    );
    let (_case, _, waits) = explained("epoll_forever", 1, 1);
    assert_eq!(waits[0].on, several(&["server's stdin (read)"]));
    assert_eq!(waits[0].enders, [Ender::Grader]);
}

#[test]
fn file_locks_name_their_holder() {
    for case in ["flocked", "fcntl_locked"] {
        let (_case, _, waits) = explained(case, 2, 2);
        assert!(
            matches!(&of(&waits, 0).on, Object::Lock(Lock::File(path)) if path.0.ends_with(b"/lock")),
            "{case}"
        );
        assert_eq!(of(&waits, 0).enders, [process(1, None, false)], "{case}");
    }
}

/// The kind of the only thread's wait (or of the first).
fn kind(name: &str, processes: usize, threads: usize) -> (Case, WaitKind) {
    let mut case = Case::start(name);
    let still = case.still(processes, threads);
    let thread = &still.processes[0].threads[0];
    let kind = Classifier::new().classify(thread.tid, &thread.scan, false);
    (case, kind)
}

#[test]
fn lasting_waits_last() {
    for (name, processes, threads) in [
        ("pipe_cycle", 2, 2),
        ("socket_cycle", 2, 2),
        ("accept_one", 1, 1),
        ("connect_full", 1, 1),
        ("abba", 1, 2),
        ("lost_wakeup", 1, 1),
        ("join", 1, 2),
        ("fifo_open", 1, 1),
        ("fifo_self", 1, 1),
        ("wait_child", 2, 2),
        ("vforked", 2, 2),
        ("poll_several", 2, 2),
        ("select_two", 1, 1),
        ("epoll_forever", 1, 1),
        ("event_fd", 1, 1),
        ("flocked", 2, 2),
        ("timerfd_unarmed", 1, 1),
        ("message_queue", 2, 2),
        ("inet", 1, 1),
        ("poll_inet", 1, 1),
    ] {
        let (case, kind) = kind(name, processes, threads);
        assert_eq!(kind, WaitKind::Forever, "{name}");
        assert_eq!(armed(case.pid()), None, "{name}");
    }
}

#[test]
fn timed_waits_tell_their_time() {
    for (name, least, most) in [
        ("poll_timed", 700_000, 700_000),
        ("select_timed", 700_000, 700_000),
        ("epoll_timed", 700_000, 700_000),
        ("sleep_long", 1_000_000, 1_000_000),
        ("sigwait_timed", 1_000_000, 1_000_000),
        ("semop_timed", 1_000_000, 1_000_000),
        ("rcvtimeo", 1_000_000, 1_000_000),
        ("sleep_until", 900_000, 1_000_000),
        ("sem_timed", 900_000, 1_000_000),
        ("mq_timed", 900_000, 1_000_000),
        ("timerfd_armed", 900_000, 1_000_000),
    ] {
        let (_case, kind) = kind(name, 1, 1);
        let (WaitKind::Timed(Some(ms)) | WaitKind::Left(ms)) = kind else {
            panic!("{name}: {kind:?}")
        };
        assert!((least..=most).contains(&ms), "{name}: {ms}");
    }
}

#[test]
fn what_cannot_be_proved_is_unknown() {
    let mut spinning = Case::start("spin");
    let mut scanner = supervisor::proc::Scanner::new();
    let pid = spinning.pid();
    // It runs, or sleeps in a page fault while it is loaded; it never looks like a lasting wait.
    let mut seen_running = false;
    while !seen_running {
        let scan = scanner.scan(pid, pid).unwrap();
        let kind = Classifier::new().classify(pid, &scan, false);
        assert!(
            matches!(kind, WaitKind::Runs | WaitKind::Unknown(_)),
            "{kind:?}"
        );
        seen_running = kind == WaitKind::Runs;
    }
    spinning.stdin.take();
}

#[test]
fn armed_timers_are_found_where_the_kernel_shows_them() {
    let started = |name| {
        let mut case = Case::start(name);
        case.still(1, 1);
        case
    };
    let timerfd = started("timerfd_armed");
    assert!(matches!(
        armed(timerfd.pid()),
        Some(ArmedTimer::TimerFd {
            fd: 3,
            ms: 900_000..=1_000_000
        })
    ));
    assert_eq!(armed(started("timer_posix").pid()), Some(ArmedTimer::Posix));
    // An alarm is not shown: the tracer has to follow the call.
    assert_eq!(armed(started("alarmed").pid()), None);
    assert_eq!(armed(i32::MAX), None);
}
