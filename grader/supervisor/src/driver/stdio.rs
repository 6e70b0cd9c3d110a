//! The standard streams of programs: pipes and terminals, the grader's side never blocking.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::pty::openpty;
use nix::sys::stat::Mode;
use nix::sys::termios::{
    InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw,
    tcgetattr, tcsetattr,
};

use super::together::Switches;
use super::typed::Typed;
use crate::event::{LimitKind, Queue, Stream, What};
use crate::plan::{Input, Output, Program, ProgramId};
use crate::raw::to_poll;
use crate::recorder::Recorder;

/// Who writes so many times more than is kept, but at least so many bytes, is stopped.
const FLOOD: (u64, u64) = (16, 64 << 20);
/// Reads of one stream in one turn.
const READS_AT_ONCE: usize = 64;

/// What the child gets as descriptors 0, 1 and 2.
#[derive(Debug, Default)]
pub(crate) struct ChildEnds {
    /// Standard input.
    pub(crate) input: Option<OwnedFd>,
    /// Standard output.
    pub(crate) output: Option<OwnedFd>,
    /// Standard error.
    pub(crate) error: Option<OwnedFd>,
}

/// One output stream as the grader reads it.
#[derive(Debug)]
pub(crate) struct Outflow {
    /// Our end; `None` once it ended or we left.
    pub(crate) fd: Option<OwnedFd>,
    /// Which stream.
    pub(crate) stream: Stream,
    /// A terminal: reading fails with `EIO` when the last user has gone.
    pub(crate) terminal: bool,
    captured: u64,
    /// Much more came than is kept.
    pub(crate) flooded: bool,
    /// Leave after so many more bytes.
    leave_after: Option<usize>,
}

/// The grader's side of a program's standard streams.
#[derive(Debug, Default)]
pub(crate) struct Stdio {
    /// Standard input; `None` if not a pipe or terminal, or closed.
    pub(crate) input: Option<OwnedFd>,
    /// It is a terminal.
    pub(crate) input_is_terminal: bool,
    /// Output streams.
    pub(crate) outputs: Vec<Outflow>,
    /// The programs' side of the terminal at standard input; see [`Typed::deliver`].
    slave: Option<OwnedFd>,
    /// What was typed there.
    typed: Typed,
    /// How the terminal at standard input was set before the program started.
    settings: Option<Termios>,
    /// What the terminal takes for the end of the input.
    eof_character: Option<u8>,
    queue: VecDeque<u8>,
    eof_wanted: bool,
    /// Somebody may have run between what was typed and its end.
    parted: bool,
    overflow: bool,
}

fn nonblocking(fd: &OwnedFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

fn device(path: &str) -> io::Result<OwnedFd> {
    Ok(open(
        path,
        OFlag::O_RDWR | OFlag::O_CLOEXEC | OFlag::O_NOCTTY,
        Mode::empty(),
    )?)
}

/// A terminal that changes no byte: no echo, no line editing, no output processing.
fn raw_terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let pty = openpty(None, None)?;
    let mut settings = tcgetattr(&pty.slave)?;
    cfmakeraw(&mut settings);
    // A terminal sends signals for ^C even to raw programs' taste; labs type them.
    settings.local_flags |= LocalFlags::ISIG;
    tcsetattr(&pty.slave, SetArg::TCSANOW, &settings)?;
    keep(pty)
}

