//! Names the kernel gives to things, and the search for the name that was meant.

/// Signals a lab may send. `SIGRTMIN` is the first one the C library leaves to programs.
pub const SIGNALS: &[&str] = &[
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGKILL",
    "SIGPIPE",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGRTMIN",
    "SIGSEGV",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];

/// Errors a disturbed call may fail with.
pub const ERRNOS: &[&str] = &[
    "E2BIG",
    "EACCES",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "EAGAIN",
    "EBADF",
    "EBUSY",
    "ECHILD",
    "ECONNABORTED",
    "ECONNREFUSED",
    "ECONNRESET",
    "EDQUOT",
    "EEXIST",
    "EFAULT",
    "EFBIG",
    "EINPROGRESS",
    "EINTR",
    "EINVAL",
    "EIO",
    "EISCONN",
    "EISDIR",
    "ELOOP",
    "EMFILE",
    "EMSGSIZE",
    "ENAMETOOLONG",
    "ENETUNREACH",
    "ENFILE",
    "ENOBUFS",
    "ENODEV",
    "ENOENT",
    "ENOEXEC",
    "ENOLCK",
    "ENOMEM",
    "ENOSPC",
    "ENOSYS",
    "ENOTCONN",
    "ENOTDIR",
    "ENOTSOCK",
    "ENXIO",
    "EOPNOTSUPP",
    "EPERM",
    "EPIPE",
    "EPROTO",
    "EROFS",
    "ESPIPE",
    "ESRCH",
    "ETIMEDOUT",
    "ETXTBSY",
    "EWOULDBLOCK",
    "EXDEV",
];

/// System calls a disturbance may concern: those at which the supervisor stops.
pub const CALLS: &[&str] = &[
    "accept",
    "accept4",
    "alarm",
    "bind",
    "clock_nanosleep",
    "clone",
    "connect",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "execve",
    "execveat",
    "fork",
    "kill",
    "listen",
    "nanosleep",
    "pause",
    "pipe",
    "pipe2",
    "poll",
    "ppoll",
    "pselect6",
    "read",
    "readv",
    "recvfrom",
    "recvmsg",
    "rename",
    "renameat2",
    "rmdir",
    "rt_sigaction",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "select",
    "sendmsg",
    "sendto",
    "setitimer",
    "setsockopt",
    "shutdown",
    "socket",
    "socketpair",
    "tgkill",
    "timer_create",
    "timerfd_create",
    "unlink",
    "unlinkat",
    "vfork",
    "wait4",
    "waitid",
    "write",
    "writev",
];

/// System calls that only a disturbance makes stop: they wait for a lock, a semaphore or a message.
pub const WAITS: &[&str] = &[
    "futex",
    "mq_timedreceive",
    "mq_timedsend",
    "msgrcv",
    "msgsnd",
    "semop",
    "semtimedop",
];

/// The candidate that was probably meant, if one is near enough.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Longer names are no slips of the pen, and the distance is quadratic.
    if name.is_empty() || name.len() > 64 {
        return None;
    }
    let folded = name.to_lowercase().replace('_', "-");
    let reach = match folded.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .filter(|c| c.len() <= 64)
        .map(|c| (distance(&folded, &c.to_lowercase().replace('_', "-")), c))
        .filter(|(d, c)| *d <= reach && *d < c.chars().count())
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// ``did you mean `connect`?``
pub(super) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(name, candidates).map(|c| format!("did you mean `{c}`?"))
}

/// Names for a message: `` `a`, `b` and `c` ``.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|n| format!("`{n}`")).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &cb) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(ca != cb))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && ca == b[j - 1] && a[i - 1] == cb {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// Why a program cannot be started with an environment variable of this name.
///
/// # Errors
/// Says what is wrong with it, or who sets it.
pub fn variable(name: &str) -> Result<(), &'static str> {
    let is_letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    if name.is_empty()
        || name.len() > 64
        || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        || !name.bytes().all(|b| is_letter(b) || b.is_ascii_digit())
    {
        return Err("a name has letters, digits and `_`, at most 64, and begins with no digit");
    }
    let ours = ["PATH", "HOME", "TMPDIR", "LC_ALL", "LAB_SOCK"];
    if ours.contains(&name) || name.starts_with("LD_") || name.starts_with("MALLOC_") {
        return Err("the grader sets it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("conect", "connect"), 1);
        assert_eq!(distance("sned", "send"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not() {
        assert_eq!(
            nearest("conect", ["close", "connect", "accept"]),
            Some("connect")
        );
        assert_eq!(nearest("SIGTREM", SIGNALS.iter().copied()), Some("SIGTERM"));
        assert_eq!(
            nearest("signal_after", ["signal-after"]),
            Some("signal-after")
        );
        assert_eq!(nearest("xyzzy", ["connect"]), None);
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest(&"a".repeat(100_000), ["aaaa"]), None);
    }
}
