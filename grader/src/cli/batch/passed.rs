//! What a pod that grades a part of the class is told: everything that was asked for here.

use grader::gradebook::time;

use super::Batch;
use crate::cli::options::word;

impl Batch {
    /// The options that have a say in what is found and how it is graded, as words.
    pub(super) fn passed_on(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut say = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                words.extend([format!("--{name}"), value]);
            }
        };
        say("layout", self.layout.as_ref().map(ToString::to_string));
        say("refs", self.refs.as_ref().map(ToString::to_string));
        let roster = self.roster.as_ref();
        say("roster", roster.map(|path| path.display().to_string()));
        for student in &self.only {
            say("only", Some(student.clone()));
        }
        say("course", Some(self.course.clone()));
        say("due", self.due.map(|due| to_the_second(due.at)));
        say("late", self.late.as_ref().map(ToString::to_string));
        say("attempt", self.attempt.as_ref().map(word));
        say("repeat", Some(self.repeat.to_string()));
        say("seed", self.seed.map(|seed| seed.to_string()));
        say("lang", Some(self.lang.get().pick("en", "ru").to_owned()));
        let (isolation, observation) = self.engine.strictness();
        say("isolation", Some(isolation));
        say("observation", Some(observation));
        for without in &self.without {
            say("without", Some(word(without)));
        }
        let flags = [
            ("--file-times", self.file_times),
            ("--regrade", self.regrade),
            ("--apply", self.apply),
        ];
        words.extend(
            flags
                .iter()
                .filter(|(_, on)| *on)
                .map(|(f, _)| (*f).to_owned()),
        );
        words
    }
}

fn to_the_second(due: i64) -> String {
    let minutes = time::shown(due);
    let minutes = minutes.trim_end_matches(" UTC");
    format!("{minutes}:{:02}+00:00", due.rem_euclid(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_date_is_passed_on_to_the_second() {
        for due in [0, 1_763_683_199, 1_763_683_200] {
            assert_eq!(time::parse(&to_the_second(due)), Some(due));
        }
    }
}
