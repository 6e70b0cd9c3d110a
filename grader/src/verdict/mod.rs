//! Requirement × transcript → verdict, with its explanation. Pure: no input or output.

mod evidence;
mod explain;
mod judge;
mod machine;
mod model;
mod phrases;

#[cfg(test)]
mod tests;

pub use explain::{notes, without_arguments};
pub use judge::{Ran, ScenarioOutcome, ScenarioResult, judge, judge_in};
pub use model::*;
