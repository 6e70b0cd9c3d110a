//! Running: a scenario, a submission. Talks to the supervisor.

mod event;
pub use event::{BuildReport, RunEvent, Summary};
