//! Commands that a report proposes: they do again exactly what was done.

use crate::text::quote;

/// How the check was called, so that a report can name the command that repeats a part of it.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// The lab as it was named: an id or a path.
    pub lab: String,
    /// The submission as it was named.
    pub submission: String,
    /// Options that change what happens, the seed among them: `["--seed", "7"]`.
    pub options: Vec<String>,
}

impl Replay {
    /// Runs one scenario again and shows what the programs did.
    #[must_use]
    pub fn scenario(&self, scenario: &str) -> String {
        let mut words = vec![
            "grader",
            "check",
            &self.lab,
            &self.submission,
            "--scenario",
            scenario,
        ];
        words.extend(self.options.iter().map(String::as_str));
        words.push("--trace");
        join(&words)
    }

    /// Explains a requirement.
    #[must_use]
    pub fn explain(&self, requirement: &str) -> String {
        join(&[
            "grader",
            "explain",
            &format!("{}/{requirement}", self.lab.trim_end_matches('/')),
        ])
    }
}

fn join(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| quote(word))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_names_the_same_lab_submission_and_seed() {
        let replay = Replay {
            lab: "us-upper".to_owned(),
            submission: "my work".to_owned(),
            options: vec!["--seed".to_owned(), "7".to_owned()],
        };
        assert_eq!(
            replay.scenario("talk"),
            "grader check us-upper 'my work' --scenario talk --seed 7 --trace"
        );
        assert_eq!(replay.explain("s-next"), "grader explain us-upper/s-next");
    }
}
