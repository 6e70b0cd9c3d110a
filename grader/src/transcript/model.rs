//! A transcript: the canonical text of a run, as data.
//!
//! Grammar (`lanes/1`): a header, then phases; each line is `LANE[.CHANNEL]  OP  | PAYLOAD`.
//! Everything right of the bar is payload, escaped only where not printable.

use crate::lab::Ignore;

/// The canonical account of one run of one scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The lab's id.
    pub lab: String,
    /// The scenario's id.
    pub scenario: String,
    /// The lanes in the order in which they print.
    pub lanes: Vec<Lane>,
    /// One phase for each step, then possibly `checks`.
    pub phases: Vec<Phase>,
    /// Streams that nothing waits for; not compared.
    pub free: Vec<Line>,
}

/// The header line of a lane. Who plays it is shown but not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// `server`, `alice`.
    pub name: String,
    /// `./us-server <socket>`; empty for a peer.
    pub command: String,
    /// Who plays it.
    pub player: Player,
    /// What does not count in what it writes or receives.
    pub ignore: Ignore,
}

/// Who plays a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Player {
    /// The submission.
    Student,
    /// The reference program.
    Reference,
    /// The grader.
    Peer,
}

/// A step with its reaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// The step's number, from 1. 0 for the phases after the steps (`end`, `checks`).
    pub number: u32,
    /// `alice >. ab`.
    pub title: String,
    /// The reaction in canonical order.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `server`.
    pub lane: String,
    /// `out`; empty for the lane's own channel.
    pub channel: String,
    /// What kind of line.
    pub op: Op,
    /// Right of the bar, escaped.
    pub payload: String,
}

/// The operator of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// `>` a whole frame into the lane.
    In,
    /// `>.` a last frame without its terminator.
    InPartial,
    /// `<` a whole frame out of the lane.
    Out,
    /// `<.` a last frame without its terminator.
    OutPartial,
    /// `<#` bytes told by length and hash, or escaped binary.
    OutBinary,
    /// `=` lifecycle.
    Life,
    /// `~` observed absence or state.
    Quiet,
    /// `?` property.
    Property,
}
