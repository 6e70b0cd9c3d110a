//! What a program sees, and what it cannot do.

use std::path::PathBuf;

use supervisor::event::ExitStatus;
use supervisor::plan::{FileSource, Image, Input, Output, PlacedFile};
use supervisor::worker::WorkerError;

use crate::Test;
use crate::harness::{
    builtin, exe, file, is_root, output_of, plan, program, run, says, shell, try_run, worker,
};

pub(crate) const TESTS: &[Test] = &[
    ("processes_are_its_own_tree", processes),
    ("files_are_read_only_but_for_the_private_ones", files),
    ("placed_files_belong_to_the_program", placed_files),
    ("nothing_stays_for_the_next_scenario", nothing_stays),
    ("what_nobody_has_used_is_used_again", spares),
    ("only_loopback", network),
    ("an_ordinary_user_without_capabilities", user),
    ("descriptors_signals_environment_are_exact", inheritance),
    ("a_terminal_is_the_controlling_one", terminal),
    ("refused_calls", refused_calls),
    ("threads_work", threads),
    ("builtins_end_as_programs_do", builtins),
    ("the_helper_is_out_of_reach", helper_out_of_reach),
    ("limits_hold", limits),
    ("processes_are_limited", processes_limited),
    ("what_cannot_be_executed_is_told_by_errno", exec_errors),
    ("readable_directories", readable),
    ("the_labs_programs_can_be_executed_not_changed", tools),
    ("a_file_that_cannot_be_placed_is_named", unplaceable),
    ("what_is_enforced_is_said", enforced),
    ("our_executable_cannot_be_read", executable),
    ("the_kernel_would_take_the_programs_first", oom_score),
];

fn processes() {
    // The shell counts itself and PID 1; it starts nobody to do so.
    assert_eq!(says("echo $$; set -- /proc/[0-9]*; echo $#"), "2\n2\n");
}

fn files() {
    let out = says(
        "pwd; ls -A; ls -A /tmp; umask; echo x > file; cat file; echo y > /tmp/t; cat /tmp/t; \
         for d in / /usr /etc /dev /home /root /lab/..; do \
         (echo z > $d/zz) 2>/dev/null && echo writable $d; done; \
         ls / | tr '\\n' ' '; ls /dev | tr '\\n' ' '",
    );
    let mut lines = out.lines();
    let mut next = || lines.next().unwrap();
    assert_eq!(
        [next(), next(), next(), next()],
        ["/lab", "0022", "x", "y"],
        "{out}"
    );
    let root = next();
    for name in ["usr", "bin", "etc", "dev", "proc", "lab", "tmp"] {
        assert!(
            root.split(' ').any(|there| there == name),
            "{name} is not in {root}"
        );
    }
    for name in ["home", "root", "work", "sys", "run", "var", "old"] {
        assert!(
            !root.split(' ').any(|there| there == name),
            "{name} is in {root}"
        );
    }
    assert!(root.contains("fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"));
    assert_eq!(
        says("head -c 3 /dev/zero | wc -c; echo x > /dev/shm/s && cat /dev/shm/s"),
        "3\nx\n"
    );
}

fn placed_files() {
    let mut plan = plan(vec![shell(
        "stat -c '%a %A' dir/script; [ -O dir/script ] && [ -O dir ] && [ -O . ] && echo mine; \
         ./dir/script; echo new > dir/new && cat dir/new; cat copy",
    )]);
    plan.files = vec![
        PlacedFile {
            mode: 0o755,
            ..file("dir/script", "#!/bin/sh\necho ran\n")
        },
        PlacedFile {
            name: "copy".into(),
            source: FileSource::Host(PathBuf::from("/etc/hostname")),
            mode: 0o644,
        },
    ];
    let hostname = std::fs::read_to_string("/etc/hostname").unwrap();
    let expected = format!("755 -rwxr-xr-x\nmine\nran\nnew\n{hostname}");
    assert_eq!(output_of(plan), expected);
}

fn nothing_stays() {
    let mut worker = worker();
    let leave = "echo x > left; echo x > /tmp/left; echo x > /dev/shm/left; hostname";
    // The shell itself counts: in a pipeline, who is there yet is a matter of luck.
    let look = "ls -A . /tmp /dev/shm; set -- /proc/[0-9]*; echo $#";
    for _ in 0..3 {
        let ran = run(&mut worker, &plan(vec![shell(leave)]));
        assert_eq!((ran.out().as_str(), ran.err().as_str()), ("lab\n", ""));
        let ran = run(&mut worker, &plan(vec![shell(look)]));
        assert_eq!(ran.out(), ".:\n\n/dev/shm:\n\n/tmp:\n2\n");
    }
}

