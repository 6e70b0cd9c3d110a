//! Interference with system calls: short reads and writes, errors, signals at exact places.
//!
//! A seccomp stop may change the call, and the kernel does not ask the filter's tracer a second time
//! for the changed one (seccomp(2)).

use crate::event::What;
use crate::memory;
use crate::plan::{Disturbance, Effect, First, Nth, On, ProcessId, ProgramId};
use crate::proc;
use crate::recorder::Recorder;

use super::registers::Registers;
use super::task::Altered;
use super::time::Moment;
use super::{arguments, calls, lookup};

/// A disturbance in force.
#[derive(Debug)]
struct Active {
    program: ProgramId,
    numbers: Vec<i64>,
    disturbance: Disturbance,
    seen: u32,
}

/// What a disturbance makes of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// Another call, or none.
    Altered(Altered),
    /// The thread is kept before it for so long; `None`: until it is thawed.
    Kept(Option<Moment>),
}

/// The disturbances of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Disturbances(Vec<Active>);

impl Disturbances {
    /// Puts a disturbance in force. `Err` names calls that cannot be disturbed.
    pub(crate) fn add(
        &mut self,
        program: ProgramId,
        disturbance: &Disturbance,
    ) -> Result<(), String> {
        let mut numbers = Vec::new();
        for name in &disturbance.calls {
            match calls::number(name) {
                Some(number) => numbers.push(number),
                None => return Err(format!("`{name}` is not a call that is watched")),
            }
        }
        self.0.push(Active {
            program,
            numbers,
            disturbance: disturbance.clone(),
            seen: 0,
        });
        Ok(())
    }

    /// Applies the first disturbance that fits a call about to begin.
    pub(crate) fn at_entry(
        &mut self,
        process: ProcessId,
        pid: i32,
        tid: i32,
        nr: i64,
        args: &[u64; 6],
        recorder: &mut Recorder,
    ) -> Option<Fate> {
        for active in &mut self.0 {
            if active.program != process.program
                || !active.numbers.contains(&nr)
                || !concerns(active.disturbance.on, pid, args[0])
            {
                continue;
            }
            active.seen += 1;
            let seen = active.seen;
            let due = match active.disturbance.nth {
                Nth::Every => true,
                Nth::Only(n) => seen == n,
                Nth::From(n) => seen >= n,
            };
            if !due {
                continue;
            }
            let name = calls::name(nr);
            let (fate, what) = match active.disturbance.effect {
                Effect::AtMost(most) => {
                    let altered = clamp(tid, nr, args, u64::from(most))?;
                    let what = format!("{name} #{seen} cut to {most} bytes");
                    (Fate::Altered(altered), what)
                }
                Effect::Fail(errno) => (
                    Fate::Altered(fake(tid, -i64::from(errno))),
                    format!("{name} #{seen} failed with error {errno}"),
                ),
                Effect::SignalBefore(signal) => {
                    skip(tid);
                    let signal_name = arguments::signal_name(signal);
                    (
                        Fate::Altered(Altered::Rewind(signal)),
                        format!("{signal_name} exactly before {name} #{seen}"),
                    )
                }
                Effect::SignalAfter(signal) => {
                    let signal_name = arguments::signal_name(signal);
                    (
                        Fate::Altered(Altered::SignalAfter(signal)),
                        format!("{signal_name} exactly after {name} #{seen}"),
                    )
                }
                Effect::Delay(ms) => (
                    Fate::Kept(Some(Moment::from_millis(ms))),
                    format!("{name} #{seen} delayed by {ms} ms"),
                ),
                Effect::Freeze => (Fate::Kept(None), format!("frozen before {name} #{seen}")),
                Effect::First(first) => {
                    let who = match first {
                        First::Child => "child",
                        First::Parent => "parent",
                    };
                    (
                        Fate::Altered(Altered::First(first)),
                        format!("the {who} goes first after {name} #{seen}"),
                    )
                }
            };
            recorder.emit(What::Disturbed { process, what });
            return Some(fate);
        }
        None
    }
}

fn concerns(on: On, pid: i32, fd: u64) -> bool {
    let link = || proc::fd_link(pid, fd as i32).unwrap_or_default();
    match on {
        On::Any => true,
        On::Standard => fd <= 2,
        On::Socket => link().starts_with(b"socket:"),
        On::Pipe => lookup::is_pipe(pid, fd as i32),
    }
}

