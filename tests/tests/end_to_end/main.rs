//! The built executable, used as its users use it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod addresses;
mod bad_input;
mod batch;
mod builds;
mod check;
mod cluster;
mod command_line;
mod download;
mod environment;
mod faults;
mod gradebook;
mod languages;
mod lint;
mod off_contract;
mod parts;
mod recording;
mod side_by_side;
mod starting;
mod support;
