//! What a student begins with: the files, and how they are laid down. `grader init` hands them out,
//! `grader prove` grades them.

mod files;
mod lay;

pub use files::{HANDOUT, WORKFLOW, files, knows_repository};
pub use lay::{LayError, lay};
