//! Requirement × transcript → verdict, with its explanation. Pure: no input or output.

mod evidence;
mod explain;
mod judge;
mod machine;
mod model;
mod phrases;
mod rung;

#[cfg(test)]
mod tests;

pub use explain::{address_rungs, held_back, notes};
pub use judge::{Ran, ScenarioOutcome, ScenarioResult, judge, judge_in};
pub use model::*;
pub use rung::{AddressKind, Ladder, Oddity, Rung, Taken, charge, gathered};
