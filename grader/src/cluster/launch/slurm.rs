//! Slurm: workers as a job array.
//!
//! Jobs are found by a name that belongs to the store, not by their numbers: so a batch that is
//! begun again, also on another machine, finds the workers of the one before.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use crate::lab::{Lang, Text};

use super::reserved::{misleads, reserved};
use super::running::Running;
use super::{LaunchError, Launcher, Presence, last_words, newest, place_and_last, said};

/// Array tasks in one submission; by default Slurm refuses indices above 1000 (`MaxArraySize`,
/// slurm.conf(5)).
pub const MOST_TASKS: usize = 1000;
/// What sbatch(1) says where a site allows fewer.
const TOO_MANY: &str = "Invalid job array specification";
/// So long squeue(1) is waited for at a time; meanwhile results are collected.
const GLANCE: Duration = Duration::from_millis(500);
/// A squeue(1) that has not answered for so long is told. It ends by itself after some seconds
/// (`MessageTimeout`, slurm.conf(5)).
const PATIENCE: Duration = Duration::from_secs(30);
/// So long sbatch(1) and scancel(1) are waited for: the former tries again itself for some time.
const LONGEST: Duration = Duration::from_secs(60);

/// What workers need.
#[derive(Clone, Debug)]
pub struct SlurmOptions {
    /// The store, as every node sees it.
    pub store: PathBuf,
    /// The grader, as every node sees it.
    pub grader: PathBuf,
    /// Memory of a worker, in Slurm's words (`1G`).
    pub memory: String,
    /// Longest time of a worker, in Slurm's words; the partition's if not given. Only a fence: limits
    /// of submissions are the grader's.
    pub time: Option<String>,
    /// Further options of sbatch(1): partition, account.
    pub arguments: Vec<String>,
    /// The language of advice.
    pub lang: Lang,
}

/// Starts workers with sbatch(1).
#[derive(Debug)]
pub struct Slurm {
    options: SlurmOptions,
    name: String,
    /// What jobs that do not run wait for, as of the last look.
    waiting: Vec<String>,
    /// A look that is under way.
    look: Option<Running>,
    /// Tasks in one submission.
    most: usize,
}

impl Slurm {
    /// A launcher for one store.
    ///
    /// # Errors
    /// A path has characters that would mean something else in a job's script, or what is asked for
    /// is no option, or more than one line.
    pub fn new(options: SlurmOptions) -> Result<Self, LaunchError> {
        for path in [&options.store, &options.grader] {
            // `%` and `\` are patterns in the name of the output, the others end a directive.
            let plain = |c: char| c.is_alphanumeric() || " /._-+@:=,".contains(c);
            if !path.to_str().is_some_and(|text| text.chars().all(plain)) {
                let why = Text::both(
                    "Slurm needs a path of letters, digits, spaces and any of /._-+@:=, only",
                    "для Slurm в пути допустимы только буквы, цифры, пробелы и знаки /._-+@:=,",
                );
                return Err(LaunchError::Name(
                    why.behind(format!("{}: ", path.display())),
                ));
            }
        }
        let asked = [Some(&options.memory), options.time.as_ref()];
        let asked = asked.into_iter().flatten().chain(&options.arguments);
        for text in asked {
            if text.chars().any(char::is_control) {
                let shown = crate::text::clean(text).replace('\n', "\\n");
                let why = Text::both(
                    "an option of sbatch is one line",
                    "параметр sbatch — это одна строка",
                );
                return Err(LaunchError::Name(why.behind(format!("`{shown}`: "))));
            }
        }
        let mut arguments = options.arguments.iter();
        if let Some(text) = arguments.find(|text| !text.starts_with('-')) {
            return Err(LaunchError::Name(Text::both(
                format!("`{text}` is no option of sbatch: --partition=grade is one"),
                format!(
                    "`{text}` — не параметр sbatch: параметр — это, например, --partition=grade"
                ),
            )));
        }
        if let Some(why) = options.arguments.iter().find_map(|text| reserved(text)) {
            return Err(LaunchError::Name(why));
        }
        let digest = blake3::hash(options.store.as_os_str().as_encoded_bytes());
        Ok(Self {
            name: format!("grader-{}", &digest.to_hex()[..12]),
            waiting: Vec::new(),
            look: None,
            most: MOST_TASKS,
            options,
        })
    }

