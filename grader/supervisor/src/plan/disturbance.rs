//! Interference with system calls.

use serde::{Deserialize, Serialize};

/// An interference with system calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Disturbance {
    /// Names of calls (`read`, `write`, `accept4`, `rt_sigsuspend`); any of them matches.
    pub calls: Vec<String>,
    /// Only on descriptors that lead to this.
    pub on: On,
    /// Which of the matching calls, counted from 1 since the disturbance began.
    pub nth: Nth,
    /// What happens to them.
    pub effect: Effect,
}

/// Which descriptors a [`Disturbance`] concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum On {
    /// Any call, with or without a descriptor.
    Any,
    /// A socket.
    Socket,
    /// A pipe or FIFO.
    Pipe,
    /// Descriptor 0, 1 or 2.
    Standard,
}

/// Which occurrence a [`Disturbance`] concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nth {
    /// All of them.
    Every,
    /// Only the nth, counted from 1.
    Only(u32),
    /// The nth and all later ones.
    From(u32),
}

/// The effect of a [`Disturbance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Lower the byte count (short read, short write).
    AtMost(u32),
    /// Do not perform the call; it returns this `errno`.
    Fail(i32),
    /// Deliver this signal when the call has been entered in user space but not begun in the
    /// kernel: the handler runs, then the call.
    SignalBefore(i32),
    /// Deliver this signal when the call has returned, before the program sees the result.
    SignalAfter(i32),
    /// Keep the thread before the call for so many milliseconds (virtual time). Signals that come
    /// meanwhile are handled before it.
    Delay(u64),
    /// Keep the thread before the call until [`Act::Thaw`](super::Act::Thaw).
    Freeze,
    /// Of a call that forks: the other of the two runs when this one and everybody else has come to
    /// rest.
    First(First),
}

/// Who goes on first after a fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum First {
    /// The new process.
    Child,
    /// The one that has forked.
    Parent,
}
