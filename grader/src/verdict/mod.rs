//! Requirement × transcript → verdict, with its explanation. Pure: no input or output.

mod model;
pub use model::*;
