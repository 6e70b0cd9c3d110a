//! Labs: `lab.toml` to [`Lab`], with diagnostics.
//!
//! [`parse()`] gives the lab or all errors at once; [`lint`] gives warnings too; [`schema()`] is what
//! editors complete from. Only [`catalog`] reads files.

mod among;
pub mod catalog;
mod check;
mod decode;
mod diagnostics;
pub mod guess;
mod model;
pub mod names;
mod parse;
mod program;
mod property;
mod raw;
mod requirement;
mod scenario;
mod schema;
mod selector;
mod sockets;
pub mod starter;
mod stimulus;
mod text;
mod tools;
mod values;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use model::*;
pub use parse::{MOST_SOURCE, lint, lint_with, parse};
pub use property::expression;
pub use schema::schema;
