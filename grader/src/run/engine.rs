//! The pool of workers that carries out plans.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, Once, OnceLock, PoisonError};

use supervisor::event::{Enforced, Event, Means, What, is_parted};
use supervisor::plan::{Isolation, Observation, Plan};
use supervisor::scratch;
use supervisor::worker::{Worker, WorkerError};

use super::shim;
use crate::lab::{Lab, Lang, Tools};
use crate::submission::{
    BuildOptions, BuildRunner, Cache, CacheMode, Fault, Toolchain, build_tools,
};

/// How the engine runs scenarios.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// How many scenarios run at once; one per CPU unless said otherwise.
    pub workers: Option<usize>,
    /// How strictly to isolate.
    pub isolation: Isolation,
    /// How closely to watch.
    pub observation: Observation,
    /// What is done without, whether or not this machine has it.
    pub without: BTreeSet<Means>,
    /// The executable that is started as worker; this one unless said otherwise.
    pub exe: Option<PathBuf>,
    /// Where finished builds are kept.
    pub cache: CacheMode,
}

/// So often a plan is carried out before it is given up that its acts do not come as one. Each is
/// spoilt only when the helper is driven from its processor within some microseconds.
const ATTEMPTS: u32 = 50;

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            workers: None,
            isolation: Isolation::BestEffort,
            observation: Observation::Full,
            without: BTreeSet::new(),
            exe: None,
            cache: CacheMode::Standard,
        }
    }
}

/// Carries out plans on a pool of workers, each pinned to a CPU. Workers are started when they are
/// first needed. Can be shared between threads; a plan waits until a worker is free.
pub struct Engine {
    isolation: Isolation,
    observation: Observation,
    without: BTreeSet<Means>,
    start: Box<StartWorker>,
    slots: Mutex<Vec<Slot>>,
    freed: Condvar,
    workers: usize,
    cache: Cache,
    toolchain: Toolchain,
    shim: OnceLock<Option<PathBuf>>,
    /// The labs' own programs that were asked for, and where they are.
    tools: Mutex<Vec<(Tools, BTreeMap<String, PathBuf>)>>,
}

/// A place for a worker.
struct Slot {
    cpu: Option<usize>,
    /// Not started yet, or lost.
    worker: Option<Box<dyn Carrier>>,
}

/// What carries a plan out: a [`Worker`], or a stand-in for tests.
pub(super) trait Carrier: Send {
    fn run(&mut self, plan: &Plan, on_event: &mut dyn FnMut(Event)) -> Result<(), WorkerError>;
}

pub(super) type StartWorker =
    dyn Fn(Option<usize>) -> Result<Box<dyn Carrier>, WorkerError> + Send + Sync;

impl Carrier for Worker {
    fn run(&mut self, plan: &Plan, on_event: &mut dyn FnMut(Event)) -> Result<(), WorkerError> {
        Worker::run(self, plan, on_event)
    }
}

impl Engine {
    /// An engine; nothing is started yet.
    ///
    /// # Errors
    /// The path of this executable cannot be found out, or the cache's directory cannot be used.
    pub fn new(options: &EngineOptions) -> Result<Self, Fault> {
        let exe = match &options.exe {
            Some(exe) => exe.clone(),
            None => std::env::current_exe().map_err(|e| Fault::Start(e.to_string()))?,
        };
        let start = move |cpu| -> Result<Box<dyn Carrier>, WorkerError> {
            Ok(Box::new(Worker::spawn(&exe, cpu)?))
        };
        Self::with(options, Toolchain::from_env(), Box::new(start))
    }

    pub(super) fn with(
        options: &EngineOptions,
        toolchain: Toolchain,
        start: Box<StartWorker>,
    ) -> Result<Self, Fault> {
        sweep_once();
        let cpus = allowed_cpus();
        let workers = options.workers.unwrap_or(cpus.len()).max(1);
        let slots = (0..workers)
            .map(|i| Slot {
                cpu: cpus.get(i % cpus.len().max(1)).copied(),
                worker: None,
            })
            .rev()
            .collect();
        Ok(Self {
            isolation: options.isolation,
            observation: options.observation,
            without: options.without.clone(),
            start,
            slots: Mutex::new(slots),
            freed: Condvar::new(),
            workers,
            cache: Cache::open(&options.cache)?,
            toolchain,
            shim: OnceLock::new(),
            tools: Mutex::default(),
        })
    }

    /// How many plans run at once.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Where finished builds are kept.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The compilers of this machine.
    #[must_use]
    pub fn toolchain(&self) -> &Toolchain {
        &self.toolchain
    }

    /// The library that audits signal handlers, compiled when it is first asked for and kept in
    /// the cache. `None` where it cannot be compiled.
    #[must_use]
    pub fn handler_shim(&self) -> Option<&Path> {
        self.shim
            .get_or_init(|| shim::provide(&self.cache, &self.toolchain))
            .as_deref()
    }

