//! `grader batch`.

mod class;
mod elsewhere;
mod engine;
mod gone;
mod interrupt;
mod keep;
mod machine;
mod moved;
pub(super) mod namesakes;
mod passed;
mod progress;
mod words;

pub(super) use self::interrupt::ending;
pub(super) use self::keep::{journal_path, open_journal};

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use grader::batch::{
    self, Grader, Journal, Known, Layout, LayoutError, Local, Options, Progress, Shard, Status,
    Workload,
};
use grader::gradebook::{Gradebook, Late, LateError, Merged, time};
use grader::run::Engine;
use grader::text::clean;

use self::class::{Class, dry, say_found, say_lost};
use self::interrupt::Interrupt;
use self::progress::{Counts, Display};
use super::failure::{FAULT, Failure, NOT_MET};
use super::lang::{both, lang};
use super::options::{EngineArgs, LangOption, Without};
use super::results::{self, FIRST, look_at, summary};
use super::tell::tell;
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
    // Not `{n}`: in help that is a new line.
    /// Which part of a path is what: '{group}/{student}/{lab}' [default: guessed]
    #[arg(long, value_name = "PATTERN", value_parser = layout)]
    layout: Option<Layout>,
    /// One submission for each branch, tag or other ref with such a name: '{student}/{lab}'; where
    /// it names no student, what the branch changes of --layout: 'pull/*/head'
    #[arg(long, value_name = "PATTERN", value_parser = refs)]
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
    /// When it is due: '2026-11-20 23:59+07:00'; UTC without an offset. With --only an extension for these students alone
    #[arg(long, value_name = "TIME", value_parser = due)]
    due: Option<time::Written>,
    /// What handing in late costs: '10%/day', '5/day, max 50%, grace 15m', 'none'
    #[arg(long, value_name = "POLICY", value_parser = late)]
    late: Option<Late>,
    /// Which attempt counts [default: best]
    #[arg(long, value_enum)]
    attempt: Option<Which>,
    /// Take the newest file's time, in a git repository that of the last commit that changed it, as that of handing in, where nothing else tells it
    #[arg(long)]
    file_times: bool,
    /// Run every scenario so often; what differs between the runs is told
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// The same data for everybody, and the same again
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Go on where an interrupted batch was, and leave alone what has not changed: the default
    #[arg(long, conflicts_with = "regrade")]
    resume: bool,
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
    /// Skip what needs this, everywhere: some machines do not have it (may be repeated)
    #[arg(long, value_enum, value_name = "MEANS")]
    without: Vec<Without>,
    /// Grade only this part of the class, counted from 0: '0/4' (for machines that share nothing;
    /// `grader results merge` puts the parts together)
    #[arg(long, value_name = "NUMBER/PARTS", value_parser = shard)]
    shard: Option<Shard>,
    #[command(flatten)]
    lang: LangOption,
    #[command(flatten)]
    engine: EngineArgs,
    // Last: what stands behind it would come under its heading.
    #[command(flatten)]
    cluster: engine::ClusterArgs,
}

/// Which attempt counts.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// The one with most points
    Best,
    /// The last one that could be graded
    Last,
}

fn shard(text: &str) -> Result<Shard, String> {
    let in_russian = |why: String| {
        both(
            why,
            "часть пишется NUMBER/PARTS, с нуля: 0/4, 1/4, 2/4, 3/4",
        )
    };
    text.parse().map_err(in_russian)
}

fn layout(text: &str) -> Result<Layout, String> {
    text.parse().map_err(|e: LayoutError| e.told(lang()))
}

fn refs(text: &str) -> Result<Layout, String> {
    Layout::of_refs(text).map_err(|e| e.told(lang()))
}

fn late(text: &str) -> Result<Late, String> {
    text.parse().map_err(|e: LateError| e.told(lang()))
}

fn due(text: &str) -> Result<time::Written, String> {
    time::written(text).ok_or_else(|| {
        both(
            "write it as 2026-11-20 23:59+07:00",
            "пишется так: 2026-11-20 23:59+07:00",
        )
    })
}

