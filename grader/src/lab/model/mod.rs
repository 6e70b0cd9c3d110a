//! A lab as the rest of the program sees it: typed, checked, without spans.

mod check;
mod program;
mod scenario;
mod stimulus;

use std::collections::BTreeMap;

use supervisor::event::Means;

pub use crate::locale::{Lang, Text};
pub use check::*;
pub use program::*;
pub use scenario::*;
pub use stimulus::*;

/// A lab: programs, requirements, scenarios.
#[derive(Clone, Debug, PartialEq)]
pub struct Lab {
    /// `us-upper`.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// 1 (first week) to 6.
    pub level: u8,
    /// Concepts it teaches, for `grader labs`.
    pub concepts: Vec<String>,
    /// Its place in the course's list of tasks.
    pub task: Task,
    /// What a student hands in.
    pub programs: Vec<Program>,
    /// Programs of the lab's own that those may execute.
    pub tools: Tools,
    /// What earns points, in order.
    pub requirements: Vec<Requirement>,
    /// How it is found out.
    pub scenarios: Vec<Scenario>,
}

/// The lab's own programs, which stand on `PATH` for whatever a scenario runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tools {
    /// Each with the file it is compiled from.
    pub programs: Vec<Tool>,
    /// The C files of the lab's directory `tools`, by name: sources and what they include.
    pub files: BTreeMap<String, String>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// By which it is executed: `child`.
    pub name: String,
    /// A name in [`Tools::files`]: `child.c`.
    pub source: String,
}

/// A place in the course's list of tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// The lab's numbers there; see [`Lab::numbers`] for those that its id implies.
    pub numbers: Vec<u32>,
    /// The semester, from 1.
    pub semester: Option<u8>,
}

impl Lab {
    /// Its numbers in the course's list of tasks: those it names, or the one in its id
    /// (`course-30`).
    #[must_use]
    pub fn numbers(&self) -> Vec<u32> {
        if !self.task.numbers.is_empty() {
            return self.task.numbers.clone();
        }
        let number = self.id.strip_prefix("course-");
        number.and_then(|n| n.parse().ok()).into_iter().collect()
    }

    /// Whether some of its scenarios cannot be run on a machine that lacks this.
    #[must_use]
    pub fn needs(&self, means: Means) -> bool {
        self.scenarios.iter().any(|scenario| scenario.needs(means))
    }

    /// Whether a peer opens an end of a FIFO: then it matters how programs open theirs.
    #[must_use]
    pub fn opens_fifos(&self) -> bool {
        let steps = self.scenarios.iter().flat_map(|scenario| &scenario.steps);
        steps
            .flat_map(|step| &step.stimuli)
            .any(|stimulus| matches!(stimulus, Stimulus::Open { .. }))
    }
}

/// What earns points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// `s-duplex`.
    pub id: String,
    /// 0: reported, not scored.
    pub points: u32,
    /// One sentence: what is so when it is met.
    pub title: Text,
    /// What to do when it is not.
    pub hint: Text,
    /// Requirements without which this one cannot be judged.
    pub needs: Vec<String>,
}
