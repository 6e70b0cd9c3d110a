//! How all items of a store are graded: the same options everywhere.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::batch::Options;
use crate::lab::Lang;
use crate::run::EngineOptions;
use supervisor::event::Means;
use supervisor::plan::{Isolation, Observation};

/// The value of [`Job::schema`].
const SCHEMA: &str = "grader-job/1";

/// The options that change what happens, as a store keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Job {
    schema: String,
    repeat: u32,
    seed: Option<u64>,
    lang: Lang,
    isolation: Isolation,
    observation: Observation,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    without: BTreeSet<Means>,
}

impl Job {
    /// What workers must be told.
    #[must_use]
    pub fn new(options: &Options, engine: &EngineOptions) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            repeat: options.repeat.max(1),
            seed: options.seed,
            lang: options.lang,
            isolation: engine.isolation,
            observation: engine.observation,
            without: engine.without.clone(),
        }
    }

    /// As a store keeps it.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Plain strings and numbers: nothing in it can fail to be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Job::to_json`].
    ///
    /// # Errors
    /// It is something else, or another version's.
    pub fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let job: Self = serde_json::from_slice(bytes).map_err(|e| format!("job.json: {e}"))?;
        if job.schema == SCHEMA {
            Ok(job)
        } else {
            Err(format!(
                "job.json: the schema is `{}`, this grader reads {SCHEMA}",
                job.schema
            ))
        }
    }

    /// The options of grading.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            repeat: self.repeat,
            seed: self.seed,
            lang: self.lang,
        }
    }

    /// Makes an engine of this machine do as the job says.
    pub fn apply_to(&self, engine: &mut EngineOptions) {
        engine.isolation = self.isolation;
        engine.observation = self.observation;
        engine.without.clone_from(&self.without);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_what_is_done() {
        for lang in [Lang::En, Lang::Ru] {
            for isolation in [
                Isolation::BestEffort,
                Isolation::Required,
                Isolation::Reduced,
            ] {
                for observation in [Observation::Full, Observation::Bare] {
                    let engine = EngineOptions {
                        isolation,
                        observation,
                        without: BTreeSet::from([Means::OtherUser]),
                        ..EngineOptions::default()
                    };
                    let options = Options {
                        repeat: 3,
                        seed: Some(7),
                        lang,
                    };
                    let job = Job::new(&options, &engine);
                    let read = Job::from_json(&job.to_json()).unwrap();
                    assert_eq!(read, job);
                    let mut there = EngineOptions::default();
                    read.apply_to(&mut there);
                    assert_eq!(there.isolation, isolation);
                    assert_eq!(there.observation, observation);
                    assert_eq!(there.without, engine.without);
                    let told = read.options();
                    assert_eq!((told.repeat, told.seed, told.lang), (3, Some(7), lang));
                }
            }
        }
    }

    #[test]
    fn another_versions_job_is_refused() {
        let text =
            String::from_utf8(Job::new(&Options::default(), &EngineOptions::default()).to_json())
                .unwrap();
        let error = Job::from_json(text.replace("job/1", "job/2").as_bytes()).unwrap_err();
        assert!(error.contains("grader-job/2"), "{error}");
        let odd = Job::from_json(text.replace("best-effort", "none").as_bytes()).unwrap_err();
        assert!(
            odd.starts_with("job.json: ") && odd.contains("`none`"),
            "{odd}"
        );
    }
}