/// What tells who types from now on, in words: in what `now` differs from `before`.
fn changes(before: &Termios, now: &Termios) -> Vec<&'static str> {
    let mut changes = Vec::new();
    let mut say = |was: bool, is: bool, on, off| {
        if was != is {
            changes.push(if is { on } else { off });
        }
    };
    for (flag, on, off) in [
        (
            LocalFlags::ICANON,
            "line editing is on",
            "line editing is off",
        ),
        (LocalFlags::ECHO, "echo is on", "echo is off"),
        (LocalFlags::ISIG, "signals are on", "signals are off"),
    ] {
        let has = |of: &Termios| of.local_flags.contains(flag);
        say(has(before), has(now), on, off);
    }
    let has = |of: &Termios| of.input_flags.contains(InputFlags::ICRNL);
    say(has(before), has(now), "icrnl is on", "icrnl is off");
    let has = |of: &Termios| of.output_flags.contains(OutputFlags::OPOST);
    say(has(before), has(now), "opost is on", "opost is off");
    let local = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG;
    // PENDIN is set by the line discipline itself.
    let local = |flags: LocalFlags| flags.difference(local | LocalFlags::PENDIN);
    // `stty raw` and `stty -raw` leave these otherwise than they were, and who types goes on as before.
    let unnoticed = InputFlags::ICRNL
        | InputFlags::BRKINT
        | InputFlags::IGNPAR
        | InputFlags::PARMRK
        | InputFlags::INPCK
        | InputFlags::ISTRIP
        | InputFlags::IMAXBEL
        | InputFlags::IXON
        | InputFlags::IUTF8;
    let input = |flags: InputFlags| flags.difference(unnoticed);
    let output = |flags: OutputFlags| flags.difference(OutputFlags::OPOST);
    if local(now.local_flags) != local(before.local_flags)
        || input(now.input_flags) != input(before.input_flags)
        || output(now.output_flags) != output(before.output_flags)
        || now.control_chars != before.control_chars
    {
        changes.push("other settings differ");
    }
    changes
}

/// A terminal as it is made: line editing, echo, output processing.
fn cooked_terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    keep(openpty(None, None)?)
}

