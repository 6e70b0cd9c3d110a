//! Stacks for children that share this process's memory.

use std::io;

/// Below a stack, what nobody may touch; no page is larger.
const GUARD: usize = 64 << 10;

/// A stack, downwards as on all processors known here.
#[derive(Debug)]
pub(crate) struct Stack {
    base: *mut libc::c_void,
    length: usize,
}

impl Stack {
    /// One of `bytes`, a multiple of the size of a page, of which those cost memory that are used.
    ///
    /// # Errors
    /// Those of `mmap` and `mprotect`.
    pub(crate) fn new(bytes: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        let none = std::ptr::null_mut();
        let length = GUARD + bytes;
        // SAFETY: a fresh mapping, which nothing refers to.
        let base = unsafe { libc::mmap(none, length, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Self { base, length };
        // SAFETY: the upper part of the mapping made above; its end is aligned to a page.
        let opened = unsafe {
            let usable = base.byte_add(GUARD);
            libc::mprotect(usable, bytes, libc::PROT_READ | libc::PROT_WRITE)
        };
        if opened == 0 {
            Ok(stack)
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Its upper end, where it begins to be used.
    pub(crate) fn top(&self) -> *mut libc::c_void {
        // SAFETY: one past the last byte of the mapping.
        unsafe { self.base.byte_add(self.length) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's alone, and who lends it to a child keeps it for as long.
        unsafe { libc::munmap(self.base, self.length) };
    }
}