    /// The lab's own programs, by name: built when they are first asked for, and kept in the
    /// cache. Others who ask meanwhile wait.
    ///
    /// # Errors
    /// One cannot be built: the lab's or the machine's fault.
    pub fn tools(&self, lab: &Lab) -> Result<BTreeMap<String, PathBuf>, Fault> {
        if lab.tools.programs.is_empty() {
            return Ok(BTreeMap::new());
        }
        // Whoever waits here has no worker, so the one who builds finds one.
        let mut known = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, built)) = known.iter().find(|(tools, _)| *tools == lab.tools) {
            return Ok(built.clone());
        }
        let options = BuildOptions {
            cache: &self.cache,
            toolchain: &self.toolchain,
            lang: Lang::En,
            isolation: self.isolation,
        };
        let built = build_tools(self, &lab.id, &lab.tools, &options)?;
        known.push((lab.tools.clone(), built.clone()));
        Ok(built)
    }

    /// How strictly scenarios are isolated.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// How closely scenarios are watched.
    #[must_use]
    pub fn observation(&self) -> Observation {
        self.observation
    }

    /// What is done without, whether or not this machine has it.
    #[must_use]
    pub fn without(&self) -> &BTreeSet<Means> {
        &self.without
    }

    /// Starts the workers that so many plans will need, without waiting for them: they make their
    /// namespaces while the caller prepares the plans.
    pub fn warm_up(&self, plans: usize) {
        for slot in self.lock().iter_mut().rev().take(plans) {
            if slot.worker.is_none() {
                // Who needs the worker tries again, and tells why it cannot be started.
                slot.worker = (self.start)(slot.cpu).ok();
            }
        }
    }

    /// What this machine grants, found out by a scenario in which nothing happens.
    ///
    /// # Errors
    /// It cannot be set up: then none can.
    pub fn granted(&self) -> Result<Enforced, Fault> {
        let plan = Plan::nothing("nothing", self.observation, self.isolation);
        // Once more, should it have been a bad moment.
        let events = self.run(&plan).or_else(|_| self.run(&plan))?;
        let enforced = events.into_iter().find_map(|event| match event.what {
            What::Enforced(enforced) => Some(enforced),
            _ => None,
        });
        enforced.ok_or_else(|| Fault::Act("a scenario does not say what is enforced".to_owned()))
    }

    /// Carries out one plan and returns its recording.
    ///
    /// # Errors
    /// The worker or helper failed, or the plan could not be set up. Other plans are not
    /// concerned: a lost worker is replaced.
    pub fn run(&self, plan: &Plan) -> Result<Vec<Event>, Fault> {
        let mut slot = self.take();
        let mut result = Err(Fault::Act(format!(
            "programs ran between acts that belong together, in each of {ATTEMPTS} attempts"
        )));
        let mut plan = Cow::Borrowed(plan);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                plan.to_mut().attempt = attempt;
            }
            let mut events = Vec::new();
            let done = self.run_in(&mut slot, &plan, &mut |event| events.push(event));
            if done.is_err() || !is_parted(&events) {
                result = done.map(|()| events);
                break;
            }
        }
        self.give_back(slot);
        result
    }

    fn run_in(
        &self,
        slot: &mut Slot,
        plan: &Plan,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), Fault> {
        let mut worker = match slot.worker.take() {
            Some(worker) => worker,
            None => (self.start)(slot.cpu).map_err(|error| fault(&error))?,
        };
        let result = worker.run(plan, on_event);
        // After a failure in the worker itself nothing is known about its state.
        let lost = matches!(
            result,
            Err(WorkerError::WorkerDied(_) | WorkerError::Io(_) | WorkerError::Protocol(_))
        );
        if !lost {
            slot.worker = Some(worker);
        }
        result.map_err(|error| fault(&error))
    }

    fn take(&self) -> Slot {
        let mut slots = self.lock();
        loop {
            // The last one given back is warm: its worker runs and its caches are filled.
            if let Some(slot) = slots.pop() {
                return slot;
            }
            slots = self
                .freed
                .wait(slots)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, slot: Slot) {
        self.lock().push(slot);
        self.freed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Slot>> {
        // Slots are moved in and out whole; a panic elsewhere leaves none half changed.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("workers", &self.workers)
            .field("isolation", &self.isolation)
            .field("observation", &self.observation)
            .finish_non_exhaustive()
    }
}

impl BuildRunner for Engine {
    fn run(&self, plan: &Plan) -> Result<Vec<Event>, Fault> {
        Engine::run(self, plan)
    }
}

fn fault(error: &WorkerError) -> Fault {
    match error {
        WorkerError::Spawn(error) => Fault::Start(error.to_string()),
        WorkerError::Refused(_) | WorkerError::NotSetUp(_) => Fault::Act(error.to_string()),
        _ => Fault::Lost(error.to_string()),
    }
}

/// Removes the temporary directories of graders that were killed.
fn sweep_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let temporary = std::env::temp_dir();
        scratch::sweep(&temporary);
        if temporary != Path::new("/tmp") {
            scratch::sweep(Path::new("/tmp"));
        }
    });
}

/// The CPUs this process may use, proc(5) `Cpus_allowed_list`; as many as there are, from 0, where
/// that cannot be read.
fn allowed_cpus() -> Vec<usize> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .map(|list| cpu_list(list.trim()))
        .unwrap_or_default();
    if list.is_empty() {
        (0..std::thread::available_parallelism().map_or(1, usize::from)).collect()
    } else {
        list
    }
}

/// `0-2,7` as numbers, cpuset(7).
fn cpu_list(text: &str) -> Vec<usize> {
    /// More than any machine has: a damaged list must not fill the memory.
    const MOST: usize = 8192;
    text.split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?))
        })
        .flat_map(|(first, last)| first..=last.min(first.saturating_add(MOST)))
        .take(MOST)
        .collect()
}

#[cfg(test)]
mod tests;
