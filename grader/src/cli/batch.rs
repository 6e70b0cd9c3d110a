//! `grader batch`.

mod engine;
mod progress;
mod words;

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};
use grader::batch::{
    self, Damage, Found, Grader, Journal, Known, Layout, Local, Options, PreparedLab, Progress,
    Query, Roster, Shard, Status, Workload,
};
use grader::gradebook::{Gradebook, LabSettings, Late, Merged, Pick, time};
use grader::lab::guess::Candidate;
use grader::report::clean;
use grader::run::Engine;

use self::progress::Display;
use super::failure::{FAULT, Failure, NOT_MET};
use super::lookup;
use super::options::{EngineArgs, LangOption};
use super::results::{self, look_at, summary};
use super::words::Words;

/// Grade a class: every submission in a directory, a repository or a download
///
/// Results are written down the moment they exist: a batch that was killed goes on where it was
/// when it is started again, and what has not changed is not graded twice.
#[derive(Args)]
#[command(override_usage = "grader batch [OPTIONS] <LAB[=N]>... <SOURCE>")]
pub(super) struct Batch {
    /// The labs (ids or directories; `us-upper=30`: directories call it task 30), and where the
    /// submissions are: a directory, a git repository, a download of Moodle, Canvas or GitHub
    /// Classroom, unpacked or not
    #[arg(value_names = ["LAB", "SOURCE"], num_args = 2.., required = true)]
    what: Vec<PathBuf>,
    /// Which part of a path is what: '{group}/{student}/lab{n}' [default: guessed]
    #[arg(long, value_name = "PATTERN")]
    layout: Option<Layout>,
    /// One submission for each branch with such a name: '{student}/lab{n}'
    #[arg(long, value_name = "PATTERN")]
    refs: Option<Layout>,
    /// The class as CSV: student, group, name, email, number, login, github
    #[arg(long, value_name = "FILE")]
    roster: Option<PathBuf>,
    /// Only these students: a name, group/name, or a pattern such as '21214/*' (may be repeated)
    #[arg(long, value_name = "STUDENT")]
    only: Vec<String>,
    /// The gradebook, made if it is not there; its journal lies beside it
    #[arg(long, value_name = "FILE", default_value = "grades.db")]
    gradebook: PathBuf,
    /// The course, where one gradebook is for several
    #[arg(long, value_name = "NAME", default_value = "course")]
    course: String,
    /// When it is due: '2026-11-20 23:59+07:00'; UTC without an offset
    #[arg(long, value_name = "TIME", value_parser = due)]
    due: Option<i64>,
    /// What handing in late costs: '10%/day', '5/day, max 50%, grace 15m', 'none'
    #[arg(long, value_name = "POLICY")]
    late: Option<Late>,
    /// Which attempt counts [default: best]
    #[arg(long, value_enum)]
    attempt: Option<Which>,
    /// Take the newest file's time as that of handing in, where nothing else tells it
    #[arg(long)]
    file_times: bool,
    /// Run every scenario so often; what differs between the runs is told
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// The same data for everybody, and the same again
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Grade again what has not changed
    #[arg(long)]
    regrade: bool,
    /// Take over what a regrade changes without asking
    #[arg(long)]
    apply: bool,
    /// Show what would be graded
    #[arg(long)]
    dry_run: bool,
    /// Say only what is wrong
    #[arg(long, short)]
    quiet: bool,
    /// Submissions under way at once [default: one more than workers]
    #[arg(long, value_name = "N")]
    at_once: Option<NonZeroUsize>,
    /// Grade only this part of the class, counted from 0: '0/4' (for machines that share nothing;
    /// `grader results merge` puts the parts together)
    #[arg(long, value_name = "NUMBER/PARTS")]
    shard: Option<Shard>,
    #[command(flatten)]
    cluster: engine::ClusterArgs,
    #[command(flatten)]
    lang: LangOption,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Which attempt counts.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// The one with most points
    Best,
    /// The last one that could be graded
    Last,
}

fn due(text: &str) -> Result<i64, String> {
    time::parse(text).ok_or_else(|| "write it as 2026-11-20 23:59+07:00".to_owned())
}

