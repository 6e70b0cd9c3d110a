//! Large buffers that one scenario leaves to the next: to have the kernel zero their pages, or to zero
//! them ourselves, takes longer than what they are filled with.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// Bytes of each.
const LENGTH: usize = 64 << 10;

thread_local! {
    /// Those that nobody uses. As many as were ever used at once.
    static UNUSED: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of 64 KiB, which holds whatever was last in it.
#[derive(Debug)]
pub(crate) struct Room(Box<[u8]>);

impl Room {
    /// One that nobody uses, or a new one.
    pub(crate) fn new() -> Self {
        let unused = UNUSED.with_borrow_mut(Vec::pop);
        Self(unused.unwrap_or_else(|| vec![0; LENGTH].into()))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        // Where the thread is ending there is nobody to leave it to.
        let _ = UNUSED.try_with(|unused| unused.borrow_mut().push(buffer));
    }
}

impl Deref for Room {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Room {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_later_has_what_was_left() {
        let (mut one, other) = (Room::new(), Room::new());
        one[7] = 1;
        drop(other);
        drop(one);
        assert_eq!(Room::new()[7], 1);
        let (again, fresh) = (Room::new(), Room::new());
        assert_eq!((again.len(), fresh[7]), (LENGTH, 0));
    }
}