/// Neither end outlives an `execve`, and ours never blocks.
fn keep(pty: nix::pty::OpenptyResult) -> io::Result<(OwnedFd, OwnedFd)> {
    for fd in [&pty.master, &pty.slave] {
        fcntl(fd, FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    }
    nonblocking(&pty.master)?;
    Ok((pty.master, pty.slave))
}

impl Stdio {
    /// Makes the streams a program asks for.
    pub(crate) fn open(program: &Program) -> io::Result<(Self, ChildEnds)> {
        let mut ours = Self::default();
        let mut theirs = ChildEnds::default();
        let mut terminal: Option<OwnedFd> = None;
        match program.stdin {
            Input::Pipe => {
                let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
                nonblocking(&write)?;
                ours.input = Some(write);
                theirs.input = Some(read);
            }
            Input::Null => theirs.input = Some(device("/dev/null")?),
            Input::Closed => {}
            Input::Terminal | Input::Cooked => {
                let cooked = program.stdin != Input::Terminal;
                let (master, slave) = if cooked {
                    cooked_terminal()?
                } else {
                    raw_terminal()?
                };
                let settings = tcgetattr(&slave)?;
                if cooked {
                    let eof = settings.control_chars[SpecialCharacterIndices::VEOF as usize];
                    ours.eof_character = Some(eof);
                }
                ours.settings = Some(settings);
                ours.slave = Some(slave.try_clone()?);
                let stream = if program.stdout == Output::Terminal {
                    Stream::Out
                } else {
                    Stream::In
                };
                ours.outputs
                    .push(Outflow::new(master.try_clone()?, stream, true));
                ours.input = Some(master);
                ours.input_is_terminal = true;
                terminal = Some(slave.try_clone()?);
                theirs.input = Some(slave);
            }
        }
        for (kind, stream) in [(program.stdout, Stream::Out), (program.stderr, Stream::Err)] {
            let end = match kind {
                Output::Pipe => {
                    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
                    nonblocking(&read)?;
                    ours.outputs.push(Outflow::new(read, stream, false));
                    Some(write)
                }
                Output::Null => Some(device("/dev/null")?),
                Output::Full => Some(device("/dev/full")?),
                Output::Closed => None,
                Output::Terminal => match &terminal {
                    Some(slave) => Some(slave.try_clone()?),
                    None => {
                        let (master, slave) = raw_terminal()?;
                        ours.outputs.push(Outflow::new(master, stream, true));
                        terminal = Some(slave.try_clone()?);
                        Some(slave)
                    }
                },
            };
            match stream {
                Stream::Err => theirs.error = end,
                _ => theirs.output = end,
            }
        }
        Ok((ours, theirs))
    }

    /// Queues bytes for standard input.
    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        self.queue.extend(bytes);
    }

    /// Closes standard input once the queue is empty.
    pub(crate) fn want_eof(&mut self) {
        match self.eof_character {
            Some(eof) => self.queue.push_back(eof),
            None => self.eof_wanted = true,
        }
    }

    /// How the terminal at standard input differs from what it was before the program started,
    /// in words; `None` if there is no terminal.
    pub(crate) fn terminal_changes(&self) -> Option<Vec<&'static str>> {
        let before = self.settings.as_ref()?;
        let now = tcgetattr(self.input.as_ref()?).ok()?;
        Some(changes(before, &now))
    }

    /// Leaves the output after so many more bytes.
    pub(crate) fn leave(&mut self, after: usize) {
        for output in &mut self.outputs {
            if output.stream == Stream::Out {
                output.leave_after = Some(after);
            }
        }
    }

    /// Whether somebody may have run between what was typed and its end; asked once.
    pub(crate) fn was_parted(&mut self) -> bool {
        std::mem::take(&mut self.parted)
    }

    /// Whether something waits to be taken.
    pub(crate) fn pending(&self) -> usize {
        self.queue.len()
    }

    /// Whether what was typed may still be on its way to the programs.
    pub(crate) fn on_its_way(&self) -> bool {
        self.typed.is_on_its_way()
    }

    /// Adds an entry for each output to what is asked with one call of poll(2) whether there is anything:
    /// most of the time there is not. What a terminal has to give also comes of what is typed meanwhile.
    pub(crate) fn watch(&self, watched: &mut Vec<libc::pollfd>) {
        watched.extend(self.outputs.iter().map(|output| {
            let fd = output.fd.as_ref().filter(|_| !output.terminal);
            to_poll(fd.map_or(-1, AsRawFd::as_raw_fd), libc::POLLIN)
        }));
    }

    /// Moves what can be moved, by way of `buffer`. `true` if anything was. `watched`: the answers for
    /// [`watch`](Self::watch).
    pub(crate) fn pump(
        &mut self,
        program: ProgramId,
        watched: &[libc::pollfd],
        cap: u64,
        buffer: &mut [u8],
        attempt: u32,
        recorder: &mut Recorder,
    ) -> bool {
        let mut moved = false;
        // Only where it will be compared.
        let ends = self.eof_wanted && !self.queue.is_empty();
        let before = ends.then(|| Switches::afresh(attempt));
        while !self.queue.is_empty() {
            let Some(fd) = &self.input else {
                self.queue.clear();
                break;
            };
            let (front, _) = self.queue.as_slices();
            match nix::unistd::write(fd, front) {
                Ok(n) => {
                    if self.slave.is_some() {
                        self.typed.add(&front[..n], self.eof_character);
                    }
                    self.queue.drain(..n);
                    moved = true;
                }
                Err(nix::Error::EAGAIN) => break,
                Err(_) => {
                    // Nobody can read it any more; what is queued stays untaken.
                    self.input = None;
                    break;
                }
            }
        }
        // Before the output is read: what is echoed is then there, too.
        if let Some(slave) = &self.slave {
            self.typed.deliver(slave);
        }
        if self.eof_wanted && self.queue.is_empty() && self.input.is_some() {
            // The terminal's way to say end of input is its own; closing would hang it up.
            self.input = None;
            self.eof_wanted = false;
            self.parted |= moved && !before.is_some_and(Switches::unbroken);
            moved = true;
        }
        for (output, watched) in self.outputs.iter_mut().zip(watched) {
            // To leave an output needs nothing to be there.
            let leaves = output.leave_after == Some(0);
            if !output.terminal && watched.revents == 0 && !leaves {
                continue;
            }
            moved |= output.pump(program, cap, buffer, &mut self.overflow, recorder);
        }
        moved
    }

    /// Reports what was not taken.
    pub(crate) fn report_untaken(&self, program: ProgramId, recorder: &mut Recorder) {
        if !self.queue.is_empty() {
            recorder.emit(What::Untaken {
                queue: Queue::Stdin(program),
                bytes: self.queue.len() as u64,
            });
        }
    }
}

