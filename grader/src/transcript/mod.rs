//! Recording to transcript, its text form, and comparison. Pure: no input or output.
//!
//! The way through: [`build()`] turns a scenario's events into a [`Transcript`]; its `Display` and
//! [`parse`] are the text that snapshots keep; [`compare()`] finds where two transcripts differ,
//! stream by stream, so that one missing line cannot shift its neighbours.

mod actors;
mod among;
mod build;
mod check;
mod compare;
mod facts;
mod frame;
mod ignore;
mod model;
mod modes;
mod names;
mod reaction;
mod select;
mod system;
mod text;
mod title;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use actors::Actors;
pub use build::{Context, build};
pub use compare::{Comparison, PhaseDifference, Stale, StreamDifference, compare, compare_phase};
pub use model::{Lane, Line, Op, Phase, Player, Transcript};
pub use names::{LEAST_BOUND_PID, Names, in_environment};
pub use select::{Selection, selects};
pub use system::{errno_name, signal_name};
pub use text::{ParseError, ParseFault, parse};
pub use title::step_title;

/// The phase after the steps: programs that had to be killed, streams compared as a whole.
pub const END: &str = "end";
/// The phase of the scenario's checks.
pub const CHECKS: &str = "checks";
