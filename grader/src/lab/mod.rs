//! Labs: `lab.toml` to [`Lab`], with diagnostics.

mod model;
pub use model::*;