/// What is graded, found and made ready.
struct Class {
    labs: BTreeMap<String, PreparedLab>,
    found: Found,
}

impl Batch {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let class = self.class()?;
        if !self.quiet {
            say_found(&class, Words(self.lang.get()))?;
            self.say_times(&class)?;
        }
        if self.dry_run {
            return match self
                .cluster
                .shown(self.engine.options().workers, &self.what)?
            {
                Some(text) => {
                    anstream::stdout().lock().write_all(text.as_bytes())?;
                    Ok(ExitCode::SUCCESS)
                }
                None => dry(&class),
            };
        }
        let mut gradebook = Gradebook::open(&self.gradebook)
            .map_err(|error| results::failed(&self.gradebook, error))?;
        let mut known = if self.regrade {
            Known::new()
        } else {
            gradebook
                .known()
                .map_err(|error| results::failed(&self.gradebook, error))?
        };
        let journal = self.journal(&mut known)?;
        let counts = self.grade(&class, &known, &journal)?;
        let merged = self.collect(&class, &mut gradebook, &journal)?;
        self.conclude(&class, &mut gradebook, &merged, &counts)
    }

    /// Nobody is late whose time of handing in is not known: who asks for lateness must know that.
    fn say_times(&self, class: &Class) -> Result<(), Failure> {
        let items = &class.found.items;
        let unknown = items.iter().filter(|item| item.submitted.is_none()).count();
        if (self.due.is_none() && self.late.is_none()) || unknown == 0 {
            return Ok(());
        }
        let words = Words(self.lang.get());
        let mut err = anstream::stderr().lock();
        writeln!(
            err,
            "{}",
            words.times_unknown(unknown, items.len(), self.file_times)
        )?;
        Ok(())
    }

    fn class(&self) -> Result<Class, Failure> {
        let Some((source, named)) = self.what.split_last() else {
            return Err(Failure::usage("no source is named"));
        };
        let mut labs = BTreeMap::new();
        let mut candidates = Vec::new();
        for name in named {
            let (name, numbers) = numbered(name)?;
            let source = lookup::lab(&name)?;
            let mut candidate = Candidate::of(&source.lab);
            if !numbers.is_empty() {
                candidate.numbers = numbers;
            }
            candidates.push(candidate);
            let lab = PreparedLab::new(source).map_err(|e| Failure::usage(e.to_string()))?;
            labs.insert(lab.id().to_owned(), lab);
        }
        let roster = match &self.roster {
            Some(path) => Some(Roster::read(path).map_err(|e| Failure::usage(e.to_string()))?),
            None => None,
        };
        let only = self
            .only
            .iter()
            .map(|pattern| batch::only(pattern))
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::usage("--only is no pattern").because(&error))?;
        let query = Query {
            labs: candidates,
            layout: self.layout.clone(),
            refs: self.refs.clone(),
            roster,
            only,
            by_file_times: self.file_times,
        };
        let mut found = batch::find(source, &query).map_err(|error| {
            let failure = Failure::usage(error.to_string());
            match error {
                batch::FindError::Nothing { .. } if self.layout.is_none() => failure.hint(
                    "say where they are: --layout '{group}/{student}/lab{n}', or --refs '{student}/lab{n}' for branches",
                ),
                _ => failure,
            }
        })?;
        if let Some(shard) = self.shard {
            found.items.retain(|item| shard.has(&item.identity));
        }
        Ok(Class { labs, found })
    }

    /// Opens the journal; what an interrupted batch left in it is known.
    fn journal(&self, known: &mut Known) -> Result<Journal, Failure> {
        let path = journal_path(&self.gradebook);
        let mut left = 0;
        let (journal, recovered) = Journal::open(&path, &mut |record| {
            left += 1;
            if record.status != Status::Error {
                known.insert((record.identity, record.key));
            }
        })
        .map_err(|error| Failure::fault(error.to_string()))?;
        let mut err = anstream::stderr().lock();
        if left > 0 && !self.quiet {
            let _ = writeln!(err, "{}", Words(self.lang.get()).going_on(left));
        }
        for damage in &recovered.damage {
            if !(damage.torn && self.quiet) {
                let _ = writeln!(err, "{}", said(&path, damage));
            }
        }
        Ok(journal)
    }

    fn grade(
        &self,
        class: &Class,
        known: &Known,
        journal: &Journal,
    ) -> Result<progress::Counts, Failure> {
        let engine_options = self.engine.options();
        let engine = Engine::new(&engine_options).map_err(|e| fault(&e))?;
        let options = Options {
            repeat: self.repeat,
            seed: self.seed,
            lang: self.lang.get(),
        };
        let grader = Grader::new(&engine, options.clone()).map_err(|e| fault(&e))?;
        let mut display = Display::new(class.found.items.len(), self.quiet, Words(self.lang.get()));
        let work = Workload {
            grader: &grader,
            labs: &class.labs,
            items: &class.found.items,
            known,
            journal,
        };
        if self.cluster.is_elsewhere() {
            let done = self
                .cluster
                .grade(&work, &options, &engine_options, &mut display);
            let counts = display.finish();
            return done.map(|()| counts);
        }
        let how = Local {
            at_once: self.at_once.map_or(engine.workers() + 1, NonZeroUsize::get),
            stop: &AtomicBool::new(false),
        };
        let done = batch::run(&work, &how, &mut |progress: Progress<'_>| {
            display.take(&progress);
        });
        let counts = display.finish();
        done.map_err(|error| Failure::fault(error.to_string()))?;
        Ok(counts)
    }

    /// Brings what the journal holds into the gradebook.
    fn collect(
        &self,
        class: &Class,
        gradebook: &mut Gradebook,
        journal: &Journal,
    ) -> Result<Merged, Failure> {
        let path = &self.gradebook;
        let failed = |error| results::failed(path, error);
        let words: Vec<String> = std::env::args().skip(1).collect();
        let mut merge = gradebook
            .merge(&self.course, &class.labs, &words.join(" "))
            .map_err(failed)?;
        let settings = LabSettings {
            due: self.due,
            late: self.late.clone(),
            pick: self.attempt.map(|which| match which {
                Which::Best => Pick::Best,
                Which::Last => Pick::Last,
            }),
        };
        for lab in class.labs.keys() {
            merge.settings(lab, &settings).map_err(failed)?;
        }
        for row in &class.found.missing {
            merge
                .student(&row.group, &row.student, &row.person)
                .map_err(failed)?;
        }
        for item in &class.found.items {
            if let Some(submitted) = item.submitted {
                merge.handed_in(&item.identity, submitted).map_err(failed)?;
            }
        }
        let mut error = None;
        journal
            .replay(&mut |record| {
                if error.is_none() {
                    error = merge.record(&record).err();
                }
            })
            .map_err(|error| Failure::fault(error.to_string()))?;
        if let Some(error) = error {
            return Err(failed(error));
        }
        let mut merged = merge.finish().map_err(failed)?;
        // It is in the gradebook now; a crash before this line only merges the same again.
        journal
            .reset()
            .map_err(|error| Failure::fault(error.to_string()))?;
        if self.apply && merged.pending > 0 {
            gradebook.apply().map_err(failed)?;
            merged.pending = 0;
        }
        Ok(merged)
    }

    fn conclude(
        &self,
        class: &Class,
        gradebook: &mut Gradebook,
        merged: &Merged,
        counts: &progress::Counts,
    ) -> Result<ExitCode, Failure> {
        let words = Words(self.lang.get());
        let mut out = anstream::stdout().lock();
        for lab in class.labs.keys() {
            // A lab of which nothing was found is in no table.
            let Ok(stats) = gradebook.stats(lab) else {
                continue;
            };
            if !self.quiet {
                summary(&mut out, lab, &stats, words)?;
            }
            look_at(&mut out, &stats, words)?;
        }
        if !self.quiet {
            if merged.kept > 0 {
                writeln!(out, "{}", words.kept(merged.kept))?;
            }
            // Those that an earlier batch has left wait still.
            let pending = gradebook
                .pending()
                .map_err(|error| results::failed(&self.gradebook, error))?;
            let next = if pending > 0 {
                writeln!(out, "{}", words.would_change(pending))?;
                words.pick(
                    "grader results compare, then results apply or discard",
                    "grader results compare, затем results apply или discard",
                )
            } else {
                "grader results show | stats | export"
            };
            writeln!(
                out,
                "{} {} · {} {next}",
                words.pick("gradebook", "ведомость"),
                clean(&self.gradebook.display().to_string()),
                words.next()
            )?;
        }
        Ok(ExitCode::from(if counts.errors > 0 {
            FAULT
        } else if counts.ungradable > 0 {
            NOT_MET
        } else {
            0
        }))
    }
}

