//! Runs the programs of one scenario in isolation, watches them with ptrace, and decides from
//! kernel state when nothing more can happen.
//!
//! The way through: the caller opens a [`Worker`](worker::Worker), hands it a [`Plan`](plan::Plan)
//! and receives the [`Event`](event::Event)s of the run, the *recording*. This crate knows no lab,
//! no requirement and no verdict. It is the only one that contains `unsafe`.
#![expect(
    unsafe_code,
    reason = "forks, ptrace and what is done between a clone and an execve"
)]

mod beneath;
pub mod bytes;
mod cgroup;
mod driver;
pub mod event;
mod filter;
pub mod fork;
pub mod helper;
pub mod inspect;
mod isolation;
pub mod launch;
pub mod limits;
mod memory;
pub mod plan;
pub mod probe;
pub mod proc;
mod raw;
mod recorder;
mod resources;
mod room;
pub mod scene;
pub mod scratch;
mod settle;
pub mod shim;
mod stack;
mod tracer;
pub mod waits;
pub mod wire;
pub mod worker;

pub use bytes::Bytes;
pub use tracer::calls::watched_calls;
