//! The words of a report, a file per language.

mod en;
mod ru;

use crate::lab::Lang;

/// What a report says around the facts.
pub trait Phrases: Sync {
    /// Left of what the reference did.
    fn expected(&self) -> &'static str;
    /// Left of what the submission did.
    fn yours(&self) -> &'static str;
    /// In place of an empty reaction.
    fn nothing(&self) -> &'static str;
    /// Left of the advice.
    fn hint(&self) -> &'static str;
    /// Left of the commands.
    fn try_this(&self) -> &'static str;
    /// `built us-server from server.c (cached)`, the list given.
    fn built(&self, list: &str) -> String;
    /// One program of that list.
    fn built_one(&self, executable: &str, from: &str, cached: bool) -> String;
    /// `isolation full · observation full`.
    fn enforced(&self, isolation: &str, observation: &str) -> String;
    /// `12 requirements · 9 scenarios`.
    fn counts(&self, requirements: usize, scenarios: usize) -> String;
    /// Before what was refused.
    fn not_enforced(&self, what: &str) -> String;
    /// Above compiler warnings.
    fn warnings(&self, executable: &str) -> String;
    /// `build   us-server from server.c`, right of the cross.
    fn not_built(&self, executable: &str, from: &str) -> String;
    /// `8 requirements need us-server: not reached`.
    fn needs_program(&self, executable: &str, requirements: usize) -> String;
    /// `talk, step 6: connect bob`; step 0 is the end of the scenario.
    fn place(&self, scenario: &str, step: u32, title: &str) -> String;
    /// `your server since step 5`; without an earlier step, `your server in step 6`.
    fn actions(&self, program: &str, since: Option<u32>, step: u32) -> String;
    /// Above the wait-for lines.
    fn who_waits(&self) -> &'static str;
    /// `proved after 1.6 ms: no thread can run again`.
    fn proved(&self, micros: u64) -> String;
    /// `and 3 more lines differ`.
    fn more_lines(&self, more: usize) -> String;
    /// `… and 3 more lines`, of a list cut short.
    fn cut(&self, more: usize) -> String;
    /// Before what a requirement rests on.
    fn first_needs(&self) -> &'static str;
    /// `not reached: needs s-next`.
    fn needs(&self, requirement: &str) -> String;
    /// `not reached: talk left the expected path at step 6 (s-next)`.
    fn earlier(&self, scenario: &str, step: u32, requirement: &str) -> String;
    /// `not reached: us-server was not built`.
    fn program_missing(&self, program: &str) -> String;
    /// `not reached`, without more.
    fn not_reached(&self) -> &'static str;
    /// `differs from run to run`.
    fn unstable(&self) -> &'static str;
    /// `not available here: …`.
    fn unavailable(&self, why: &str) -> String;
    /// `error` before a fault.
    fn error(&self) -> &'static str;
    /// Below a fault.
    fn our_fault(&self) -> &'static str;
    /// `not judged: a, b`.
    fn not_judged(&self, list: &str) -> String;
    /// Before a list of ways to build that did not work.
    fn tried(&self) -> &'static str;
    /// `for make to be enough: remove -lsocket`.
    fn enough(&self, how: &str, hint: &str) -> String;
    /// `us-server: built by make with …; this costs nothing`.
    fn climbed(&self, names: &str, how: &str) -> String;
    /// What did not count in the lanes that differ.
    fn ignored(&self, words: &str) -> String;
    /// Before something worth saying that costs nothing.
    fn note(&self) -> &'static str;
    /// `exit status 1`.
    fn exit_status(&self, status: u8) -> String;
    /// `0.09 s`.
    fn seconds(&self, seconds: f64) -> String;
    /// `points`, the head of a column.
    fn points(&self) -> &'static str;
    /// `requirement`, the head of a column.
    fn requirement(&self) -> &'static str;
    /// `result`, the head of a column.
    fn result(&self) -> &'static str;
    /// `scenario`.
    fn scenario(&self) -> &'static str;
    /// `level 1: how a process and its pipes begin and end`, the head of a group of labs.
    fn level(&self, level: u8) -> String;
    /// Above the files that were laid down in `dir`.
    fn laid_down(&self, dir: &str) -> String;
    /// All files were there already.
    fn nothing_to_lay(&self, dir: &str) -> String;
    /// What a file that was laid down is for.
    fn file_is(&self, what: LaidFile) -> &'static str;
    /// Before what to do next.
    fn next(&self) -> &'static str;
    /// What to do with the labs that are listed: commands and what they do.
    fn with_labs(&self) -> [(&'static str, &'static str); 3];
}

/// What a file that `grader init` lays down is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaidFile {
    /// What is asked for.
    Handout,
    /// To be written.
    Source,
    /// Builds and checks.
    Makefile,
    /// Names what is built.
    Ignore,
    /// Grades each push.
    Workflow,
    /// The same, where its reader must say where the grader is kept.
    WorkflowToFill,
}

/// The words of a language.
#[must_use]
pub fn phrases(lang: Lang) -> &'static dyn Phrases {
    match lang {
        Lang::En => &en::English,
        Lang::Ru => &ru::Russian,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_numerals_take_three_forms() {
        let ru = phrases(Lang::Ru);
        assert_eq!(ru.counts(1, 2), "1 требование · 2 сценария");
        assert_eq!(ru.counts(11, 5), "11 требований · 5 сценариев");
        assert_eq!(ru.counts(22, 21), "22 требования · 21 сценарий");
        assert_eq!(
            ru.place("talk", 0, crate::transcript::CHECKS),
            "talk, в конце: проверки прогона целиком"
        );
        assert_eq!(
            phrases(Lang::En).counts(1, 2),
            "1 requirement · 2 scenarios"
        );
    }
}
