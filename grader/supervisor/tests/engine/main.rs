//! C programs under the real engine: a worker, its helper, and what the recording says.

#![expect(
    unsafe_code,
    reason = "tests ask for another scheduler, and have calls refused"
)]
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod fifos;
mod hang;
mod healthy;
mod interference;
mod internet;
mod limits;
mod meeting;
mod messages;
mod peers;
mod quiescence;
mod refused;
#[path = "../common/refusing.rs"]
mod refusing;
mod starting;
mod support;
mod terminal;
mod time;