fn spares() {
    let mut worker = worker();
    let mut said = |text: &str, most: u64| {
        let mut plan = plan(vec![shell(text)]);
        plan.limits.file_size = most;
        let ran = run(&mut worker, &plan);
        assert_eq!(ran.err(), "");
        ran.out()
    };
    // When it was last changed, its mode and its size.
    let look = "stat -c '%y %a' /tmp /dev/shm; df -B 4096 --output=size /tmp | tail -n 1";
    let first = said(look, 1 << 20);
    let lines: Vec<&str> = first.lines().map(str::trim).collect();
    assert!(
        matches!(lines[..], [tmp, shm, "256"] if tmp.ends_with(" 1777") && shm.ends_with(" 1777")),
        "{first}"
    );
    assert_eq!(said(look, 1 << 20), first);
    // Each of these is as new again afterwards, and the other is left alone.
    for change in ["chmod 700 /tmp", "mkdir /tmp/d", "touch -d 2001-01-01 /tmp"] {
        said(change, 1 << 20);
        let after = said(look, 1 << 20);
        let after: Vec<&str> = after.lines().map(str::trim).collect();
        assert!(
            after[0] != lines[0] && after[0].ends_with(" 1777"),
            "{change}: {after:?}"
        );
        assert!(!after[0].starts_with("2001"), "{change}: {after:?}");
        assert_eq!(after[1..], lines[1..], "{change}");
    }
    assert!(said(look, 2 << 20).ends_with("512\n"));
}

fn network() {
    let out =
        says("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; cat /proc/net/route | wc -l");
    assert_eq!(out, "lo\n1\n");
    // A connection to a port nobody listens on is refused, so the interface is up.
    let out = says("bash -c 'exec 3<>/dev/tcp/127.0.0.1/9' 2>&1; true");
    assert!(out.contains("Connection refused"), "{out}");
}

fn user() {
    let out = says(
        "id -u; id -G; grep -E '^(CapEff|CapPrm|CapAmb|CapInh|NoNewPrivs|Seccomp):' /proc/self/status",
    );
    let id = if is_root() {
        "61000\n61000"
    } else {
        "1000\n1000"
    };
    let none = "0000000000000000";
    let expected = format!(
        "{id}\nCapInh:\t{none}\nCapPrm:\t{none}\nCapEff:\t{none}\nCapAmb:\t{none}\nNoNewPrivs:\t1\nSeccomp:\t2\n"
    );
    assert_eq!(out, expected);
}

fn inheritance() {
    let fds = |input, out, err| {
        let mut program =
            shell("ls /proc/self/fd | tr '\\n' ' ' >> /tmp/o; cat /tmp/o >&2 || cat /tmp/o");
        program.stdin = input;
        program.stdout = out;
        program.stderr = err;
        let ran = run(&mut worker(), &plan(vec![program]));
        ran.err() + &ran.out()
    };
    // The last one is the directory being listed.
    assert_eq!(fds(Input::Null, Output::Pipe, Output::Pipe), "0 1 2 3 ");
    let none = "0000000000000000";
    let mut signals = plan(vec![builtin("signals", &[])]);
    signals.programs[0].env = vec![("A".into(), "1".into()), ("B".into(), "".into())];
    // What Rust's runtime catches it installed before `main`; a program of our own has none.
    let out = output_of(signals.clone());
    assert!(
        out.contains("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"),
        "{out}"
    );
    assert_eq!(
        says("cat /proc/self/status")
            .lines()
            .filter(|l| l.starts_with("Sig"))
            .skip(2)
            .collect::<Vec<_>>(),
        [
            &*format!("SigBlk:\t{none}"),
            &*format!("SigIgn:\t{none}"),
            &*format!("SigCgt:\t{none}")
        ]
    );
    let mut env = plan(vec![program(Image::File("/usr/bin/env".into()), &["env"])]);
    env.programs[0].env = vec![("A".into(), "1".into()), ("B".into(), "x=y".into())];
    assert_eq!(output_of(env.clone()), "A=1\nB=x=y\n");
    env.programs[0] = supervisor::plan::Program {
        env: env.programs[0].env.clone(),
        ..builtin("environment", &[])
    };
    assert_eq!(output_of(env), "A=1\nB=x=y\n");
    // Its own session, so that signals of a terminal cannot come from outside.
    assert_eq!(
        says("read -r pid _ _ _ group session _ < /proc/$$/stat; echo $pid $session $group"),
        "2 2 2\n"
    );
}