/// Lowers the byte count of a call. Vectors become their first non-empty element.
fn clamp(tid: i32, nr: i64, args: &[u64; 6], most: u64) -> Option<Altered> {
    let (new_nr, buffer, count) = match nr {
        libc::SYS_sendmsg | libc::SYS_recvmsg => return clamp_message(tid, args[1], most),
        libc::SYS_readv | libc::SYS_writev => {
            let (base, length) = arguments::iovecs(tid, args[1], args[2])
                .into_iter()
                .find(|&(_, length)| length > 0)?;
            let plain = if nr == libc::SYS_readv {
                libc::SYS_read
            } else {
                libc::SYS_write
            };
            (plain, base, length as u64)
        }
        _ => (nr, args[1], args[2]),
    };
    if count <= most && new_nr == nr {
        return None;
    }
    let mut registers = Registers::of(tid)?;
    registers.set_call(new_nr);
    registers.set_argument(1, buffer);
    registers.set_argument(2, count.min(most));
    registers.write();
    Some(Altered::Restore {
        nr,
        buffer: args[1],
        count: args[2],
    })
}

/// `offsetof(struct msghdr, msg_iov)`; its length follows.
const MSG_IOV: u64 = 16;
const MSG_IOVLEN: u64 = 24;

/// The same for a call whose buffers stand in a `struct msghdr`: that is what has to change, as no
/// other call reports the flags and the name.
fn clamp_message(tid: i32, header: u64, most: u64) -> Option<Altered> {
    let vector = word(tid, header + MSG_IOV)?;
    let pieces = word(tid, header + MSG_IOVLEN)?;
    let lengths = arguments::iovecs(tid, vector, pieces);
    let first = lengths.iter().position(|&(_, length)| length > 0)?;
    let length = lengths[first].1 as u64;
    let rest = lengths[first + 1..].iter().any(|&(_, length)| length > 0);
    if length <= most && !rest {
        return None;
    }
    let first = first as u64;
    let length_at = vector + first * 16 + 8;
    put(tid, header + MSG_IOVLEN, first + 1)?;
    put(tid, length_at, length.min(most))?;
    Some(Altered::Message {
        pieces_at: header + MSG_IOVLEN,
        pieces,
        length_at,
        length,
    })
}

fn word(tid: i32, at: u64) -> Option<u64> {
    memory::read_array(tid, at).map(u64::from_ne_bytes)
}

fn put(tid: i32, at: u64, value: u64) -> Option<()> {
    memory::write(tid, at, &value.to_ne_bytes()).ok()
}

/// Gives a `struct msghdr` back as it was.
pub(super) fn restore_message(tid: i32, words: [(u64, u64); 2]) {
    for (at, value) in words {
        let _ = put(tid, at, value);
    }
}

/// Gives a call's arguments back as they were.
pub(super) fn restore(tid: i32, nr: i64, buffer: u64, count: u64) {
    if let Some(mut registers) = Registers::of(tid) {
        registers.set_call(nr);
        registers.set_argument(1, buffer);
        registers.set_argument(2, count);
        registers.write();
    }
}

/// Keeps a call from being performed; it will be made again.
pub(super) fn again(tid: i32) -> Altered {
    skip(tid);
    Altered::Again
}

/// Keeps a call from being performed.
fn skip(tid: i32) {
    if let Some(mut registers) = Registers::of(tid) {
        registers.skip_call();
        registers.write();
    }
}

/// Keeps a call from being performed; it will return `result`.
pub(super) fn fake(tid: i32, result: i64) -> Altered {
    skip(tid);
    Altered::Fake(result)
}

/// At a call's entry: it is not performed and returns `result`, without a stop at its exit.
pub(super) fn answer(tid: i32, result: i64) {
    if let Some(mut registers) = Registers::of(tid) {
        registers.skip_call();
        registers.set_result(result);
        registers.write();
    }
}

/// Sets the result of a call at its exit.
pub(super) fn set_result(tid: i32, result: i64) {
    if let Some(mut registers) = Registers::of(tid) {
        registers.set_result(result);
        registers.write();
    }
}

/// At the exit of a skipped call: makes the program execute the instruction again, with `first` as the
/// call's first argument.
pub(super) fn rewind(tid: i32, nr: i64, first: u64) {
    if let Some(mut registers) = Registers::of(tid) {
        registers.rewind(nr, first);
        registers.write();
    }
}
