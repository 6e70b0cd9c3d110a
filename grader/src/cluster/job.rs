//! How all items of a store are graded: the same options everywhere.

use serde::{Deserialize, Serialize};

use crate::batch::Options;
use crate::lab::Lang;
use crate::run::EngineOptions;
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
    lang: String,
    isolation: String,
    observation: String,
}

impl Job {
    /// What workers must be told.
    #[must_use]
    pub fn new(options: &Options, engine: &EngineOptions) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            repeat: options.repeat.max(1),
            seed: options.seed,
            lang: match options.lang {
                Lang::En => "en",
                Lang::Ru => "ru",
            }
            .to_owned(),
            isolation: match engine.isolation {
                Isolation::BestEffort => "best-effort",
                Isolation::Required => "required",
                Isolation::Reduced => "reduced",
            }
            .to_owned(),
            observation: match engine.observation {
                Observation::Full => "full",
                Observation::Bare => "bare",
            }
            .to_owned(),
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
    ///
    /// # Errors
    /// The language is unknown to this version.
    pub fn options(&self) -> Result<Options, String> {
        Ok(Options {
            repeat: self.repeat,
            seed: self.seed,
            lang: match self.lang.as_str() {
                "en" => Lang::En,
                "ru" => Lang::Ru,
                other => return Err(format!("job.json: unknown language `{other}`")),
            },
        })
    }

    /// Makes an engine of this machine do as the job says.
    ///
    /// # Errors
    /// A word is unknown to this version.
    pub fn apply_to(&self, engine: &mut EngineOptions) -> Result<(), String> {
        engine.isolation = match self.isolation.as_str() {
            "best-effort" => Isolation::BestEffort,
            "required" => Isolation::Required,
            "reduced" => Isolation::Reduced,
            other => return Err(format!("job.json: unknown isolation `{other}`")),
        };
        engine.observation = match self.observation.as_str() {
            "full" => Observation::Full,
            "bare" => Observation::Bare,
            other => return Err(format!("job.json: unknown observation `{other}`")),
        };
        Ok(())
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
                    read.apply_to(&mut there).unwrap();
                    assert_eq!(there.isolation, isolation);
                    assert_eq!(there.observation, observation);
                    let told = read.options().unwrap();
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
        let odd = Job::from_json(text.replace("best-effort", "none").as_bytes()).unwrap();
        assert!(
            odd.apply_to(&mut EngineOptions::default())
                .unwrap_err()
                .contains("`none`")
        );
    }
}
