//! `grader batch --engine`: workers on other machines.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use grader::batch::{JournalError, Options, Progress, ResultRecord, Workload};
use grader::cluster::{
    Follow, FollowError, Followed, Idle, Job, LaunchError, Launcher, MOST_TASKS, ManifestOptions,
    Note, Slurm, SlurmOptions, Ssh, SshOptions, fill, follow, kubernetes, store_key,
};
use grader::run::EngineOptions;
use grader::store::{Key, Store, StoreError};
use grader::text::clean;

use super::interrupt::Interrupt;
use super::progress::Display;
use crate::cli::failure::Failure;
use crate::cli::lang::{both, lang};
use crate::cli::tell::tell;
use crate::cli::words::Words;

/// Workers that are asked for unless said otherwise.
const WORKERS: usize = 8;

/// Where submissions are graded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// On this machine
    Local,
    /// By workers that Slurm starts
    Slurm,
    /// By workers on other hosts, over ssh
    Ssh,
    /// By workers that somebody else starts: `grader worker --store DIR`
    None,
    /// In pods: with --dry-run the manifest is printed
    Kubernetes,
}

/// Grading elsewhere.
#[derive(Args)]
#[command(next_help_heading = "More machines")]
pub(super) struct ClusterArgs {
    /// Where submissions are graded
    #[arg(long, value_enum, default_value = "local")]
    engine: Engine,
    /// The directory that all machines see; results are collected from it
    #[arg(long, value_name = "DIR", required_if_eq_any([("engine", "slurm"), ("engine", "ssh"), ("engine", "none")]))]
    store: Option<PathBuf>,
    /// Seconds of silence after which a worker counts as gone
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    lease: u64,
    /// The grader on the other machines [default: this executable's path]
    #[arg(long, value_name = "PATH")]
    grader: Option<PathBuf>,
    /// Memory of a worker
    #[arg(long, value_name = "MEMORY", default_value = "1G")]
    slurm_memory: String,
    /// Longest time of a worker [default: the partition's]
    #[arg(long, value_name = "TIME")]
    slurm_time: Option<String>,
    /// A further option of sbatch: --slurm-option=--partition=grade (may be repeated)
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    slurm_option: Vec<String>,
    /// A host, and how many submissions it grades at once: alpha:8 (may be repeated)
    #[arg(long, value_name = "HOST[:N]", value_parser = host, required_if_eq("engine", "ssh"))]
    host: Vec<(String, usize)>,
    /// The command that connects
    #[arg(long, value_name = "COMMAND", default_value = "ssh")]
    ssh: String,
    /// The image of the pods
    #[arg(long, value_name = "IMAGE", default_value = "grader")]
    image: String,
    /// The persistent volume claim with the submissions
    #[arg(long, value_name = "CLAIM", default_value = "grading")]
    claim: String,
    /// In how many parts pods grade the class
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    shards: u16,
}

/// `alpha:8`, `user@alpha`.
fn host(text: &str) -> Result<(String, usize), String> {
    let (name, slots) = match text.rsplit_once(':') {
        Some((name, slots)) => (name, slots.parse().ok().filter(|n| *n > 0)),
        None => (text, Some(1)),
    };
    match slots {
        Some(slots) if !name.is_empty() && !name.starts_with('-') => Ok((name.to_owned(), slots)),
        _ => Err(both(
            "a host is NAME or NAME:N, with N submissions at once",
            "хост пишется NAME или NAME:N, где N — сколько работ сразу",
        )),
    }
}

