//! Running: a scenario, a submission. Talks to the supervisor.

mod event;
mod plan;
mod seed;

pub use event::{BuildReport, RunEvent, Summary};
pub use plan::{Cast, PlanError, Planned, Setting, plan};
pub use seed::fresh_seed;
