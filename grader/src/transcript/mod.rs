//! Recording to transcript, its text form, and comparison. Pure: no input or output.

mod model;
pub use model::{Lane, Line, Op, Phase, Player, Transcript};
