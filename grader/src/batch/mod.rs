//! A class: many submissions, each graded into one record that says everything.
//!
//! The core knows neither threads nor clusters: an [`Item`] is a submission of somebody, [`Grader`]
//! makes a [`ResultRecord`] of it, and a [`Journal`] keeps records durably. The batch on this
//! machine, the workers of a cluster and the collector that fills the gradebook all pass these three.

mod find;
mod grade;
mod inside;
mod item;
mod journal;
mod key;
mod lab;
mod place;
mod record;
mod run;
mod shard;

pub use find::{
    Bindings, FindError, Found, Layout, LayoutError, Query, Roster, RosterError, RosterRow, find,
    only,
};
#[cfg(test)]
pub(crate) use grade::tests;
pub use grade::{Grader, Options};
pub use item::{Identity, Item, Person, qualified};
pub use journal::{Damage, Journal, JournalError, Recovered};
pub use key::{Inputs, ItemKey};
pub use lab::PreparedLab;
pub use place::{Opened, Place, PlaceError};
pub use record::{MadeBy, RecordError, ResultRecord, SCHEMA, ScenarioRecord, Status};
pub use run::{Known, Local, Progress, Workload, run};
pub use shard::Shard;
