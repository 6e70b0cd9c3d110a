//! The grader's own part in a scenario: acts, streams, peers.

mod acts;
mod advance;
mod excess;
pub(crate) mod fifo;
pub(crate) mod files;
mod messages;
pub(crate) mod peers;
pub(crate) mod processor;
mod sockets;
pub(crate) mod stage;
pub(crate) mod stdio;
mod stranger;
pub(crate) mod together;
mod typed;
