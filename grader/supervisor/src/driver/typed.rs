//! What was typed on a terminal and may not have been handed over yet.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, tcgetattr};

nix::ioctl_read_bad!(
    /// How much of a terminal's input can be read now, `ioctl_tty(2)`.
    input_queue,
    libc::TIOCINQ,
    libc::c_int
);

/// What was typed since the programs had nothing left to read.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    /// It is not proved that the kernel has handed over all of it.
    on_its_way: bool,
    /// Bytes of whole lines: up to a newline, or to an end of input.
    lines: usize,
    /// Bytes behind them.
    rest: usize,
    /// Ends of input: one byte each where lines are not edited, none where they are.
    ends: usize,
    /// Something stands among it that a terminal may act upon instead of handing it over.
    special: bool,
}

impl Typed {
    /// Takes down what was typed. `end`: what this terminal takes for the end of its input.
    pub(crate) fn add(&mut self, bytes: &[u8], end: Option<u8>) {
        for &byte in bytes {
            match byte {
                byte if Some(byte) == end => {
                    self.lines += std::mem::take(&mut self.rest);
                    self.ends += 1;
                }
                b'\n' => self.lines += 1 + std::mem::take(&mut self.rest),
                _ => self.rest += 1,
            }
            let plain = matches!(byte, b'\n' | b'\t' | b' '..=b'~' | 0x80..=0xfe);
            self.special |= !plain && Some(byte) != end;
        }
        self.on_its_way |= !bytes.is_empty();
    }

    /// Whether some of it may still be on its way to the programs.
    pub(crate) fn is_on_its_way(&self) -> bool {
        self.on_its_way
    }

    /// Makes the kernel hand over what was typed, and sees whether it has. What is written to our
    /// side passes through a work queue (`pty_write`, `tty_flip_buffer_push`), so nobody need have
    /// been woken, signalled or echoed to when `write` returns.
    ///
    /// `poll` on the programs' side that finds nothing to read waits for that work and looks again
    /// (`n_tty_poll`, `tty_buffer_flush_work`): "nothing to read" means that all of it has been
    /// handed over *and taken*. Where something is left unread, its length tells: as much as was
    /// typed can be read only if all has come and nothing was taken.
    pub(crate) fn deliver(&mut self, slave: &OwnedFd) {
        if !self.on_its_way {
            return;
        }
        let mut fds = [PollFd::new(slave.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::ZERO) == Ok(0) {
            self.on_its_way = false;
            self.begin_again(slave);
        } else if self.is_all_unread(slave) {
            self.on_its_way = false;
        }
    }

    /// All has been handed over, and nothing can be read: what still counts is a line that is being
    /// edited, or less than a reader asks for at least (`VMIN`).
    fn begin_again(&mut self, slave: &OwnedFd) {
        let left = match edits_lines(slave) {
            Some(true) => Some(self.rest),
            Some(false) => unread(slave),
            None => None,
        };
        match left {
            Some(rest) => {
                *self = Self {
                    rest,
                    special: rest > 0 && self.special,
                    ..Self::default()
                };
            }
            None => self.special = true,
        }
    }

    /// Whether all of it stands ready to be read. The count waits for a delivery that is under way
    /// (`n_tty_ioctl` takes `termios_rwsem` for itself), so what goes with the last byte, echo and
    /// waking, has been done. An end of input behind the last line does not count where lines are
    /// edited: who has left a line unread does not wait for it.
    fn is_all_unread(&self, slave: &OwnedFd) -> bool {
        let Some(edited) = edits_lines(slave) else {
            return false;
        };
        if self.special || (edited && self.rest > 0) {
            return false;
        }
        let expected = if edited {
            self.lines
        } else {
            self.lines + self.rest + self.ends
        };
        unread(slave) == Some(expected)
    }
}

/// Whether programs get whole lines.
fn edits_lines(slave: &OwnedFd) -> Option<bool> {
    let flags = tcgetattr(slave).ok()?.local_flags;
    Some(flags.contains(LocalFlags::ICANON) && !flags.contains(LocalFlags::EXTPROC))
}

/// How many bytes can be read.
fn unread(slave: &OwnedFd) -> Option<usize> {
    let mut unread = 0;
    // SAFETY: the descriptor is open, and the kernel writes one int to where the pointer leads.
    unsafe { input_queue(slave.as_raw_fd(), &raw mut unread) }.ok()?;
    usize::try_from(unread).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8], end: Option<u8>) -> (usize, usize, usize, bool) {
        let mut typed = Typed::default();
        typed.add(bytes, end);
        (typed.lines, typed.rest, typed.ends, typed.special)
    }

    #[test]
    fn lines_and_ends_are_told_apart() {
        assert_eq!(typed(b"one\ntwo\nthree", Some(4)), (8, 5, 0, false));
        assert_eq!(typed(b"one\ntwo\x04", Some(4)), (7, 0, 1, false));
        assert_eq!(typed("é\n".as_bytes(), Some(4)), (3, 0, 0, false));
    }

    #[test]
    fn keys_that_a_terminal_acts_upon_are_special() {
        for key in [3, 4, 8, 13, 17, 19, 21, 22, 23, 26, 28, 127, 255] {
            assert!(typed(&[b'a', key], None).3, "{key}");
        }
        assert!(typed(b"a\x03\n", Some(4)).3);
    }
}