impl ClusterArgs {
    /// An option that would do nothing is a mistake: somebody expects other machines to grade.
    pub(super) fn fits_the_engine(&self, is_part: bool) -> Result<(), Failure> {
        if is_part && self.engine == Engine::Kubernetes {
            return Err(Failure::usage(both(
                "--shard: each pod has a part of its own",
                "--shard: у каждого пода своя часть",
            ))
            .hint(both(
                "--shards N says how many there are",
                "сколько их, задаёт --shards N",
            )));
        }
        let elsewhere = matches!(self.engine, Engine::Slurm | Engine::Ssh | Engine::None);
        let slurm = self.slurm_time.is_some() || !self.slurm_option.is_empty();
        let (option, engines) = if self.store.is_some() && !elsewhere {
            ("--store", "slurm, ssh, none")
        } else if !self.host.is_empty() && self.engine != Engine::Ssh {
            ("--host", "ssh")
        } else if slurm && self.engine != Engine::Slurm {
            ("--slurm-time, --slurm-option", "slurm")
        } else {
            return Ok(());
        };
        Err(Failure::usage(both(
            format!("{option}: only for --engine {engines}"),
            format!("{option}: только для --engine {engines}"),
        ))
        .hint(both(
            "say which engine grades, or leave the option out to grade on this machine alone",
            "назовите --engine или уберите параметр, чтобы проверять на одной этой машине",
        )))
    }

