//! What goes through the pipes that programs make themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments;
use super::task::InCall;
use crate::event::{PIPED_AT_MOST as MOST, What};
use crate::memory;
use crate::plan::ProcessId;
use crate::proc::{self, Link};
use crate::recorder::Recorder;

/// The pipes seen so far.
#[derive(Debug, Default)]
pub(crate) struct Pipes {
    /// Pipes the grader made: the standard streams.
    given: BTreeSet<u64>,
    /// A program has made one; before, there are no others.
    any: bool,
    /// A program has made one with a name.
    named: bool,
    /// Numbers by device and inode.
    numbers: BTreeMap<(u64, u64), u32>,
    /// Who was reported to have read from which.
    readers: BTreeSet<(ProcessId, u32)>,
    reported: usize,
}

impl Pipes {
    /// Says that the grader made the pipe with this inode.
    pub(crate) fn give(&mut self, inode: u64) {
        self.given.insert(inode);
    }

    /// A program has made a pipe.
    pub(crate) fn made(&mut self) {
        self.any = true;
    }

    /// A program has made a FIFO.
    pub(crate) fn made_fifo(&mut self) {
        self.any = true;
        self.named = true;
    }

    /// A call moved `result` bytes in or out: reports it if it was through a program's own pipe.
    pub(crate) fn moved(
        &mut self,
        pid: i32,
        process: ProcessId,
        tid: i32,
        call: &InCall,
        result: i64,
        recorder: &mut Recorder,
    ) {
        // Then nothing new would be told, and looking costs a system call each time.
        if !self.any || self.reported >= MOST {
            return;
        }
        // Descriptors are C ints; the upper half of the register is noise.
        let fd = call.args[0] as i32;
        let inode = match proc::fd_link(pid, fd).map(|link| Link::parse(&link)) {
            Some(Link::Pipe(inode)) if !self.given.contains(&inode) => (0, inode),
            Some(Link::Path(_)) if self.named => match proc::inode_of(pid, fd) {
                Some((device, inode, libc::S_IFIFO)) => (device, inode),
                _ => return,
            },
            _ => return,
        };
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        let pipe = *self.numbers.entry(inode).or_insert(next);
        let length = usize::try_from(result).unwrap_or(0);
        match call.nr {
            libc::SYS_read | libc::SYS_readv => {
                if self.readers.insert((process, pipe)) {
                    recorder.emit(What::PipeRead { process, pipe });
                }
            }
            _ => {
                let length = length.min(MOST - self.reported);
                let bytes = written(tid, call, length);
                self.reported += length;
                recorder.emit(What::PipeWritten {
                    process,
                    pipe,
                    bytes: bytes.into(),
                });
            }
        }
    }
}

/// The first `length` bytes that a `write` or `writev` took, read from the caller's memory.
fn written(tid: i32, call: &InCall, length: usize) -> Vec<u8> {
    if call.nr == libc::SYS_write {
        return memory::read(tid, call.args[1], length);
    }
    let mut data = Vec::new();
    for (base, size) in arguments::iovecs(tid, call.args[1], call.args[2]) {
        let room = length - data.len();
        data.extend(memory::read(tid, base, size.min(room)));
        if data.len() >= length {
            break;
        }
    }
    data
}
