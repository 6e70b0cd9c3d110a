//! Running: a scenario, a submission. Talks to the supervisor.

mod beside;
mod check;
mod engine;
mod event;
mod optimised;
mod plan;
mod scenario;
mod seed;
mod shim;
mod snapshot;
mod usage;

pub use check::{CheckError, CheckOptions, Checked, CheckedScenario, Expected, check};
pub use engine::{Engine, EngineOptions};
pub use event::{Refusal, RunEvent, Summary};
pub use plan::{Cast, PlanError, Planned, Rungs, Setting, plan};
pub use scenario::{RunError, ScenarioRun, run_scenario};
pub use seed::{fresh_seed, scenario_seed};
pub use snapshot::{SnapshotError, parse_snapshot, read_snapshot};
