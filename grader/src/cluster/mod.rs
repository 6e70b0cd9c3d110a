//! A class on more machines than one: what is put into a [store](crate::store), who is started to
//! work on it, and what comes back.
//!
//! Whoever starts workers is a thin [`Launcher`]: it submits, counts and cancels. Progress and
//! completion are read from the store, never from a scheduler, whose word only explains silence.

mod fill;
mod follow;
mod job;
mod launch;
mod manifest;
mod pack;
mod slot;
mod task;
mod worker;

pub use fill::{FillError, fill};
pub use follow::{Follow, FollowError, Followed, Note, follow};
pub use job::Job;
pub use launch::{
    Idle, LaunchError, Launcher, MOST_TASKS, Presence, Slurm, SlurmOptions, Ssh, SshOptions,
};
pub use manifest::{ManifestOptions, kubernetes};
pub use pack::{PackError, pack, unpack};
pub use slot::{Slot, settle};
pub use task::{Task, TaskError, TaskLab, store_key};
pub use worker::{Hand, HandError, Here, lacking};
