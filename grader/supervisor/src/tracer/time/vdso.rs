//! What a program that has just been executed finds in its auxiliary vector, getauxval(3): hides the
//! vDSO, so that it reads clocks by system calls, which can be answered, and tells where the dynamic
//! loader is.

use crate::memory;
use crate::tracer::registers::Registers;

/// Types of entries of the auxiliary vector, getauxval(3).
const AT_NULL: u64 = 0;
const AT_IGNORE: u64 = 1;
const AT_BASE: u64 = 7;
const AT_SYSINFO_EHDR: u64 = 33;

/// Words read of the stack at a time, and at most: arguments and environment are bounded.
const STEP: usize = 512;
const MOST: usize = 1 << 19;

/// At the stop of an `execve`: the stack begins with the number of arguments, the arguments, the
/// environment and the auxiliary vector, each ended by a null. Gives where the dynamic loader is
/// mapped, 0 if there is none; `None` where the vector cannot be read.
pub(crate) fn hide(tid: i32) -> Option<u64> {
    let stack = Stack {
        tid,
        base: Registers::of(tid)?.stack(),
        words: Vec::new(),
    };
    stack.hide()
}

struct Stack {
    tid: i32,
    base: u64,
    words: Vec<u64>,
}

impl Stack {
    fn word(&mut self, index: usize) -> Option<u64> {
        while index >= self.words.len() {
            if self.words.len() > MOST {
                return None;
            }
            let at = self.base + 8 * self.words.len() as u64;
            let bytes = memory::read(self.tid, at, 8 * STEP);
            let before = self.words.len();
            self.words.extend(bytes.chunks_exact(8).map(|word| {
                let mut bytes = [0; 8];
                bytes.copy_from_slice(word);
                u64::from_ne_bytes(bytes)
            }));
            if self.words.len() == before {
                return None;
            }
        }
        self.words.get(index).copied()
    }

    fn hide(mut self) -> Option<u64> {
        let mut index = usize::try_from(self.word(0)?).ok()?.checked_add(2)?;
        while self.word(index)? != 0 {
            index += 1;
        }
        index += 1;
        let mut loader = 0;
        loop {
            match self.word(index)? {
                AT_NULL => return Some(loader),
                AT_BASE => loader = self.word(index + 1)?,
                AT_SYSINFO_EHDR => {
                    let at = self.base + 8 * index as u64;
                    // Where it cannot be hidden, that program reads the machine's clocks.
                    let _ = memory::write(self.tid, at, &AT_IGNORE.to_ne_bytes());
                }
                _ => {}
            }
            index += 2;
        }
    }
}