impl Outflow {
    fn new(fd: OwnedFd, stream: Stream, terminal: bool) -> Self {
        Self {
            fd: Some(fd),
            stream,
            terminal,
            captured: 0,
            flooded: false,
            leave_after: None,
        }
    }

    fn pump(
        &mut self,
        program: ProgramId,
        cap: u64,
        buffer: &mut [u8],
        overflow: &mut bool,
        recorder: &mut Recorder,
    ) -> bool {
        let mut moved = false;
        // Who writes faster than we read must not keep us from looking at the clock.
        for _ in 0..READS_AT_ONCE {
            if self.leave_after == Some(0) {
                self.fd = None;
            }
            let Some(fd) = &self.fd else {
                return moved;
            };
            let room = self.leave_after.unwrap_or(buffer.len()).min(buffer.len());
            let done = nix::unistd::read(fd.as_fd(), &mut buffer[..room]);
            let short = done.is_ok_and(|n| n > 0 && n < room) && !self.terminal;
            match done {
                Ok(0) => self.end(program, recorder),
                Ok(n) => {
                    let kept = usize::try_from(cap.saturating_sub(self.captured))
                        .unwrap_or(usize::MAX)
                        .min(n);
                    self.captured += n as u64;
                    let (times, least) = FLOOD;
                    self.flooded |= self.captured > least.max(cap.saturating_mul(times));
                    if let Some(left) = &mut self.leave_after {
                        *left -= n;
                    }
                    if kept > 0 {
                        recorder.emit(What::Output {
                            program,
                            stream: self.stream,
                            bytes: buffer[..kept].into(),
                        });
                    }
                    if kept < n && !std::mem::replace(overflow, true) {
                        recorder.emit(What::Limit {
                            program: Some(program),
                            limit: LimitKind::Output,
                            most: cap,
                        });
                    }
                }
                Err(nix::Error::EAGAIN) => return moved,
                Err(nix::Error::EIO) if self.terminal => self.end(program, recorder),
                Err(_) => self.end(program, recorder),
            }
            moved = true;
            if short {
                // The rest, if any, is for the next turn: there is one after this.
                break;
            }
        }
        moved
    }

    /// `stdout`, `stderr`.
    pub(crate) fn name(&self) -> &'static str {
        match self.stream {
            Stream::Out => "stdout",
            Stream::Err => "stderr",
            Stream::In => "terminal",
        }
    }

    fn end(&mut self, program: ProgramId, recorder: &mut Recorder) {
        self.fd = None;
        recorder.emit(What::OutputEnd {
            program,
            stream: self.stream,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stty_leaves_otherwise_is_no_change_to_who_types() {
        let (_master, slave) = cooked_terminal().unwrap();
        let before = tcgetattr(&slave).unwrap();
        assert_eq!(changes(&before, &before), [""; 0]);
        let mut after = before.clone();
        after.input_flags |= InputFlags::BRKINT | InputFlags::IGNPAR | InputFlags::ISTRIP;
        after.input_flags &= !InputFlags::IXON;
        assert_eq!(changes(&before, &after), [""; 0]);
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        let all = [
            "line editing is off",
            "echo is off",
            "signals are off",
            "icrnl is off",
            "opost is off",
            "other settings differ",
        ];
        assert_eq!(changes(&before, &raw), all);
        raw.local_flags = before.local_flags;
        assert_eq!(changes(&before, &raw), ["icrnl is off", "opost is off"]);
        assert_eq!(changes(&raw, &before), ["icrnl is on", "opost is on"]);
        let mut slow = before.clone();
        slow.control_chars[SpecialCharacterIndices::VMIN as usize] = 0;
        assert_eq!(changes(&before, &slow), ["other settings differ"]);
    }
}