    /// Whether somebody else grades.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.engine != Engine::Local
    }

    /// What would be submitted, for `--dry-run`; `None` where nothing is.
    pub(super) fn shown(
        &self,
        workers: Option<usize>,
        what: &[PathBuf],
        options: Vec<String>,
        words: Words,
    ) -> Result<Option<String>, Failure> {
        Ok(match self.engine {
            Engine::Slurm => {
                let workers = workers.unwrap_or(WORKERS);
                let slurm = self.slurm(words)?;
                if workers > MOST_TASKS {
                    tell!("{}", words.in_several_arrays(workers, MOST_TASKS));
                }
                Some(slurm.script(workers.min(MOST_TASKS)))
            }
            Engine::Ssh => {
                let ssh = self.ssh(words)?;
                let lines = self.host.iter().map(|(name, slots)| {
                    let mut line = shell_words::join(ssh.command(name, *slots));
                    line.push('\n');
                    line
                });
                Some(lines.collect())
            }
            Engine::Kubernetes => {
                let elsewhere = |path: &&PathBuf| {
                    path.is_absolute() || path.components().any(|part| part == Component::ParentDir)
                };
                if let Some(path) = what.iter().find(elsewhere) {
                    let path = path.display();
                    return Err(Failure::usage(both(
                        format!("{path}: pods have another root"),
                        format!("{path}: у подов другой корень"),
                    ))
                    .hint(both(
                        "say this in the directory that is the volume's, with paths below it",
                        "запустите в каталоге тома, с путями внутри него",
                    )));
                }
                let shards = usize::from(self.shards);
                Some(kubernetes(&ManifestOptions {
                    name: "grader".to_owned(),
                    image: self.image.clone(),
                    claim: self.claim.clone(),
                    what: what.iter().map(|path| path.display().to_string()).collect(),
                    options,
                    shards,
                    parallel: workers.unwrap_or(WORKERS).min(shards),
                }))
            }
            Engine::Local | Engine::None => None,
        })
    }

    /// Puts the class into the store, has workers started, and writes results down as they come; gives
    /// the signal that told it to end, if one did.
    pub(super) fn grade(
        &self,
        class: &Workload<'_>,
        options: &Options,
        engine: &EngineOptions,
        display: &mut Display,
    ) -> Result<Option<i32>, Failure> {
        if self.engine == Engine::Kubernetes {
            return Err(Failure::usage(both(
                "this grader writes the manifest of pods and does not submit it",
                "grader пишет манифест подов, а сам его не отправляет",
            ))
            .hint(both(
                "add --dry-run, and give what it prints to kubectl apply -f",
                "добавьте --dry-run и отдайте напечатанное kubectl apply -f",
            )));
        }
        let words = display.words();
        let root = self.root()?;
        // Before the class is put there: it may be that nobody can be told the directory's name.
        let mut launcher: Box<dyn Launcher> = match self.engine {
            Engine::Slurm => Box::new(self.slurm(words)?),
            Engine::Ssh => Box::new(self.ssh(words)?),
            _ => Box::new(Idle {
                store: root.clone(),
                lang: words.0,
            }),
        };
        let store = self.open_store(&root, options, engine)?;
        let keys = fill(&store, class, &mut |progress| display.take(&progress))
            .map_err(|e| failed(&e.told(lang())))?;
        let workers = match self.engine {
            Engine::Ssh => self.host.iter().map(|(_, slots)| slots).sum(),
            _ => engine.workers.unwrap_or(WORKERS),
        };
        let what = Follow::new(&store, keys, workers);
        // Whoever interrupts the batch interrupts its workers as well.
        let (send, stop) = mpsc::channel();
        let interrupt = Interrupt::watch(move || {
            let _ = send.send(());
        });
        let interrupt = interrupt.map_err(|e| failed(&e))?;
        let quiet = display.is_quiet();
        let mut take = |key: Key, bytes: Vec<u8>| -> Result<(), Taken> {
            let record = read(&key, &bytes)?;
            class.journal.append(&record)?;
            display.take(&Progress::Done(Box::new(record)));
            Ok(())
        };
        let followed = follow(what, &mut *launcher, &stop, &mut take, &mut |told| {
            note(told, quiet, words);
        });
        match store.disputes() {
            Ok(names) => names.iter().for_each(|name| dispute(&store, name, words)),
            Err(error) if followed.is_ok() => return Err(failed(&error.told(lang()))),
            // Why it ended says more.
            Err(_) => {}
        }
        match followed {
            Ok(Followed::Done) => Ok(None),
            Ok(Followed::Stopped) => {
                if self.engine == Engine::None {
                    tell!("{}", words.by_hand_go_on());
                }
                Ok(interrupt.signal())
            }
            Err(error) => Err(self.why(error, &root, words)),
        }
    }

    /// The store at `root`, begun with these options or with the same.
    fn open_store(
        &self,
        root: &Path,
        options: &Options,
        engine: &EngineOptions,
    ) -> Result<Store, Failure> {
        let store = Store::create(root, Duration::from_secs(self.lease)).map_err(|e| match e {
            StoreError::NotAStore { .. } => Failure::usage(e.told(lang())),
            _ => failed(&e.told(lang())),
        })?;
        let job = Job::new(options, engine).to_json();
        let agreed = store.agree_on(&job).map_err(|e| failed(&e.told(lang())))?;
        if let Err(error) = Job::from_json(&agreed) {
            return Err(Failure::usage(format!("{}: {error}", root.display())).hint(both(
                "the store was begun by another grader, or the file is damaged: name another directory",
                "хранилище начал другой grader, или файл повреждён: назовите другой каталог",
            )));
        }
        if agreed != job {
            let root = root.display();
            return Err(Failure::usage(both(
                format!("{root}: the store was begun with other options"),
                format!("{root}: хранилище начато с другими параметрами"),
            ))
            .hint(both(
                "give the same --repeat, --seed, --lang, --isolation, --observation and --without, or another directory",
                "задайте те же --repeat, --seed, --lang, --isolation, --observation и --without или другой каталог",
            )));
        }
        Ok(store)
    }

    /// Why the batch ended, with what to do.
    fn why(&self, error: FollowError<Taken>, root: &Path, words: Words) -> Failure {
        match error {
            FollowError::Sink(Taken::Journal(error)) => failed(&error.told(lang())),
            FollowError::Sink(Taken::Damaged { key, why }) => {
                let root = root.display();
                failed(&both(
                    format!("{root}/results/{key}.json is no result of this batch: {why}"),
                    format!("{root}/results/{key}.json — не результат этой проверки: {why}"),
                ))
                .hint(both(
                    "remove the file and give the same command: it is graded again",
                    "удалите файл и повторите ту же команду: работа проверится снова",
                ))
            }
            FollowError::Launch(error) => {
                let failure = failed(&error.told(lang()));
                match (&error, self.engine) {
                    (LaunchError::Refused { .. }, Engine::Slurm) => failure.hint(both(
                        "--workers, --slurm-memory, --slurm-time and --slurm-option say what is asked for, --dry-run shows it; then the same command goes on",
                        "что запрашивается, задают --workers, --slurm-memory, --slurm-time и --slurm-option, показывает --dry-run; затем та же команда продолжит",
                    )),
                    _ => failure,
                }
            }
            FollowError::Fruitless { left, log } => {
                Failure::fault(words.fruitless(left, &log)).hint(words.goes_on())
            }
            FollowError::Store(error) => failed(&error.told(lang())).hint(words.goes_on()),
        }
    }

    /// The store, by a path that means the same everywhere.
    fn root(&self) -> Result<PathBuf, Failure> {
        let Some(store) = &self.store else {
            return Err(Failure::usage(both(
                "--store names the directory that all machines see",
                "--store называет каталог, который видят все машины",
            )));
        };
        std::path::absolute(store).map_err(|e| Failure::usage(format!("{}: {e}", store.display())))
    }

    fn executable(&self) -> Result<PathBuf, Failure> {
        match &self.grader {
            Some(path) => Ok(path.clone()),
            None => std::env::current_exe().map_err(|e| {
                Failure::fault(both(
                    format!("the path of this executable: {e}"),
                    format!("путь этой программы: {e}"),
                ))
            }),
        }
    }

    fn slurm(&self, words: Words) -> Result<Slurm, Failure> {
        Slurm::new(SlurmOptions {
            store: self.root()?,
            grader: self.executable()?,
            memory: self.slurm_memory.clone(),
            time: self.slurm_time.clone(),
            arguments: self.slurm_option.clone(),
            lang: words.0,
        })
        .map_err(|e: LaunchError| Failure::usage(e.told(lang())))
    }

    fn ssh(&self, words: Words) -> Result<Ssh, Failure> {
        let command = shell_words::split(&self.ssh)
            .map_err(|e| Failure::usage(format!("--ssh {}: {e}", self.ssh)))?;
        Ssh::new(SshOptions {
            store: self.root()?,
            grader: self.executable()?,
            hosts: self.host.clone(),
            command,
            lang: words.0,
        })
        .map_err(|e| Failure::usage(e.told(lang())))
    }
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::fault(error.to_string())
}

