//! A lab's starter: its sources, and which requirements they meet as they are.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::model::Lab;

/// The most points that a starter may earn.
pub const MOST_POINTS: u32 = 10;

/// A lab's `starter` directory and its `starter.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Starter {
    /// Files by name, with their texts.
    pub files: BTreeMap<String, String>,
    /// Exactly the requirements that it meets as it is.
    pub meets: BTreeSet<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    #[serde(default)]
    meets: BTreeSet<String>,
}

impl Starter {
    /// A starter with these files; `toml` is the text of `starter.toml`, empty where there is none.
    ///
    /// # Errors
    /// What is wrong with `toml`, in words.
    pub fn new(lab: &Lab, files: BTreeMap<String, String>, toml: &str) -> Result<Self, String> {
        let raw: Raw =
            toml::from_str(toml).map_err(|error| error.to_string().trim_end().to_owned())?;
        let mut points = 0;
        for id in &raw.meets {
            let Some(requirement) = lab.requirements.iter().find(|r| r.id == *id) else {
                return Err(format!("the lab {} has no requirement `{id}`", lab.id));
            };
            points += requirement.points;
        }
        if points > MOST_POINTS {
            return Err(format!(
                "a starter that meets this much earns {points} points; at most {MOST_POINTS} are allowed"
            ));
        }
        Ok(Self {
            files,
            meets: raw.meets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::catalog;

    fn starter(toml: &str) -> Result<Starter, String> {
        let us_upper = catalog::embedded().iter().find(|lab| lab.id == "us-upper");
        let lab = us_upper.unwrap().load(reference::NAMES).unwrap().lab;
        Starter::new(&lab, BTreeMap::new(), toml)
    }

    #[test]
    fn what_a_starter_meets_is_declared_and_little() {
        assert!(starter("").unwrap().meets.is_empty());
        let meets = starter("meets = ['c-cut', 'c-errors']").unwrap().meets;
        assert_eq!(meets.len(), 2);
        let error = |toml| starter(toml).unwrap_err();
        assert!(error("meets = ['c-cot']").contains("no requirement `c-cot`"));
        assert!(error("meets = ['c-cut', 's-upper']").contains("earns 15 points"));
        assert!(error("meet = []").contains("meet"));
    }
}
