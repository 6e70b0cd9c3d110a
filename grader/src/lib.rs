//! `grader` marks operating-systems lab work: it runs a student's programs against reference
//! programs, compares transcripts, and passes or fails each requirement, saying why.
//!
//! Data goes one way: lab → cast → supervisor → recording → transcript → verdicts → events →
//! reports.

pub mod batch;
pub mod charset;
pub mod cluster;
pub mod gradebook;
pub mod lab;
pub mod locale;
pub mod prove;
pub mod report;
pub mod run;
pub mod starter;
pub mod store;
pub mod submission;
pub mod text;
pub mod transcript;
pub mod verdict;

#[cfg(test)]
mod layers;