    /// The script of so many workers.
    #[must_use]
    pub fn script(&self, workers: usize) -> String {
        let options = &self.options;
        let store = options.store.to_string_lossy();
        let mut text = String::from("#!/bin/sh\n");
        let mut directive = |line: &str| {
            // Writing to a String never fails.
            let _ = writeln!(text, "#SBATCH {line}");
        };
        directive(&format!("--job-name={}", self.name));
        directive(&format!("--array=0-{}", workers.max(1) - 1));
        directive("--cpus-per-task=1");
        directive(&format!("--mem={}", options.memory));
        if let Some(time) = &options.time {
            directive(&format!("--time={time}"));
        }
        directive("--requeue");
        directive("--open-mode=append");
        let mark = if store.contains(' ') { "\"" } else { "" };
        directive(&format!("--output={mark}{store}/log/%A_%a.log{mark}"));
        for argument in &options.arguments {
            directive(&in_one_word(argument));
        }
        let _ = writeln!(
            text,
            "exec {} worker --store {} --slots 1",
            shell_words::quote(&options.grader.to_string_lossy()),
            shell_words::quote(&store)
        );
        text
    }

    fn logs(&self) -> PathBuf {
        self.options.store.join("log")
    }

    fn submit(&self, workers: usize) -> Result<(), LaunchError> {
        let mut sbatch = slurm("sbatch");
        match answer(sbatch.arg("--parsable"), self.script(workers)) {
            Ok(Ok(output)) if output.status.success() => Ok(()),
            Ok(output) => Err(LaunchError::Refused {
                program: "sbatch".to_owned(),
                why: match output {
                    Ok(output) => said(&output.stderr),
                    Err(stderr) if stderr.is_empty() => self.no_answer(LONGEST),
                    // It tries again itself (`MaxJobCount`).
                    Err(stderr) => format!("{}: {}", self.no_answer(LONGEST), said(&stderr)),
                },
            }),
            Err(error) => Err(LaunchError::Command {
                program: "sbatch".to_owned(),
                error,
            }),
        }
    }

    fn no_answer(&self, time: Duration) -> String {
        let seconds = time.as_secs();
        self.options.lang.pick(
            format!("no answer for {seconds} s"),
            format!("нет ответа {seconds} с"),
        )
    }

    fn squeue(&self) -> io::Result<Running> {
        let mut squeue = slurm("squeue");
        squeue.args(["--noheader", "--array", "--me", "--format=%T %r", "--name"]);
        Running::begin(squeue.arg(&self.name), String::new())
    }
}

/// A command of Slurm's, which does what it is told and nothing else.
fn slurm(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| misleads(name)) {
        command.env_remove(name);
    }
    command
}

/// What came of a command; where it does not come to an end, what it has said on standard error.
fn answer(command: &mut Command, input: String) -> io::Result<Result<Output, Vec<u8>>> {
    let mut running = Running::begin(command, input)?;
    match running.within(LONGEST) {
        Some(output) => output.map(Ok),
        None => Ok(Err(running.given_up())),
    }
}

