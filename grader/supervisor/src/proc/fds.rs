//! Descriptors of a process, and where they lead.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;

use nix::dir::Dir;
use nix::fcntl::{OFlag, open, readlinkat};
use nix::sys::stat::Mode;

use super::{number, radix, threads_of};

/// Where a descriptor leads, from the text of its link in `/proc/PID/fd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// An anonymous pipe, by inode.
    Pipe(u64),
    /// A socket, by inode.
    Socket(u64),
    /// An anonymous inode: `eventfd`, `eventpoll`, `timerfd`, `signalfd`, `inotify`, `io_uring`.
    Anonymous(Vec<u8>),
    /// A path: files, FIFOs, terminals.
    Path(Vec<u8>),
}

impl Link {
    /// Reads the text of a link.
    #[must_use]
    pub fn parse(link: &[u8]) -> Self {
        let inode = |prefix: &[u8]| {
            let digits = link.strip_prefix(prefix)?.strip_suffix(b"]")?;
            digits
                .iter()
                .all(u8::is_ascii_digit)
                .then(|| number(digits))
                .flatten()
        };
        if let Some(inode) = inode(b"pipe:[") {
            Self::Pipe(inode)
        } else if let Some(inode) = inode(b"socket:[") {
            Self::Socket(inode)
        } else if let Some(name) = link.strip_prefix(b"anon_inode:") {
            let name = name.strip_prefix(b"[").unwrap_or(name);
            Self::Anonymous(name.strip_suffix(b"]").unwrap_or(name).to_vec())
        } else {
            Self::Path(link.to_vec())
        }
    }
}

/// How a descriptor was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// It can be read.
    pub read: bool,
    /// It can be written.
    pub write: bool,
}

thread_local! {
    /// Directories of descriptors, kept open: walking the whole path for each link takes twice the time.
    /// One that was opened belongs to the process itself, not to its number. Never dropped as a whole: a
    /// forked copy of this process has closed what it did not want, and ends without asking who owned it.
    static TABLES: RefCell<ManuallyDrop<HashMap<i32, OwnedFd>>> = RefCell::default();
}

/// Most directories kept.
const MOST_TABLES: usize = 64;

/// Closes what is kept open: the numbers will be those of other processes.
pub(crate) fn forget_descriptors() {
    TABLES.with_borrow_mut(|tables| tables.clear());
}

/// The text of a descriptor's link.
#[must_use]
pub fn fd_link(pid: i32, fd: i32) -> Option<Vec<u8>> {
    link(pid, fd).or_else(|| other_threads(pid).find_map(|tid| link(tid, fd)))
}

fn link(pid: i32, fd: i32) -> Option<Vec<u8>> {
    let name = fd.to_string();
    let read = |table: &OwnedFd| readlinkat(table, name.as_str()).ok();
    let link = TABLES.with_borrow_mut(|tables| {
        if let Some(link) = tables.get(&pid).and_then(read) {
            return Some(link);
        }
        // None is kept, the process is gone and its number another's, or there is no such descriptor.
        tables.remove(&pid);
        if tables.len() >= MOST_TABLES {
            tables.clear();
        }
        let path = format!("/proc/{pid}/fd");
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let table = open(path.as_str(), flags, Mode::empty()).ok()?;
        let link = read(&table);
        tables.insert(pid, table);
        link
    });
    link.map(OsStringExt::into_vec)
}

/// All descriptors of a process in ascending order, with the text of their links.
#[must_use]
pub fn fds(pid: i32) -> Option<Vec<(i32, Vec<u8>)>> {
    let list = list(pid)?;
    if !list.is_empty() {
        return Some(list);
    }
    // A leader that has ended (pthread_exit in main) shows none; the table lives on in the others.
    Some(
        other_threads(pid)
            .filter_map(self::list)
            .find(|list| !list.is_empty())
            .unwrap_or_default(),
    )
}

fn list(pid: i32) -> Option<Vec<(i32, Vec<u8>)>> {
    let path = format!("/proc/{pid}/fd");
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut dir = Dir::open(path.as_str(), flags, Mode::empty()).ok()?;
    let fds: Vec<i32> = dir
        .iter()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str().ok()?.parse().ok())
        .collect();
    // Relative to the open directory: walking the whole path for each would double the time.
    let link = |fd: i32| Some(readlinkat(&dir, fd.to_string().as_str()).ok()?.into_vec());
    let mut all: Vec<(i32, Vec<u8>)> = fds
        .into_iter()
        .filter_map(|fd| Some((fd, link(fd)?)))
        .collect();
    all.sort_unstable_by_key(|(fd, _)| *fd);
    Some(all)
}