fn terminal() {
    let number = "read -r _ _ _ _ _ _ tty _ < /proc/$$/stat; echo $tty";
    let mut program = shell(&format!(
        "test -t 0 && tty && {number} && echo to-tty > /dev/tty"
    ));
    program.stdin = Input::Terminal;
    // The first of the major number 136, pts(4).
    let expected = format!("/dev/pts/0\n{}\n", 136 << 8);
    assert_eq!(output_of(plan(vec![program])), expected);
}

fn refused_calls() {
    let out = output_of(plan(vec![builtin("calls", &[])]));
    let (eperm, enosys) = (libc::EPERM, libc::ENOSYS);
    for line in out.lines() {
        let (name, errno) = line.split_once(' ').unwrap();
        let expected = match name {
            "clone3" | "io_uring" | "x32-getpid" | "memfd" | "newer" => enosys,
            // As for processors, it is told that it went where it wanted.
            "personality-query" | "unix" | "inet" | "inet6" | "affinity" | "affinity-other" => 0,
            _ => eperm,
        };
        assert_eq!(errno, expected.to_string(), "{name} in\n{out}");
    }
    assert!(out.lines().count() >= 23, "{out}");
}

fn threads() {
    assert_eq!(output_of(plan(vec![builtin("threads", &[])])), "140\n");
}

fn builtins() {
    let plan = plan(vec![
        builtin("arguments", &["a b", ""]),
        builtin("panic", &[]),
        builtin("no-such", &[]),
    ]);
    let ran = run(&mut worker(), &plan);
    assert_eq!(ran.out(), "arguments\na b\n\n");
    let codes = [7, 101, 127].map(ExitStatus::Code);
    assert_eq!(ran.ends(), codes);
    assert!(
        ran.err().contains("no builtin program called \"no-such\""),
        "{}",
        ran.err()
    );
}

fn helper_out_of_reach() {
    // It goes on after the attempt: a second program runs.
    let ran = run(
        &mut worker(),
        &plan(vec![builtin("helper", &[]), shell("echo still here")]),
    );
    let denied = "Err(PermissionDenied)";
    let expected =
        format!("mem {denied}\nfds {denied}\nenviron {denied}\nroot {denied}\nstill here\n");
    assert_eq!(ran.out(), expected);
    let ran = run(
        &mut worker(),
        &plan(vec![shell("kill -9 -1; echo alone"), shell("echo next")]),
    );
    assert_eq!(ran.out(), "alone\nnext\n");
}

fn limits() {
    let shell_limits = says("ulimit -t; ulimit -n; ulimit -c; ulimit -s; ulimit -v; ulimit -f");
    assert_eq!(shell_limits, "6\n256\n0\n8192\n1048576\n131072\n");
    let mut spin = plan(vec![shell("while :; do :; done")]);
    spin.limits.cpu_ms = 1;
    let ran = run(&mut worker(), &spin);
    assert_eq!(ran.ends(), [ExitStatus::Signal(libc::SIGXCPU)]);
    let mut big = plan(vec![shell("exec head -c 2m /dev/zero > big")]);
    big.limits.file_size = 1 << 20;
    let ran = run(&mut worker(), &big);
    assert_eq!(ran.ends(), [ExitStatus::Signal(libc::SIGXFSZ)]);
    // The file system is as small, however many files there are.
    big.programs = vec![shell(
        "for i in 1 2 3; do head -c 500k /dev/zero > $i || echo full; done",
    )];
    assert_eq!(run(&mut worker(), &big).out(), "full\n");
    let mut memory = plan(vec![shell("head -c 300m /dev/zero | tail -c 300m | wc -c")]);
    memory.limits.memory = 200 << 20;
    let ran = run(&mut worker(), &memory);
    assert_eq!(ran.out(), "0\n", "{}", ran.err());
    memory.limits.memory = 0;
    assert_eq!(run(&mut worker(), &memory).out(), "314572800\n");
}

fn processes_limited() {
    let mut bomb = plan(vec![shell(
        "i=0; while [ $i -lt 100 ]; do cat /dev/zero >/dev/null & i=$((i+1)); done; echo all",
    )]);
    bomb.limits.processes = 20;
    let ran = run(&mut worker(), &bomb);
    assert!(!ran.out().contains("all"), "a hundred processes started");
    assert!(ran.err().contains("fork"), "{}", ran.err());
    // Within the limit all is well, and many short ones one after another are no more than one.
    bomb.programs = vec![shell(
        "for i in 1 2 3 4 5 6 7 8 9 10; do /bin/cat </dev/null & done; wait; \
         for i in $(seq 500); do /bin/true; done; echo all",
    )];
    assert_eq!(run(&mut worker(), &bomb).out(), "all\n");
}