/// `us-upper=30` as the lab and the numbers by which directories call it.
fn numbered(name: &Path) -> Result<(PathBuf, Vec<u32>), Failure> {
    let text = name.to_string_lossy();
    let Some((lab, numbers)) = text.rsplit_once('=').filter(|_| !name.exists()) else {
        return Ok((name.to_owned(), Vec::new()));
    };
    let numbers = numbers
        .split(',')
        .map(str::parse)
        .collect::<Result<Vec<u32>, _>>()
        .map_err(|_| Failure::usage(format!("`{text}`: a lab's number is wanted behind `=`")))?;
    Ok((lab.into(), numbers))
}

/// The journal of a gradebook: `grades.journal`.
pub(super) fn journal_path(gradebook: &Path) -> PathBuf {
    gradebook.with_extension("journal")
}

fn fault(fault: &grader::submission::Fault) -> Failure {
    Failure::fault(fault.to_string()).hint("`grader doctor` may tell more")
}

fn said(path: &Path, damage: &Damage) -> String {
    let place = format!("{}, line {}", path.display(), damage.line);
    let whose = damage
        .whose
        .as_ref()
        .map(|whose| format!(" of {whose}"))
        .unwrap_or_default();
    if damage.torn {
        format!(
            "{place}: the result{whose} was being written when the batch ended; it is made again"
        )
    } else {
        format!("{place}: the result{whose} is damaged; it is made again")
    }
}