/// The threads besides the given one, if that one is dead: only then are they worth a look.
fn other_threads(pid: i32) -> impl Iterator<Item = i32> {
    let dead = matches!(super::state(pid), Some(b'Z' | b'X'));
    dead.then(|| threads_of(pid))
        .flatten()
        .into_iter()
        .flatten()
        .filter(move |&tid| tid != pid)
}

/// Open flags (`O_ACCMODE`, `O_NONBLOCK`, …) from `/proc/PID/fdinfo/FD`.
#[must_use]
pub fn fd_flags(pid: i32, fd: i32) -> Option<i32> {
    let text = fdinfo(pid, fd)?;
    let value = field(&text, b"flags:")?;
    i32::try_from(radix(value, 8)?).ok()
}

/// How a descriptor can be used: the permission bits of its link, which cost a third of reading
/// `fdinfo` and say the same.
#[must_use]
pub fn access(pid: i32, fd: i32) -> Option<Access> {
    let mode =
        lstat_mode(pid, fd).or_else(|| other_threads(pid).find_map(|tid| lstat_mode(tid, fd)))?;
    Some(Access {
        read: mode & libc::S_IRUSR != 0,
        write: mode & libc::S_IWUSR != 0,
    })
}

fn lstat_mode(pid: i32, fd: i32) -> Option<libc::mode_t> {
    use std::os::unix::fs::MetadataExt;
    Some(
        std::fs::symlink_metadata(format!("/proc/{pid}/fd/{fd}"))
            .ok()?
            .mode(),
    )
}

/// Device, inode and file type (`S_IFMT` bits) of what a descriptor leads to.
#[must_use]
pub fn inode_of(pid: i32, fd: i32) -> Option<(u64, u64, u32)> {
    let stat = stat(pid, fd)?;
    Some((stat.st_dev, stat.st_ino, stat.st_mode & libc::S_IFMT))
}

/// Whether a descriptor leads to a terminal, by its device number: the path depends on where the
/// terminals are mounted.
#[must_use]
pub fn is_terminal(pid: i32, fd: i32) -> bool {
    stat(pid, fd).is_some_and(|stat| {
        let character = stat.st_mode & libc::S_IFMT == libc::S_IFCHR;
        // Consoles and serial lines, /dev/tty and its kin, pseudo-terminals.
        character && matches!(libc::major(stat.st_rdev), 4 | 5 | 136..=143)
    })
}

/// Follows the magic link, hence works for sockets and unlinked files.
fn stat(pid: i32, fd: i32) -> Option<libc::stat> {
    nix::sys::stat::stat(format!("/proc/{pid}/fd/{fd}").as_str()).ok()
}

/// Milliseconds until a `timerfd` expires, rounded up; `Some(None)` when it is not armed, `None`
/// when the descriptor is gone or is no timer.
#[must_use]
pub fn timerfd_remaining(pid: i32, fd: i32) -> Option<Option<u64>> {
    parse_timerfd(&fdinfo(pid, fd)?)
}

fn parse_timerfd(text: &[u8]) -> Option<Option<u64>> {
    let value = field(text, b"it_value:")?;
    let value = value.trim_ascii().strip_prefix(b"(")?;
    let comma = value.iter().position(|&b| b == b',')?;
    let (seconds, nanos) = (number(&value[..comma])?, number(&value[comma + 1..])?);
    Some((seconds != 0 || nanos != 0).then(|| {
        seconds
            .saturating_mul(1000)
            .saturating_add(nanos.div_ceil(1_000_000))
    }))
}

/// The seconds of a `timerfd`'s interval and its clock; `None` when the descriptor is no timer.
pub(crate) fn timerfd_mark(pid: i32, fd: i32) -> Option<(u64, libc::clockid_t)> {
    let text = fdinfo(pid, fd)?;
    let interval = field(&text, b"it_interval:")?.trim_ascii();
    let interval = interval.strip_prefix(b"(")?;
    let comma = interval.iter().position(|&b| b == b',')?;
    let clock = number(field(&text, b"clockid:")?)?;
    Some((
        number(&interval[..comma])?,
        libc::clockid_t::try_from(clock).ok()?,
    ))
}

/// The descriptors an `epoll` watches, with their event masks.
#[must_use]
pub fn epoll_targets(pid: i32, fd: i32) -> Option<Vec<(i32, u32)>> {
    Some(parse_epoll(&fdinfo(pid, fd)?))
}

fn parse_epoll(text: &[u8]) -> Vec<(i32, u32)> {
    let mut targets: Vec<(i32, u32)> = text
        .split(|&b| b == b'\n')
        .filter_map(|line| {
            let rest = line.strip_prefix(b"tfd:")?;
            let at = rest.windows(7).position(|w| w == b"events:")?;
            let fd = i32::try_from(number(&rest[..at])?).ok()?;
            let events = u32::try_from(radix(&rest[at + 7..], 16)?).ok()?;
            Some((fd, events))
        })
        .collect();
    targets.sort_unstable();
    targets
}

