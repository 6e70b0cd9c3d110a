//! One submission as a store keeps it: self-contained, so that no other path need be shared.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::batch::{Identity, Inputs, Item, Person, Place};
use crate::store::Key;
use crate::submission::Bounds;

/// The value of [`Task::schema`].
const SCHEMA: &str = "grader-task/1";

/// A submission to be graded by whoever takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Task {
    schema: String,
    /// Whose it is.
    pub identity: Identity,
    /// What else is known of the student.
    pub person: Person,
    /// When it was handed in, in seconds since 1970.
    pub submitted: Option<i64>,
    /// Where the files were, for people.
    pub place: String,
    /// The lab.
    pub lab: TaskLab,
    /// The files, packed: the name of a blob.
    pub files: String,
    /// What the result must depend on; a worker that differs is not fit.
    pub inputs: Inputs,
}

/// The lab of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskLab {
    /// Inside the executable.
    Embedded(String),
    /// A directory, packed: the name of a blob.
    Packed(String),
}

/// Bytes that are no task.
#[derive(Debug, Error)]
pub enum TaskError {
    /// Not JSON, or fields are missing.
    #[error("not a task: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another version's.
    #[error("a task of the schema `{0}`; this grader reads {SCHEMA}")]
    Schema(String),
}

impl Task {
    /// A task for an item whose files have been packed.
    #[must_use]
    pub fn new(item: &Item, lab: TaskLab, files: &Key, inputs: Inputs) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            identity: item.identity.clone(),
            person: item.person.clone(),
            submitted: item.submitted,
            place: item.origin(),
            lab,
            files: files.to_string(),
            inputs,
        }
    }

    /// As a store keeps it.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Plain strings and numbers: nothing in it can fail to be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Task::to_json`].
    ///
    /// # Errors
    /// See [`TaskError`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, TaskError> {
        let task: Self = serde_json::from_slice(bytes)?;
        if task.schema == SCHEMA {
            Ok(task)
        } else {
            Err(TaskError::Schema(task.schema))
        }
    }

    /// The item, as the records name it.
    #[must_use]
    pub fn item(&self) -> Item {
        Item {
            identity: self.identity.clone(),
            person: self.person.clone(),
            submitted: self.submitted,
            place: Place::Directory(self.place.clone().into()),
            origin: None,
        }
    }

    /// What it is found by.
    #[must_use]
    pub fn key(&self) -> Key {
        store_key(&self.identity, &self.inputs)
    }
}

/// How large a lab may be that travels with its tasks: as large as one that is read from disk.
#[must_use]
pub(super) fn lab_bounds() -> Bounds {
    Bounds {
        file: 8 << 20,
        total: 64 << 20,
        ..Bounds::default()
    }
}

/// The key of somebody's submission in a store: two students with the same files have a result each.
#[must_use]
pub fn store_key(identity: &Identity, inputs: &Inputs) -> Key {
    let mut key = crate::submission::Key::default();
    key.add(b"grader task 1");
    for part in [
        identity.group.as_str(),
        &identity.student,
        &identity.lab,
        &identity.attempt.to_string(),
        inputs.key().as_str(),
    ] {
        key.add(part.as_bytes());
    }
    Key::of_digest(&key.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_says_the_same_everywhere_and_is_found_by_whose_it_is() {
        let identity = |student: &str| Identity {
            group: "21214".into(),
            student: student.into(),
            lab: "us-upper".into(),
            attempt: 1,
        };
        let item = Item {
            identity: identity("s07"),
            person: Person::default(),
            submitted: Some(5),
            place: Place::Directory("/class/21214/s07".into()),
            origin: None,
        };
        let files = Key::parse(&"a".repeat(64)).unwrap();
        let inputs = Inputs::default();
        let task = Task::new(
            &item,
            TaskLab::Embedded("us-upper".into()),
            &files,
            inputs.clone(),
        );
        let read = Task::from_json(&task.to_json()).unwrap();
        assert_eq!(read, task);
        assert_eq!(read.item(), item);
        assert_eq!(read.key(), store_key(&item.identity, &inputs));
        assert_ne!(read.key(), store_key(&identity("s08"), &inputs));
        let other = Inputs {
            sources: "changed".into(),
            ..inputs
        };
        assert_ne!(read.key(), store_key(&item.identity, &other));
    }
}
