//! Waits: whether a sleeping thread can wake by itself, what it waits on, and who could wake it.
//!
//! [`Classifier`] answers the first question for every thread on every scan and is on the hot
//! path; [`Graph`] answers the others once a step is over.

pub mod calls;
mod classify;
mod cycle;
mod diag;
mod ends;
mod filelocks;
mod files;
mod graph;
mod locks;
mod polled;
pub(crate) mod sockets;
mod stage;
mod tcp;
mod threads;
pub mod timeout;
mod timers;

pub use classify::{Classifier, WaitKind};
pub use cycle::cycle;
pub use diag::UnixSocket;
pub use graph::Graph;
pub(crate) use tcp::{Internet, Traffic};
pub use timers::{ArmedTimer, armed};