impl Launcher for Slurm {
    fn start(&mut self, workers: usize) -> Result<usize, LaunchError> {
        let log = self.logs();
        std::fs::create_dir_all(&log).map_err(|error| LaunchError::unwritten(&log, &error))?;
        let mut started = 0;
        while started < workers {
            let now = (workers - started).min(self.most);
            match self.submit(now) {
                Ok(()) => started += now,
                Err(LaunchError::Refused { why, .. }) if now > 1 && why.contains(TOO_MANY) => {
                    self.most = now / 2;
                }
                // Some are there: it is told when the others are asked for again.
                Err(LaunchError::Refused { .. }) if started > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(started)
    }

    fn present(&mut self) -> Presence {
        let look = self.look.take().map_or_else(|| self.squeue(), Ok);
        let squeue = look.and_then(|mut look| {
            let answer = look.within(GLANCE).transpose()?;
            if answer.is_none() {
                self.look = Some(look);
            }
            Ok(answer)
        });
        match squeue {
            Ok(None) => {
                // One that never ends is killed, and another one is begun.
                if self
                    .look
                    .take_if(|look| look.since().elapsed() > PATIENCE)
                    .is_none()
                {
                    return Presence::Asked;
                }
                Presence::Unknown(format!("squeue: {}", self.no_answer(PATIENCE)))
            }
            Ok(Some(output)) if output.status.success() => {
                let lines = String::from_utf8_lossy(&output.stdout);
                self.waiting = waiting(&lines);
                Presence::Workers(count(&lines))
            }
            Ok(Some(output)) => Presence::Unknown(format!("squeue: {}", said(&output.stderr))),
            // Without Slurm nobody is there, and sbatch(1) says so when it is asked.
            Err(error) if error.kind() == ErrorKind::NotFound => Presence::Workers(0),
            Err(error) => Presence::Unknown(format!("squeue: {error}")),
        }
    }

    fn cancel(&mut self) -> Result<(), String> {
        let mut scancel = slurm("scancel");
        scancel.args(["--quiet", "--me", "--name"]).arg(&self.name);
        let why = match answer(&mut scancel, String::new()) {
            Ok(Ok(output)) if output.status.success() => return Ok(()),
            Ok(Ok(output)) => said(&output.stderr),
            Ok(Err(_)) => format!("scancel: {}", self.no_answer(LONGEST)),
            Err(error) => format!("scancel: {error}"),
        };
        let name = &self.name;
        let by_hand = format!("`scancel --me --name {name}`");
        Err(self.options.lang.pick(
            format!("{why}; {by_hand} cancels them"),
            format!("{why}; отменит их {by_hand}"),
        ))
    }

    fn log(&self) -> String {
        place_and_last(&self.logs(), self.options.lang)
    }

    fn complaint(&self) -> Option<String> {
        let log = newest(&self.logs())?;
        Some(last_words(&log, 0)).filter(|words| words.contains("error: "))
    }

    fn advice(&self) -> String {
        let lang = self.options.lang;
        let waiting = if self.waiting.is_empty() {
            String::new()
        } else {
            let has = lang.pick("Slurm has", "у Slurm");
            format!("{has} {}; ", self.waiting.join(", "))
        };
        let squeue = format!("`squeue --me --name {} --format '%i %T %r'`", self.name);
        let logs = self.logs();
        let logs = logs.display();
        lang.pick(
            format!("{waiting}{squeue} says what they wait for, {logs} what they said"),
            format!("{waiting}чего они ждут, покажет {squeue}, что они говорили — {logs}"),
        )
    }
}

/// sbatch(1) takes a directive apart at its spaces: a value that has some is put in quotes.
fn in_one_word(argument: &str) -> Cow<'_, str> {
    let plain = |value: &str| value.contains(' ') && !value.contains(['"', '\'', '\\']);
    match argument.split_once('=') {
        Some((name, value)) if !name.contains(' ') && plain(value) => {
            format!("{name}=\"{value}\"").into()
        }
        _ => argument.into(),
    }
}

/// Workers that work or will as soon as there is room. A job that was put back after a node died
/// waits for minutes before it may start again (`BeginTime`): others can do its work meanwhile.
fn count(lines: &str) -> usize {
    let there = |line: &&str| {
        let (state, reason) = line.split_once(' ').unwrap_or((line, ""));
        match state {
            "RUNNING" | "CONFIGURING" | "SUSPENDED" => true,
            "PENDING" => reason.trim() != "BeginTime",
            _ => false,
        }
    };
    lines.lines().filter(there).count()
}

/// How many jobs wait for what, in Slurm's words: `6 pending (Resources)`.
fn waiting(lines: &str) -> Vec<String> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines.lines() {
        if let Some(("PENDING", reason)) = line.split_once(' ') {
            *reasons
                .entry(crate::text::clean(reason.trim()))
                .or_default() += 1;
        }
    }
    reasons
        .into_iter()
        .map(|(reason, jobs)| format!("{jobs} pending ({reason})"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> SlurmOptions {
        SlurmOptions {
            store: "/shared/run1".into(),
            grader: "/opt/grader".into(),
            memory: "1G".into(),
            time: None,
            arguments: vec!["--partition=grade".into()],
            lang: Lang::En,
        }
    }

    #[test]
    fn the_script_is_what_a_person_would_write() {
        let script = Slurm::new(options()).unwrap().script(6);
        let name = &Slurm::new(options()).unwrap().name;
        assert_eq!(
            script,
            format!(
                "#!/bin/sh\n#SBATCH --job-name={name}\n#SBATCH --array=0-5\n#SBATCH --cpus-per-task=1\n#SBATCH --mem=1G\n#SBATCH --requeue\n#SBATCH --open-mode=append\n#SBATCH --output=/shared/run1/log/%A_%a.log\n#SBATCH --partition=grade\nexec /opt/grader worker --store /shared/run1 --slots 1\n"
            )
        );
    }

    #[test]
    fn an_option_is_one_line_and_its_value_one_word() {
        let script = |argument: &str| {
            let arguments = vec![argument.to_owned()];
            let slurm = Slurm::new(SlurmOptions {
                arguments,
                ..options()
            });
            slurm
                .map(|slurm| slurm.script(1))
                .map_err(|e| e.to_string())
        };
        for (said, line) in [
            ("--comment=lab of today", "--comment=\"lab of today\""),
            ("--comment='lab of today'", "--comment='lab of today'"),
            ("--partition grade", "--partition grade"),
            ("-p grade", "-p grade"),
        ] {
            let script = script(said).unwrap();
            assert!(
                script.contains(&format!("\n#SBATCH {line}\nexec ")),
                "{script}"
            );
        }
        for bad in ["--comment=a\nreboot", "grade", ""] {
            let said = script(bad).unwrap_err();
            assert!(!said.contains('\n'), "{said}");
        }
        let memory = "1G\nreboot".to_owned();
        assert!(
            Slurm::new(SlurmOptions {
                memory,
                ..options()
            })
            .is_err()
        );
    }

    #[test]
    fn a_path_may_have_spaces() {
        let odd = SlurmOptions {
            store: "/общее/ОС, 2 курс".into(),
            grader: "/opt/my tools/grader".into(),
            ..options()
        };
        let script = Slurm::new(odd).unwrap().script(2);
        assert!(script.contains("#SBATCH --output=\"/общее/ОС, 2 курс/log/%A_%a.log\"\n"));
        assert!(script.ends_with(
            "exec '/opt/my tools/grader' worker --store '/общее/ОС, 2 курс' --slots 1\n"
        ));
    }

    #[test]
    fn a_path_with_a_meaning_is_refused() {
        for store in [
            "/shared/%j",
            "/shared/\"run\"",
            "/shared/$(id)",
            "/shared/a\nb",
        ] {
            let bad = SlurmOptions {
                store: store.into(),
                ..options()
            };
            assert!(Slurm::new(bad).is_err(), "{store}");
        }
    }

    #[test]
    fn only_those_count_that_work_or_soon_will() {
        let lines = "RUNNING None\nRUNNING None\nPENDING Resources\nPENDING BeginTime\nCOMPLETING None\nFAILED NonZeroExitCode\n";
        assert_eq!(count(lines), 3);
        assert_eq!(count(""), 0);
        assert_eq!(
            waiting(lines),
            ["1 pending (BeginTime)", "1 pending (Resources)"]
        );
    }
}
