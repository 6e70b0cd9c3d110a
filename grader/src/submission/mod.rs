//! Submissions: what a student hands in, found, built in isolation, cached.
//!
//! The way through: [`Tree::read`] walks the directory once, within bounds; [`find`](find::find)
//! decides, without touching the disk again, which files are which program; [`build()`] makes a
//! [`Plan`](supervisor::plan::Plan) of it and lets a [`BuildRunner`] execute it, unless the
//! [`Cache`] knows the answer.

mod archive;
mod beside;
mod build;
mod cache;
mod error;
pub mod find;
mod handlers;
mod hints;
mod language;
mod manifest;
mod mend;
mod note;
mod one_program;
mod outcome;
mod recipe;
mod repository;
mod rung;
mod runner;
mod script;
mod solaris;
mod source;
mod toolchain;
mod tools;
mod tree;
mod words;

pub use archive::{ArchiveBounds, ArchiveError, Unpacked, archive_stem, is_archive_name, unpack};
pub(crate) use archive::{Stop, receive};
pub use beside::{Beside, What};
pub use build::{
    BuildOptions, BuildReport, Built, BuiltProgram, Tried, build, fingerprint, prepare,
    try_compiler,
};
pub(crate) use cache::Key;
pub use cache::{Cache, CacheMode, Kept, UpkeepError};
pub use error::{Emptiness, SubmissionError};
pub use manifest::{Declared, MANIFEST};
pub use repository::{GitRef, Repository};
pub use rung::Rung;
pub use runner::{BuildRunner, Fault};
pub use toolchain::{Optimisation, Toolchain};
pub use tools::build_tools;
pub use tree::{Bounds, Content, File, Tree};
