//! A submission of somebody: whose it is, and where its files are.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use unicode_normalization::UnicodeNormalization as _;

use super::place::Place;

/// A name in the one form in which equal names are equal: a Mac may write `й` as `и` and a mark above
/// it (Unicode's NFD), which looks the same and is another name.
pub(crate) fn composed(name: &str) -> String {
    name.nfc().collect()
}

/// `group/student`, or the name alone where there are no groups.
#[must_use]
pub fn qualified(group: &str, student: &str) -> String {
    match group {
        "" => student.to_owned(),
        group => format!("{group}/{student}"),
    }
}

/// Whose work it is: what a row of the gradebook is found by.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Identity {
    /// The group; empty where the class has none.
    pub group: String,
    /// The student's name in directories, archives or branches.
    pub student: String,
    /// The lab's id.
    pub lab: String,
    /// Which attempt, from 1.
    pub attempt: u32,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let student = qualified(&self.group, &self.student);
        write!(f, "{student} {}", self.lab)?;
        if self.attempt > 1 {
            write!(f, " (attempt {})", self.attempt)?;
        }
        Ok(())
    }
}

/// What is known of a student besides the name: from a roster, or from an LMS's file names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// The name that people use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address that Moodle finds the student by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The university's number: Moodle's `ID number`, Canvas's `SIS User ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Canvas's `SIS Login ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The LMS's own number: Canvas's `ID`, Moodle's participant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lms: Option<String>,
}

/// A submission to be graded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Whose it is.
    pub identity: Identity,
    /// What else is known of the student.
    pub person: Person,
    /// When it was handed in, in seconds since 1970, where that is known.
    pub submitted: Option<i64>,
    /// Where its files are.
    pub place: Place,
    /// Where they came from, for people, if not from that place: `lab30.zip/ivanov_1_2_server.c`.
    #[serde(default)]
    pub origin: Option<String>,
}

impl Item {
    /// Where the files came from, for people.
    #[must_use]
    pub fn origin(&self) -> String {
        match &self.origin {
            Some(origin) => origin.clone(),
            None => self.place.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_empty_parts() {
        let mut identity = Identity {
            group: "21214".into(),
            student: "s07".into(),
            lab: "us-upper".into(),
            attempt: 2,
        };
        assert_eq!(identity.to_string(), "21214/s07 us-upper (attempt 2)");
        identity.group.clear();
        identity.attempt = 1;
        assert_eq!(identity.to_string(), "s07 us-upper");
    }
}
