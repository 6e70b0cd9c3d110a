//! Who grades what: leases with a heartbeat.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::stat::futimens;
use nix::sys::time::TimeSpec;

use super::durable::unique;
use super::{Cannot, Key, Store, StoreError, at};

/// Heartbeats in the time after which a worker counts as gone: some may be late.
const BEATS: u32 = 5;
/// So many of them are missed before what the times of two hearts say is believed.
const CONFIRMED: u32 = 2;

/// A worker with a beating heart.
#[derive(Debug)]
pub struct Worker {
    name: Arc<str>,
    heart: PathBuf,
    doing: Arc<Mutex<Doing>>,
    /// What it has seen of the hearts of others.
    others: Mutex<Others>,
    stop: Option<mpsc::Sender<()>>,
    beating: Option<JoinHandle<()>>,
}

/// What a worker is doing.
#[derive(Debug, Default)]
struct Doing {
    /// The files that say so: the mark of a start, a lease.
    files: Vec<PathBuf>,
    /// It does nothing more.
    abandoned: bool,
}

/// What became of an attempt to claim an item.
#[derive(Debug)]
pub enum Claim {
    /// It is the worker's.
    Granted(Lease),
    /// A living worker has it.
    Taken,
}

/// An item that is a worker's; given up when dropped.
#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    owner: Arc<str>,
    /// Taken over from a worker that is gone.
    pub taken_over: bool,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Somebody may have taken it over meanwhile.
        if fs::read_link(&self.path).is_ok_and(|to| to.as_os_str() == &*self.owner) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Worker {
    /// A worker of this process; its heart beats from now on.
    ///
    /// # Errors
    /// Its heartbeat cannot be written.
    pub fn join(store: &Store) -> Result<Self, StoreError> {
        let name: Arc<str> = unique().into();
        let heart = store.root.join("beat").join(&*name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&heart)
            .map_err(at(&heart, Cannot::Written))?;
        // The marks of its starts are names of this file.
        writeln!(file, "{name}").map_err(at(&heart, Cannot::Written))?;
        let (stop, stopped) = mpsc::channel();
        let every = store.lease / BEATS;
        let beating = thread::spawn(move || beat(&file, every, &stopped));
        Ok(Self {
            name,
            heart,
            doing: Arc::default(),
            others: Mutex::new(Others::new()),
            stop: Some(stop),
            beating: Some(beating),
        })
    }

    /// Its name, unlike any other's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file of its heartbeat.
    pub(super) fn heart(&self) -> &Path {
        &self.heart
    }

    /// Gives up what it is doing as if it had never begun, because this process is told to end.
    /// What it does afterwards is not written any more.
    pub fn abandon(&self) {
        // From now on nothing is begun: this process may take a while to end.
        lock(&self.doing).abandoned = true;
        self.let_go();
        let _ = fs::remove_file(&self.heart);
    }

    /// Gives up its item as if it had never been begun.
    pub(super) fn let_go(&self) {
        // The lease last: until then nobody else begins.
        for path in lock(&self.doing).files.drain(..).rev() {
            // It may have stood still for so long that its lease is another's now.
            let taken = fs::read_link(&path).is_ok_and(|to| to.as_os_str() != &*self.name);
            if !taken {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Makes a file that [`abandon`](Self::abandon) removes, unless that was said already.
    pub(super) fn does(
        &self,
        path: &Path,
        make: impl FnOnce() -> io::Result<()>,
    ) -> Option<io::Result<()>> {
        let mut doing = lock(&self.doing);
        if doing.abandoned {
            return None;
        }
        let made = make();
        if made.is_ok() {
            doing.files.push(path.to_path_buf());
        }
        Some(made)
    }

    /// The item is done: nothing is left to be given up.
    pub(super) fn done(&self) {
        lock(&self.doing).files.clear();
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For how long each heart has stood still, by the clock of whoever looks: the times of hearts need
/// not be of one clock.
#[derive(Debug)]
struct Others {
    since: Instant,
    /// The last beat, and when it was first seen.
    seen: BTreeMap<OsString, (SystemTime, Duration)>,
    #[cfg(test)]
    ahead: Duration,
}

impl Others {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            seen: BTreeMap::new(),
            #[cfg(test)]
            ahead: Duration::ZERO,
        }
    }

    fn now(&self) -> Duration {
        let now = self.since.elapsed();
        #[cfg(test)]
        let now = now + self.ahead;
        now
    }

    fn still(&mut self, name: &OsStr, beat: SystemTime) -> Duration {
        let now = self.now();
        match self.seen.get(name) {
            Some((known, first)) if *known == beat => now.saturating_sub(*first),
            _ => {
                self.seen.insert(name.to_owned(), (beat, now));
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
impl Worker {
    /// As if so much time had passed for it.
    pub(super) fn let_pass(&self, time: Duration) {
        lock(&self.others).ahead += time;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(beating) = self.beating.take() {
            let _ = beating.join();
        }
        let _ = fs::remove_file(&self.heart);
    }
}

fn beat(heart: &File, every: Duration, stopped: &mpsc::Receiver<()>) {
    // The first beat was the making of the file.
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
        // The time is the file server's where it can be. A beat that fails is a beat that is missed.
        let _ = futimens(heart, &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_NOW);
    }
}

impl Store {
    /// Claims an item that nobody has, or whose worker is gone.
    ///
    /// Two workers may take the same item over at the same moment. Then both grade it, and the
    /// second result is refused: a race costs time, never a result.
    ///
    /// # Errors
    /// The lease cannot be read or written.
    pub fn claim(&self, key: &Key, worker: &Worker) -> Result<Claim, StoreError> {
        let path = self.root.join("lease").join(key.as_str());
        let lease = |taken_over| {
            Claim::Granted(Lease {
                path: path.clone(),
                owner: Arc::clone(&worker.name),
                taken_over,
            })
        };
        match worker.does(&path, || symlink(&*worker.name, &path)) {
            None => return Ok(Claim::Taken),
            Some(Ok(())) => return Ok(lease(false)),
            Some(Err(error)) if error.kind() == ErrorKind::AlreadyExists => {}
            Some(Err(error)) => return Err(at(&path, Cannot::Claimed)(error)),
        }
        let owner = match fs::read_link(&path) {
            Ok(owner) => owner,
            // Given up just now: somebody will come to it again.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Claim::Taken),
            Err(error) => return Err(at(&path, Cannot::Read)(error)),
        };
        // A link of ours stays where the reply to symlink(2) was lost on its way (NFS).
        if owner.as_os_str() == &*worker.name {
            let noted = worker.does(&path, || Ok(()));
            return Ok(noted.map_or(Claim::Taken, |_| lease(false)));
        }
        if self.lives(&owner, worker)? {
            return Ok(Claim::Taken);
        }
        let mine = self
            .root
            .join("lease")
            .join(super::durable::temporary_name());
        let taken = worker.does(&path, || {
            symlink(&*worker.name, &mine)?;
            fs::rename(&mine, &path)
        });
        match taken {
            None => Ok(Claim::Taken),
            Some(Ok(())) => Ok(lease(true)),
            Some(Err(error)) => Err(at(&path, Cannot::TakenOver)(error)),
        }
    }

    /// The last beat of every worker's heart, by name: a change is a sign of life.
    ///
    /// # Errors
    /// The hearts cannot be listed.
    pub fn beats(&self) -> Result<BTreeMap<OsString, SystemTime>, StoreError> {
        let path = self.root.join("beat");
        let mut beats = BTreeMap::new();
        for entry in fs::read_dir(&path).map_err(at(&path, Cannot::Listed))? {
            let entry = entry.map_err(at(&path, Cannot::Listed))?;
            // Gone meanwhile: no sign of life.
            if let Some(time) = modified(&entry.path())? {
                beats.insert(entry.file_name(), time);
            }
        }
        Ok(beats)
    }

    /// Whether a worker's heart beats. One that is seen to stand still for a whole lease does not. One
    /// whose last beat was a lease ago need not be watched for so long, but for some beats: that time
    /// is of one clock only where the file server sets it (NFS), and not where clients do (Lustre).
    fn lives(&self, owner: &Path, worker: &Worker) -> Result<bool, StoreError> {
        // A name, never a way to somewhere else.
        let Some(name) = owner.file_name().filter(|name| *name == owner.as_os_str()) else {
            return Ok(false);
        };
        let Some(theirs) = beat_of(&self.root.join("beat").join(name))? else {
            return Ok(false);
        };
        let touched = File::options().write(true).open(&worker.heart);
        let now = touched.and_then(|heart| {
            futimens(&heart, &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_NOW)
                .map_err(io::Error::from)?;
            heart.metadata()?.modified()
        });
        let now = now.map_err(at(&worker.heart, Cannot::Touched))?;
        let still = lock(&worker.others).still(name, theirs);
        let late = now.duration_since(theirs).unwrap_or_default() >= self.lease;
        let enough = if late {
            self.lease / BEATS * CONFIRMED
        } else {
            self.lease
        };
        Ok(still < enough)
    }
}

/// The last beat of a heart, if there is one. A file that is opened is asked for where it lies; what
/// is only looked at may be old (nfs(5), close-to-open).
fn beat_of(heart: &Path) -> Result<Option<SystemTime>, StoreError> {
    match File::open(heart).and_then(|file| file.metadata()?.modified()) {
        Ok(time) => Ok(Some(time)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(heart, Cannot::LookedAt)(error)),
    }
}

fn modified(path: &Path) -> Result<Option<SystemTime>, StoreError> {
    match fs::metadata(path).and_then(|meta| meta.modified()) {
        Ok(time) => Ok(Some(time)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path, Cannot::LookedAt)(error)),
    }
}
