//! `fifo-log serve PATH OUT` and `fifo-log send [-n] PATH ID`: a log that many write through one FIFO.
//!
//! All writers share one stream of bytes, so a record must be one `write` of at most `PIPE_BUF` bytes,
//! and a reader must not take one `read` for one record. The server holds an end for writing
//! itself: it never sees the end of the stream, and never spins on it.

use std::ffi::{OsStr, OsString};
use std::io::stdin;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::libc;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::{Mode, fstat, umask};
use nix::unistd::{mkfifo, unlink};

use crate::io;

const NAME: &str = "fifo-log";
/// The record does not fit into one `write`.
const TOO_LONG: i32 = 3;
/// Nobody reads, and waiting was not asked for.
const NO_READER: i32 = 4;

pub(crate) fn run(args: &[OsString]) -> i32 {
    let words: Vec<&OsStr> = args.iter().map(OsString::as_os_str).collect();
    let (first, rest) = words
        .split_first()
        .map_or((OsStr::new(""), &[][..]), |(f, r)| (*f, r));
    match (first.as_bytes(), rest) {
        (b"serve", [path, out]) => match serve(path, out) {
            Ok(()) => 0,
            Err((subject, errno)) => {
                io::complain(NAME, subject.as_bytes(), errno.desc());
                1
            }
        },
        (b"send", [path, id]) => send(path, id, true),
        (b"send", [flag, path, id]) if flag.as_bytes() == b"-n" => send(path, id, false),
        _ => io::usage("fifo-log serve PATH OUT | fifo-log send [-n] PATH ID"),
    }
}

/// What went wrong, and with what.
type Trouble<'a> = (&'a OsStr, Errno);

fn serve<'a>(path: &'a OsStr, out: &'a OsStr) -> Result<(), Trouble<'a>> {
    let of = |subject: &'a OsStr| move |errno: Errno| (subject, errno);
    let signals = termination().map_err(of(path))?;
    make(path).map_err(of(path))?;
    let reader = open_fifo(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK).map_err(of(path))?;
    let _own = open_fifo(path, OFlag::O_WRONLY).map_err(of(path))?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_APPEND | OFlag::O_CLOEXEC;
    let log = open(out, flags, Mode::from_bits_truncate(0o644)).map_err(of(out))?;
    let mut log = Log {
        out: log,
        number: 0,
        rest: Vec::new(),
    };
    loop {
        let mut watched = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(reader.as_fd(), PollFlags::POLLIN),
        ];
        io::wait(&mut watched).map_err(of(path))?;
        let told_to_leave = io::ready(&watched[0]);
        // Also the last time: what has arrived is not lost.
        log.take_all(&reader).map_err(of(out))?;
        if told_to_leave {
            return unlink(path).map_err(of(path));
        }
    }
}

fn termination() -> nix::Result<SignalFd> {
    let mut set = SigSet::empty();
    set.add(Signal::SIGTERM);
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC)
}

/// Makes the FIFO with exactly the rights 0600; one that is there is used as it is.
fn make(path: &OsStr) -> nix::Result<()> {
    let before = umask(Mode::empty());
    let made = mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR);
    umask(before);
    match made {
        Err(Errno::EEXIST) => Ok(()),
        made => made,
    }
}

/// Opens a FIFO, and nothing else.
fn open_fifo(path: &OsStr, flags: OFlag) -> nix::Result<OwnedFd> {
    let fd = io::retry(|| open(path, flags | OFlag::O_CLOEXEC, Mode::empty()))?;
    if fstat(&fd)?.st_mode & libc::S_IFMT == libc::S_IFIFO {
        Ok(fd)
    } else {
        Err(Errno::EEXIST)
    }
}

struct Log {
    out: OwnedFd,
    number: u64,
    /// The beginning of a record whose end has not come.
    rest: Vec<u8>,
}

impl Log {
    /// Takes what the FIFO holds.
    fn take_all(&mut self, reader: &OwnedFd) -> nix::Result<()> {
        let mut buffer = vec![0; io::CHUNK];
        loop {
            match io::read(reader, &mut buffer) {
                Ok(0) | Err(Errno::EAGAIN) => return Ok(()),
                Ok(n) => self.take(&buffer[..n])?,
                Err(errno) => return Err(errno),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> nix::Result<()> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let record: Vec<u8> = self.rest.drain(..=end).collect();
            self.number += 1;
            let line = [format!("{}\t", self.number).as_bytes(), &record].concat();
            io::write_all(&self.out, &line)?;
        }
        Ok(())
    }
}

/// Sends the lines of the standard input; the status to exit with.
fn send(path: &OsStr, id: &OsStr, patient: bool) -> i32 {
    let complain = |errno: Errno| io::complain(NAME, path.as_bytes(), errno.desc());
    let fifo = match io::block_sigpipe().and_then(|()| open_to_write(path, patient)) {
        Ok(fifo) => fifo,
        Err(errno) => {
            complain(errno);
            let nobody = !patient && errno == Errno::ENXIO;
            return if nobody { NO_READER } else { 1 };
        }
    };
    match send_lines(&fifo, id) {
        Ok(()) => 0,
        Err(Errno::EMSGSIZE) => {
            let why = format!("a record is longer than {} bytes", libc::PIPE_BUF);
            io::complain(NAME, id.as_bytes(), &why);
            TOO_LONG
        }
        Err(errno) => {
            complain(errno);
            1
        }
    }
}

fn open_to_write(path: &OsStr, patient: bool) -> nix::Result<OwnedFd> {
    if patient {
        return open_fifo(path, OFlag::O_WRONLY);
    }
    let fifo = open_fifo(path, OFlag::O_WRONLY | OFlag::O_NONBLOCK)?;
    // Only the open must not wait.
    fcntl(&fifo, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(fifo)
}

fn send_lines(fifo: &OwnedFd, id: &OsStr) -> nix::Result<()> {
    let record = |line: &[u8]| [id.as_bytes(), b": ", line, b"\n"].concat();
    let mut buffer = vec![0; io::CHUNK];
    let mut rest = Vec::new();
    loop {
        let n = io::read(stdin(), &mut buffer)?;
        rest.extend_from_slice(&buffer[..n]);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            put(fifo, &record(&line[..end]))?;
        }
        if n == 0 {
            return if rest.is_empty() {
                Ok(())
            } else {
                put(fifo, &record(&rest))
            };
        }
        // However it goes on, it does not fit.
        if record(&rest).len() > libc::PIPE_BUF {
            return Err(Errno::EMSGSIZE);
        }
    }
}

/// One record, by one `write`: up to `PIPE_BUF` bytes are never mixed with those of others.
fn put(fifo: &OwnedFd, record: &[u8]) -> nix::Result<()> {
    if record.len() > libc::PIPE_BUF {
        return Err(Errno::EMSGSIZE);
    }
    io::write(fifo, record).map(drop)
}