fn fdinfo(pid: i32, fd: i32) -> Option<Vec<u8>> {
    let read = |pid| std::fs::read(format!("/proc/{pid}/fdinfo/{fd}")).ok();
    read(pid).or_else(|| other_threads(pid).find_map(read))
}

fn field<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    text.split(|&b| b == b'\n')
        .find_map(|line| line.strip_prefix(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn links_are_told_apart() {
        assert_eq!(Link::parse(b"pipe:[12]"), Link::Pipe(12));
        assert_eq!(Link::parse(b"socket:[13]"), Link::Socket(13));
        assert_eq!(
            Link::parse(b"anon_inode:[eventfd]"),
            Link::Anonymous(b"eventfd".to_vec())
        );
        assert_eq!(
            Link::parse(b"anon_inode:inotify"),
            Link::Anonymous(b"inotify".to_vec())
        );
        assert_eq!(
            Link::parse(b"/tmp/pipe:[12]"),
            Link::Path(b"/tmp/pipe:[12]".to_vec())
        );
        assert_eq!(
            Link::parse(b"pipe:[1 2]"),
            Link::Path(b"pipe:[1 2]".to_vec())
        );
    }

    #[test]
    fn an_own_pipe_is_described() {
        let me = i32::try_from(std::process::id()).unwrap();
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let (r, w) = (reader.as_raw_fd(), writer.as_raw_fd());
        let link = fd_link(me, r).unwrap();
        assert!(matches!(Link::parse(&link), Link::Pipe(_)));
        assert_eq!(fd_link(me, w).unwrap(), link);
        assert_eq!(
            access(me, r),
            Some(Access {
                read: true,
                write: false
            })
        );
        assert_eq!(
            access(me, w),
            Some(Access {
                read: false,
                write: true
            })
        );
        assert_eq!(fd_flags(me, w).unwrap() & libc::O_ACCMODE, libc::O_WRONLY);
        assert_eq!(inode_of(me, r).unwrap().2, libc::S_IFIFO);
        let all = fds(me).unwrap();
        assert!(all.contains(&(r, link)));
        assert!(all.is_sorted_by_key(|(fd, _)| *fd));
    }

    #[test]
    fn fdinfo_of_timers_and_epoll_is_read() {
        let armed = b"pos:\t0\nclockid: 0\nticks: 0\nsettime flags: 01\nit_value: (1, 500000001)\nit_interval: (1, 0)\n";
        assert_eq!(parse_timerfd(armed), Some(Some(1501)));
        assert_eq!(parse_timerfd(b"it_value: (0, 0)\n"), Some(None));
        assert_eq!(parse_timerfd(b"pos:\t0\n"), None);
        let epoll = b"pos:\t0\nflags:\t02\ntfd:        5 events:       1d data: ffffffffffffffff  pos:0 ino:61af sdev:7\ntfd:        4 events:  1 data: 4\n";
        assert_eq!(parse_epoll(epoll), [(4, 1), (5, 0x1d)]);
    }

    #[test]
    fn a_number_that_another_process_has_by_now_leads_to_that_process() {
        use std::io::{Read, Write};
        let start = |file: &str| {
            let mut child = std::process::Command::new("cat")
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .stderr(std::fs::File::open(file).unwrap())
                .spawn()
                .unwrap();
            // It has been executed once it answers.
            child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
            (child.stdout.as_mut().unwrap())
                .read_exact(&mut [0])
                .unwrap();
            child
        };
        let mut first = start("/dev/null");
        let pid = first.id().cast_signed();
        assert_eq!(fd_link(pid, 2).unwrap(), b"/dev/null");
        assert_eq!(fd_link(pid, 99), None);
        assert_eq!(fd_link(pid, 2).unwrap(), b"/dev/null");
        first.kill().unwrap();
        first.wait().unwrap();
        assert_eq!(fd_link(pid, 2), None);
        // As if the number had been given out again.
        let mut second = start("/dev/zero");
        let other = second.id().cast_signed();
        TABLES.with_borrow_mut(|tables| {
            let dead = open("/proc/self/task", OFlag::O_PATH, Mode::empty()).unwrap();
            tables.insert(other, dead);
        });
        assert_eq!(fd_link(other, 2).unwrap(), b"/dev/zero");
        second.kill().unwrap();
        second.wait().unwrap();
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(bytes: Vec<u8>) {
            let _ = (Link::parse(&bytes), parse_timerfd(&bytes), parse_epoll(&bytes));
        }
    }
}
