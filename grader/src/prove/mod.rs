//! Trust in the labs themselves: recording what the reference does, reviewing it, and proving that
//! a lab passes what is right and fails what is wrong.

mod empty;
mod engine;
mod fixture;
mod matrix;
mod record;
mod review;
mod snapshot;

pub use empty::write_empty;
pub use engine::{ProveError, ProveOptions, RecordError, prove, record};
pub use fixture::{Fixture, FixtureError, fixtures};
pub use matrix::{Kind, Problem, Proof, Row};
pub use record::{Moved, Recorded, compare_runs, store};
pub use review::{Decision, Pending, Reviewed, apply, diff, interactive, pending};
pub use snapshot::{SnapshotError, read_snapshot, snapshot_path};