/// Why a result was not taken.
#[derive(Debug)]
enum Taken {
    Journal(JournalError),
    Damaged { key: Key, why: String },
}

impl From<JournalError> for Taken {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

fn read(key: &Key, bytes: &[u8]) -> Result<ResultRecord, Taken> {
    let damaged = |why: String| Taken::Damaged {
        key: key.clone(),
        why,
    };
    let record = ResultRecord::from_json(bytes).map_err(|e| damaged(e.to_string()))?;
    if store_key(&record.identity, &record.inputs) == *key {
        Ok(record)
    } else {
        Err(damaged("it belongs to another submission".to_owned()))
    }
}

/// Tells of a result that came second and says something else: whose it is, what it says, where it lies.
fn dispute(store: &Store, name: &str, words: Words) {
    let path = store.root().join("disputes").join(name);
    let second = fs::read(&path).ok();
    let second = second.and_then(|bytes| ResultRecord::from_json(&bytes).ok());
    let whose = second.map_or(String::new(), |second| {
        let (points, of) = (second.points, second.of);
        let status = words.outcome(second.status.word());
        format!("{}: {status} {points}/{of}: ", second.identity)
    });
    tell!("{}", words.dispute(&clean(&whose), &path));
}

fn note(note: Note, quiet: bool, words: Words) {
    if quiet && matches!(note, Note::Asked(_) | Note::ToppedUp(..) | Note::Answers) {
        return;
    }
    tell!("{}", words.note(note));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_say_how_much_it_takes() {
        assert_eq!(host("alpha:8").unwrap(), ("alpha".to_owned(), 8));
        assert_eq!(host("me@alpha").unwrap(), ("me@alpha".to_owned(), 1));
        for bad in ["", ":3", "alpha:0", "alpha:x", "-oProxyCommand=x"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_result_of_somebody_else_is_not_taken() {
        let key = Key::parse(&"a".repeat(64)).unwrap();
        assert!(matches!(read(&key, b"{}"), Err(Taken::Damaged { .. })));
    }
}