impl Batch {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        self.cluster.fits_the_engine(self.shard.is_some())?;
        let mut class = self.class()?;
        let words = Words(self.lang.get());
        // Who only looks wants to see everything.
        let most = if self.dry_run { usize::MAX } else { FIRST };
        if !self.quiet {
            say_found(&class, most, words);
            if let Some(due) = self.due {
                tell!("{}", words.due(due, !self.only.is_empty()));
            }
        }
        say_lost(&class, most, words);
        if self.dry_run {
            return match self.cluster.shown(
                self.engine.options().workers,
                &self.what,
                self.passed_on(),
                Words(self.lang.get()),
            )? {
                Some(text) => {
                    anstream::stdout().lock().write_all(text.as_bytes())?;
                    Ok(ExitCode::SUCCESS)
                }
                None => dry(&class),
            };
        }
        let mut gradebook = Gradebook::open(&self.gradebook)
            .map_err(|error| results::failed(&self.gradebook, error))?;
        gradebook
            .claim(&self.course, class.labs.keys())
            .map_err(|error| results::failed(&self.gradebook, error))?;
        self.tell_namesakes_apart(&mut class, &gradebook)?;
        let mut known = if self.regrade {
            Known::new()
        } else {
            gradebook
                .known()
                .map_err(|error| results::failed(&self.gradebook, error))?
        };
        let journal = self.journal(&mut known)?;
        let graded = self.grade(&class, &known, &journal)?;
        let through = graded.counts.done() == class.found.items.len();
        if self.regrade && !through {
            // From the journal the next one knows what has been graded again already.
            return self.conclude(&class, &gradebook, &graded);
        }
        let before = gradebook
            .labs()
            .map_err(|error| results::failed(&self.gradebook, error))?;
        let merged = self.collect(&class, &mut gradebook, &journal, through)?;
        self.say_moved(&before, &gradebook)?;
        match self.tell(&class, &gradebook, &merged) {
            // Who has read enough (`| head`) wants to know all the same how it went.
            // Nor is its terminal there any more where that is what told it to end.
            Err(failure) if !failure.is_quiet() && graded.by.is_none() => return Err(failure),
            _ => {}
        }
        self.conclude(&class, &gradebook, &graded)
    }

    fn grade(&self, class: &Class, known: &Known, journal: &Journal) -> Result<Graded, Failure> {
        let mut engine_options = self.engine.options();
        engine_options.without = self.without.iter().map(|without| without.means()).collect();
        let engine = Engine::new(&engine_options).map_err(|e| fault(&e))?;
        let options = Options {
            repeat: self.repeat,
            seed: self.seed,
            lang: self.lang.get(),
        };
        let mut grader = Grader::new(&engine, options.clone()).map_err(|e| fault(&e))?;
        if !self.cluster.is_elsewhere() {
            grader = grader.on(&machine::look(
                &engine,
                &class.labs,
                Words(self.lang.get()),
            )?);
        }
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
            let counts = display.finish(done.is_err());
            return done.map(|by| Graded { counts, by });
        }
        let (words, say) = (Words(self.lang.get()), display.sayer());
        let interrupt = Interrupt::watch(move || say(words.stopping())).map_err(|error| {
            Failure::fault(both(
                format!("signals cannot be watched: {error}"),
                format!("за сигналами не проследить: {error}"),
            ))
        })?;
        let how = Local {
            at_once: self.at_once.map_or(engine.workers() + 1, NonZeroUsize::get),
            stop: interrupt.stop(),
        };
        let done = batch::run(&work, &how, &mut |progress: Progress<'_>| {
            display.take(&progress);
        });
        let counts = display.finish(done.is_err());
        done.map_err(|error| {
            Failure::fault(error.told(lang())).hint(both(
                "what is written down is kept; once there is room and leave to write, the same command goes on where it was",
                "записанное сохранено; когда будут место и право писать, та же команда продолжит",
            ))
        })?;
        let by = interrupt.signal();
        Ok(Graded { counts, by })
    }

    /// A policy without a date takes nothing away from anybody.
    fn say_no_due(&self, class: &Class, gradebook: &Gradebook) -> Result<(), Failure> {
        if self
            .late
            .as_ref()
            .is_none_or(|late| *late == Late::default())
        {
            return Ok(());
        }
        let labs = gradebook
            .labs()
            .map_err(|error| results::failed(&self.gradebook, error))?;
        for lab in labs {
            if lab.due.is_none() && lab.extensions.is_empty() && class.labs.contains_key(&lab.name)
            {
                tell!("{}", Words(self.lang.get()).no_due(&lab.name));
            }
        }
        Ok(())
    }

    /// How the class stands now.
    fn tell(&self, class: &Class, gradebook: &Gradebook, merged: &Merged) -> Result<(), Failure> {
        let words = Words(self.lang.get());
        self.say_no_due(class, gradebook)?;
        if !self.quiet {
            self.say_times(class, gradebook)?;
            self.say_gone(class, gradebook)?;
            results::say_outdone(gradebook, words)
                .map_err(|error| results::failed(&self.gradebook, error))?;
        }
        let mut out = anstream::stdout().lock();
        for lab in class.labs.keys() {
            // A lab of which nothing was found is in no table.
            let Ok(stats) = gradebook.stats(lab) else {
                continue;
            };
            if !self.quiet {
                summary(&mut out, lab, &stats, words)?;
            }
            look_at(&mut out, &stats, FIRST, words)?;
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
        Ok(())
    }

    /// How the batch ended, as a status: the same whether work was graded now or is unchanged.
    fn conclude(
        &self,
        class: &Class,
        gradebook: &Gradebook,
        graded: &Graded,
    ) -> Result<ExitCode, Failure> {
        let Graded { counts, by } = graded;
        let items = &class.found.items;
        let (done, all) = (counts.done(), items.len());
        if let (Some(signal), true) = (by, done < all) {
            tell!("{}", Words(self.lang.get()).stopped(done, all));
            return Ok(interrupt::end_by(*signal));
        }
        if counts.errors > 0 {
            return Ok(ExitCode::from(FAULT));
        }
        let ungradable = gradebook.with_status(Status::Ungradable);
        let ungradable = ungradable.map_err(|error| results::failed(&self.gradebook, error))?;
        let any = items.iter().any(|item| ungradable.contains(&item.identity));
        let not_met = any || counts.ungradable > 0;
        Ok(ExitCode::from(if not_met { NOT_MET } else { 0 }))
    }
}

/// How far a batch came.
struct Graded {
    counts: Counts,
    /// The signal that told it to end.
    by: Option<i32>,
}

fn fault(fault: &grader::submission::Fault) -> Failure {
    Failure::fault(fault.to_string()).hint(both(
        "`grader doctor` may tell more",
        "подробнее может сказать `grader doctor`",
    ))
}
