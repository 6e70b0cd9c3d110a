//! Acts on programs: starting them, typing, signals, waiting for their end.

use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::driver::stdio::Stdio;
use crate::event::What;
use crate::helper::Helper;
use crate::launch;
use crate::plan::{Image, ProcessId, ProgramId};

impl Helper {
    pub(super) fn stdio_of(&mut self, program: ProgramId) -> Result<&mut Stdio, String> {
        self.stdio
            .get_mut(usize::from(program.0))
            .and_then(Option::as_mut)
            .ok_or_else(|| "the program has not been started".to_owned())
    }

    pub(super) fn type_in(
        &mut self,
        program: ProgramId,
        bytes: &[u8],
        pieces: &[usize],
    ) -> Result<(), String> {
        self.stdio_of(program)?;
        self.in_pieces(bytes, pieces, |helper, piece| {
            if let Ok(stdio) = helper.stdio_of(program) {
                stdio.queue(piece);
            }
        });
        Ok(())
    }

    pub(super) fn start(&mut self, id: ProgramId) -> Result<(), String> {
        let program = self
            .plan
            .programs
            .get(usize::from(id.0))
            .ok_or("no such program")?
            .clone();
        let (stdio, ends) = Stdio::open(&program).map_err(|error| format!("streams: {error}"))?;
        for (fd, name) in [
            (&ends.input, "stdin"),
            (&ends.output, "stdout"),
            (&ends.error, "stderr"),
        ] {
            if let Some(inode) = fd.as_ref().and_then(inode) {
                self.tracer.pipes.give(inode);
                self.pipe_names
                    .give(inode, &format!("{}'s {name}", program.name));
            }
        }
        let ends = launch::Stdio {
            stdin: ends.input,
            stdout: ends.output,
            stderr: ends.error,
        };
        let launched = self
            .launcher
            .spawn(&program, ends, self.traced)
            .map_err(|error| error.to_string())?;
        let builtin = matches!(program.image, Image::Builtin(_));
        self.tracer
            .adopt(id, launched.pid, builtin, self.traced)
            .map_err(|error| format!("attaching: {error}"))?;
        let process = ProcessId {
            program: id,
            number: 0,
        };
        self.recorder.emit(What::Started {
            process,
            pid: launched.pid,
        });
        let flags =
            fcntl(&launched.failure, FcntlArg::F_GETFL).map_err(|error| error.to_string())?;
        let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
        fcntl(&launched.failure, FcntlArg::F_SETFL(flags)).map_err(|error| error.to_string())?;
        self.failures.push((id, launched.failure));
        nix::unistd::write(&launched.gate, b"x").map_err(|error| format!("gate: {error}"))?;
        self.stdio[usize::from(id.0)] = Some(stdio);
        Ok(())
    }

    pub(super) fn signal(&mut self, to: ProcessId, signal: i32, count: u32) -> Result<(), String> {
        let process = self
            .tracer
            .process(to)
            .filter(|process| process.status.is_none());
        // A program that has ended cannot be signalled; what it did before is on record.
        let Some(pid) = process.map(|process| process.pid) else {
            return Ok(());
        };
        if signal == libc::SIGKILL {
            self.tracer.exhausted.kill_sent(pid);
        }
        for _ in 0..count {
            // nix has no real-time signals.
            // SAFETY: kill takes integers only.
            if unsafe { libc::kill(pid, signal) } < 0 {
                let error = std::io::Error::last_os_error();
                if error.raw_os_error() == Some(libc::ESRCH) {
                    return Ok(());
                }
                return Err(format!("kill: {error}"));
            }
        }
        Ok(())
    }
}

/// The inode of a pipe.
fn inode(fd: &OwnedFd) -> Option<u64> {
    let stat = nix::sys::stat::fstat(fd).ok()?;
    (stat.st_mode & libc::S_IFMT == libc::S_IFIFO).then_some(stat.st_ino)
}
