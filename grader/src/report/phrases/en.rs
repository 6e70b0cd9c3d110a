//! English.

use super::{LaidFile, Phrases};

pub(super) struct English;

fn count(n: usize, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

impl Phrases for English {
    fn expected(&self) -> &'static str {
        "expected"
    }
    fn yours(&self) -> &'static str {
        "yours"
    }
    fn nothing(&self) -> &'static str {
        "(nothing)"
    }
    fn hint(&self) -> &'static str {
        "hint"
    }
    fn try_this(&self) -> &'static str {
        "try"
    }
    fn built(&self, list: &str) -> String {
        format!("built {list}")
    }
    fn built_one(&self, executable: &str, from: &str, cached: bool) -> String {
        format!(
            "{executable} from {from}{}",
            if cached { " (cached)" } else { "" }
        )
    }
    fn enforced(&self, isolation: &str, observation: &str) -> String {
        format!("isolation {isolation} · observation {observation}")
    }
    fn counts(&self, requirements: usize, scenarios: usize) -> String {
        format!(
            "{} · {}",
            count(requirements, "requirement"),
            count(scenarios, "scenario")
        )
    }
    fn not_enforced(&self, what: &str) -> String {
        format!("not enforced: {what}")
    }
    fn warnings(&self, executable: &str) -> String {
        format!("compiler warnings for {executable} (not scored)")
    }
    fn not_built(&self, executable: &str, from: &str) -> String {
        if from.is_empty() {
            executable.to_owned()
        } else {
            format!("{executable} from {from}")
        }
    }
    fn needs_program(&self, executable: &str, requirements: usize) -> String {
        let verb = if requirements == 1 { "needs" } else { "need" };
        format!(
            "{} {verb} {executable}: not reached",
            count(requirements, "requirement")
        )
    }
    fn place(&self, scenario: &str, step: u32, title: &str) -> String {
        match step {
            0 => format!("{scenario}, at the end: {title}"),
            _ => format!("{scenario}, step {step}: {title}"),
        }
    }
    fn actions(&self, program: &str, since: Option<u32>, step: u32) -> String {
        match (since, step) {
            (Some(since), _) => format!("your {program} since step {since}"),
            (None, 0) => format!("your {program} at the end"),
            (None, _) => format!("your {program} in step {step}"),
        }
    }
    fn who_waits(&self) -> &'static str {
        "who waits for whom"
    }
    fn proved(&self, micros: u64) -> String {
        let after = if micros < 1000 {
            format!("{micros} µs")
        } else {
            format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
        };
        format!("proved after {after}: no thread can run again.")
    }
    fn more_lines(&self, more: usize) -> String {
        if more == 1 {
            "and 1 more line differs".to_owned()
        } else {
            format!("and {more} more lines differ")
        }
    }
    fn cut(&self, more: usize) -> String {
        format!("… and {} more", count(more, "line"))
    }
    fn first_needs(&self) -> &'static str {
        "needs"
    }
    fn needs(&self, requirement: &str) -> String {
        format!("not reached: needs {requirement}")
    }
    fn earlier(&self, scenario: &str, step: u32, requirement: &str) -> String {
        format!(
            "not reached: {scenario} went wrong in step {step}, which is charged to {requirement}"
        )
    }
    fn program_missing(&self, program: &str) -> String {
        format!("not reached: {program} was not built")
    }
    fn not_reached(&self) -> &'static str {
        "not reached"
    }
    fn unstable(&self) -> &'static str {
        "differs from run to run"
    }
    fn unavailable(&self, why: &str) -> String {
        format!("cannot be shown on this machine: {why}")
    }
    fn error(&self) -> &'static str {
        "error"
    }
    fn our_fault(&self) -> &'static str {
        "this is our fault or the machine's, not the submission's: no points were taken"
    }
    fn not_judged(&self, list: &str) -> String {
        format!("not judged: {list}")
    }
    fn tried(&self) -> &'static str {
        "Tried:"
    }
    fn enough(&self, how: &str, hint: &str) -> String {
        format!("for `{how}` to be enough: {hint}")
    }
    fn climbed(&self, names: &str, how: &str) -> String {
        format!("{names}: built by {how}; this costs nothing")
    }
    fn ignored(&self, words: &str) -> String {
        format!("not counted here: {words}")
    }
    fn note(&self) -> &'static str {
        "note"
    }
    fn exit_status(&self, status: u8) -> String {
        format!("exit status {status}")
    }
    fn seconds(&self, seconds: f64) -> String {
        format!("{seconds:.2} s")
    }
    fn points(&self) -> &'static str {
        "points"
    }
    fn requirement(&self) -> &'static str {
        "requirement"
    }
    fn result(&self) -> &'static str {
        "result"
    }
    fn scenario(&self) -> &'static str {
        "scenario"
    }
    fn level(&self, level: u8) -> String {
        let about = match level {
            1 => ": one or two processes, their ends, a pipe, signals",
            2 => ": pipelines, named pipes, time, a first socket",
            3 => ": looking after processes, names of sockets, networks",
            4 => ": many clients, messages",
            5 => ": many clients and what they share",
            6 => ": sharing without locks",
            _ => "",
        };
        format!("Level {level}{about}")
    }
    fn laid_down(&self, dir: &str) -> String {
        format!("laid down in {dir}")
    }
    fn nothing_to_lay(&self, dir: &str) -> String {
        format!("all files are in {dir} already; nothing was changed")
    }
    fn file_is(&self, what: LaidFile) -> &'static str {
        match what {
            LaidFile::Handout => "what is asked for",
            LaidFile::Source => "yours to write",
            LaidFile::Makefile => "make builds, make check grades",
            LaidFile::Ignore => "what git need not keep",
            LaidFile::Workflow => "grades each push",
            LaidFile::WorkflowToFill => "grades each push; put GRADER's address in",
        }
    }
    fn next(&self) -> &'static str {
        "next"
    }
    fn with_labs(&self) -> [(&'static str, &'static str); 3] {
        [
            ("grader init LAB DIR", "lays down what to begin with"),
            ("grader explain LAB", "says what is asked for"),
            ("grader check LAB DIR", "grades what is in DIR"),
        ]
    }
}