fn say_found(class: &Class, words: Words) -> Result<(), Failure> {
    let found = &class.found;
    let mut students: Vec<_> = found
        .items
        .iter()
        .map(|item| (&item.identity.group, &item.identity.student))
        .collect();
    students.sort();
    students.dedup();
    let mut err = anstream::stderr().lock();
    writeln!(
        err,
        "{} ({})",
        words.found(found.items.len(), students.len()),
        clean(&found.how)
    )?;
    const SHOWN: usize = 10;
    for note in found.notes.iter().take(SHOWN) {
        writeln!(err, "note: {}", clean(note))?;
    }
    if found.notes.len() > SHOWN {
        writeln!(err, "note: and {} more", found.notes.len() - SHOWN)?;
    }
    if !found.missing.is_empty() {
        let names: Vec<&str> = found
            .missing
            .iter()
            .take(8)
            .map(|row| row.student.as_str())
            .collect();
        let more = if found.missing.len() > names.len() {
            ", …"
        } else {
            ""
        };
        writeln!(
            err,
            "{}: {}{more}",
            words.nothing_from(found.missing.len()),
            clean(&names.join(", "))
        )?;
    }
    Ok(())
}

fn dry(class: &Class) -> Result<ExitCode, Failure> {
    let mut out = anstream::stdout().lock();
    for item in &class.found.items {
        let submitted = item.submitted.map(time::shown).unwrap_or_default();
        let line = format!(
            "{}  {}  {submitted}",
            clean(&item.identity.to_string()),
            clean(&item.origin())
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_may_have_a_number() {
        let read = |text: &str| numbered(Path::new(text)).ok();
        assert_eq!(read("us-upper"), Some(("us-upper".into(), vec![])));
        assert_eq!(read("us-upper=30"), Some(("us-upper".into(), vec![30])));
        assert_eq!(
            read("us-upper=30,31"),
            Some(("us-upper".into(), vec![30, 31]))
        );
        assert_eq!(read("us-upper=x"), None);
    }
}