fn exec_errors() {
    let mut worker = worker();
    for (path, mode, expected) in [
        ("./missing", 0, libc::ENOENT),
        ("./plain", 0o644, libc::EACCES),
        ("./text", 0o755, libc::ENOEXEC),
        ("/lab", 0, libc::EACCES),
    ] {
        let mut plan = plan(vec![program(Image::File(path.into()), &[path])]);
        if mode != 0 {
            plan.files = vec![PlacedFile {
                mode,
                ..file(path.trim_start_matches("./"), "just text\n")
            }];
        }
        let ran = run(&mut worker, &plan);
        assert_eq!(ran.exec_error(), Some(expected), "{path}");
    }
}

fn readable() {
    let outside = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .unwrap();
    let deep = outside.path().join("deep");
    std::fs::create_dir(&deep).unwrap();
    std::fs::write(deep.join("file"), "outside\n").unwrap();
    let path = deep.display();
    let script = format!(
        "cat {path}/file 2>&1; (echo x > {path}/new) 2>/dev/null && echo writable; ls /home"
    );
    let mut plan = plan(vec![shell(&script)]);
    let mut worker = worker();
    plan.readable = vec![deep.clone(), PathBuf::from("/usr/lib")];
    if PathBuf::from("/home").is_dir() {
        plan.readable.push(PathBuf::from("/home"));
    }
    let ran = run(&mut worker, &plan);
    assert!(
        ran.out().starts_with("outside\n"),
        "{} {}",
        ran.out(),
        ran.err()
    );
    assert!(!ran.out().contains("writable"));
    assert!(!deep.join("new").exists());
    // And the next scenario does not see them.
    plan.readable.clear();
    let ran = run(&mut worker, &plan);
    assert!(ran.out().contains("No such file"), "{}", ran.out());
    plan.readable = vec![outside.path().join("missing")];
    let (_, result) = try_run(&mut worker, &plan);
    let Err(WorkerError::NotSetUp(reason)) = result else {
        panic!("{result:?}");
    };
    assert!(reason.contains("missing"), "{reason}");
}

fn tools() {
    let mut plan = plan(vec![shell(TAMPER)]);
    plan.tools = vec![PlacedFile {
        mode: 0o755,
        ..file("greet", "#!/bin/sh\necho hello from $0\n")
    }];
    let mut worker = worker();
    let ran = run(&mut worker, &plan);
    assert_eq!(ran.out(), "hello from /tools/greet\ngreet\nhello again\n");
    // And the next scenario does not see them.
    plan.tools.clear();
    plan.programs = vec![shell("ls -A /tools")];
    assert_eq!(run(&mut worker, &plan).out(), "");
}

/// Executes `/tools/greet`, tries to change it, and says what came of that.
pub(crate) const TAMPER: &str = "PATH=/tools:$PATH; greet; \
     (echo evil >/tools/greet; echo evil >/tools/new; rm -f /tools/greet; \
      chmod 777 /tools/greet; mv /tools/greet /tools/other) 2>/dev/null; \
     ls -A /tools; greet | sed s,from.*,again,";

fn unplaceable() {
    let mut worker = worker();
    let mut plan = plan(vec![shell("echo ran")]);
    plan.files = vec![PlacedFile {
        name: "x".into(),
        source: FileSource::Host("/no/such/file".into()),
        mode: 0o644,
    }];
    let (ran, result) = try_run(&mut worker, &plan);
    let Err(WorkerError::NotSetUp(reason)) = result else {
        panic!("{result:?}");
    };
    assert!(reason.contains("/no/such/file"), "{reason}");
    assert!(ran.events.is_empty());
    plan.files.clear();
    assert_eq!(run(&mut worker, &plan).out(), "ran\n");
}

fn enforced() {
    let ran = run(&mut worker(), &plan(vec![shell(":")]));
    let enforced = ran.enforced();
    assert_eq!(enforced.isolation, "full");
    assert!(
        enforced.active.iter().any(|a| a == "PID namespace"),
        "{enforced:?}"
    );
    assert!(
        enforced.active.iter().any(|a| a == "seccomp deny list"),
        "{enforced:?}"
    );
}

fn executable() {
    // Where it is installed beside a toolchain that builds are shown.
    let place = exe().parent().unwrap().to_owned();
    let shown = exe();
    let mut plan = plan(vec![shell(&format!(
        "cat {0} | head -c 4; ls {0}; cat {0}",
        shown.display()
    ))]);
    plan.readable = vec![place];
    let ran = run(&mut worker(), &plan);
    assert_eq!(ran.out(), format!("{}\n", shown.display()));
    assert_eq!(
        ran.err().matches("Permission denied").count(),
        2,
        "{}",
        ran.err()
    );
}

fn oom_score() {
    assert_eq!(says("cat /proc/self/oom_score_adj"), "1000\n");
}
