//! Programs that are functions of this executable: what a shell cannot try.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

pub(crate) fn run(name: &str, argv: &[OsString]) -> Option<i32> {
    match name {
        "environment" => {
            for (name, value) in std::env::vars_os() {
                println!("{}={}", name.display(), value.display());
            }
        }
        "arguments" => {
            for argument in argv {
                println!("{}", argument.as_bytes().escape_ascii());
            }
            return Some(7);
        }
        "panic" => panic!("on purpose"),
        "threads" => {
            let threads = (0..8).map(|n| std::thread::spawn(move || n * n));
            let sum: i32 = threads.map(|thread| thread.join().unwrap()).sum();
            println!("{sum}");
        }
        "calls" => calls(),
        "signals" => signals(),
        "helper" => helper(),
        "daemon" => daemon(&argv[1]),
        "hang" => loop {
            nix::unistd::pause();
        },
        _ => return None,
    }
    Some(0)
}

/// Tries what is refused, and prints the errno of each.
fn calls() {
    let try_call = |name: &str, number: i64, arguments: [i64; 4]| {
        let [a, b, c, d] = arguments;
        // SAFETY: pointers are null or numbers; none of these calls may succeed.
        let result = unsafe { libc::syscall(number, a, b, c, d) };
        let errno = if result < 0 {
            nix::errno::Errno::last_raw()
        } else {
            0
        };
        println!("{name} {errno}");
    };
    let new_user = i64::from(libc::CLONE_NEWUSER);
    let child = i64::from(libc::SIGCHLD);
    let untraced = i64::from(libc::CLONE_UNTRACED);
    try_call(
        "ptrace",
        libc::SYS_ptrace,
        [i64::from(libc::PTRACE_SEIZE), 1, 0, 0],
    );
    try_call("mount", libc::SYS_mount, [0; 4]);
    try_call("unshare", libc::SYS_unshare, [new_user, 0, 0, 0]);
    try_call("clone", libc::SYS_clone, [new_user | child, 0, 0, 0]);
    try_call(
        "clone-untraced",
        libc::SYS_clone,
        [untraced | child, 0, 0, 0],
    );
    try_call("clone3", libc::SYS_clone3, [0; 4]);
    try_call("keyctl", libc::SYS_keyctl, [0; 4]);
    try_call("bpf", libc::SYS_bpf, [0; 4]);
    try_call("io_uring", libc::SYS_io_uring_setup, [1, 0, 0, 0]);
    try_call("netlink", libc::SYS_socket, [16, 3, 0, 0]);
    try_call("packet", libc::SYS_socket, [17, 3, 0, 0]);
    try_call("personality", libc::SYS_personality, [0x0040_0000, 0, 0, 0]);
    try_call(
        "personality-query",
        libc::SYS_personality,
        [0xffff_ffff, 0, 0, 0],
    );
    try_call("prlimit-other", libc::SYS_prlimit64, [1, 7, 1, 0]);
    try_call("affinity-other", libc::SYS_sched_setaffinity, [1, 0, 0, 0]);
    try_call("affinity", libc::SYS_sched_setaffinity, [0, 0, 0, 0]);
    try_call("seccomp", libc::SYS_seccomp, [1, 0, 0, 0]);
    try_call(
        "seccomp-prctl",
        libc::SYS_prctl,
        [libc::PR_SET_SECCOMP.into(), 2, 0, 0],
    );
    try_call("memfd", libc::SYS_memfd_create, [0; 4]);
    try_call("newer", 467, [0; 4]);
    #[cfg(target_arch = "x86_64")]
    try_call("x32-getpid", 0x4000_0000 + libc::SYS_getpid, [0; 4]);
    for (name, family) in [
        ("unix", libc::AF_UNIX),
        ("inet", libc::AF_INET),
        ("inet6", libc::AF_INET6),
    ] {
        let stream = i64::from(libc::SOCK_STREAM);
        try_call(name, libc::SYS_socket, [family.into(), stream, 0, 0]);
    }
}

/// Prints the signals that are blocked, ignored or caught.
fn signals() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    for line in status.lines() {
        if ["SigBlk:", "SigIgn:", "SigCgt:"]
            .iter()
            .any(|name| line.starts_with(name))
        {
            println!("{line}");
        }
    }
}

/// Tries to get at the helper.
fn helper() {
    let open = |path: &str| std::fs::File::open(path).map(drop).map_err(|e| e.kind());
    println!("mem {:?}", open("/proc/1/mem"));
    println!(
        "fds {:?}",
        std::fs::read_link("/proc/1/fd/0")
            .map(drop)
            .map_err(|e| e.kind())
    );
    println!(
        "environ {:?}",
        std::fs::read("/proc/1/environ")
            .map(drop)
            .map_err(|e| e.kind())
    );
    println!(
        "root {:?}",
        std::fs::read_dir("/proc/1/root/")
            .map(drop)
            .map_err(|e| e.kind())
    );
    for signal in [libc::SIGKILL, libc::SIGSTOP, libc::SIGTERM] {
        // SAFETY: takes numbers.
        unsafe { libc::kill(1, signal) };
    }
}

/// Leaves a process behind that has a session of its own, ignores signals, and is called `name`.
fn daemon(name: &OsString) {
    use nix::unistd::{ForkResult, fork, pipe2, read, write};
    let (ready, tell) = pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    // SAFETY: this process has one thread.
    if let ForkResult::Child = unsafe { fork() }.unwrap() {
        nix::unistd::setsid().unwrap();
        // SAFETY: as above.
        if let ForkResult::Child = unsafe { fork() }.unwrap() {
            let mut name = name.as_bytes().to_vec();
            name.push(0);
            // SAFETY: the name ends with a NUL; ignoring signals installs no handler.
            unsafe {
                libc::prctl(libc::PR_SET_NAME, name.as_ptr());
                for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
                    libc::signal(signal, libc::SIG_IGN);
                }
            }
            write(&tell, b"x").unwrap();
            loop {
                nix::unistd::pause();
            }
        }
        std::process::exit(0);
    }
    read(&ready, &mut [0]).unwrap();
}
