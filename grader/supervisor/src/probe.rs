//! What this machine grants, found out by doing, for `grader doctor`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::event::{Enforced, Event, Means, What};
use crate::plan::{Isolation, Observation, Plan};
use crate::wire::Kind;
use crate::worker::{Process, Worker, WorkerError, mode};

pub(crate) use checks::{answer, may_trace};

mod apparmor;
mod cgroup;
mod checks;
mod namespaces;

/// One thing tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What: `user namespace`.
    pub name: String,
    /// Whether it is granted.
    pub ok: bool,
    /// What was seen: a version, a value, the reason of a refusal.
    pub detail: String,
    /// What would grant it, where that is known.
    pub remedy: Option<String>,
}

impl Check {
    fn new(name: &str, result: Result<String, String>) -> Self {
        Self {
            name: name.into(),
            ok: result.is_ok(),
            detail: result.unwrap_or_else(|reason| reason),
            remedy: None,
        }
    }

    fn or(mut self, remedy: impl Into<String>) -> Self {
        if !self.ok {
            self.remedy = Some(remedy.into());
        }
        self
    }
}

/// Tries everything a scenario needs, one by one in a process of its own, and then all of it
/// together. `exe` is the executable as for [`Worker::spawn`].
#[must_use]
pub fn probe(exe: &Path) -> Vec<Check> {
    let mut checks =
        single(exe).unwrap_or_else(|reason| vec![Check::new("worker process", Err(reason))]);
    if let Some(user) = checks
        .iter_mut()
        .find(|check| check.name == namespaces::USER)
    {
        apparmor::explain(user, exe);
    }
    checks.extend(whole(exe));
    checks
}

fn single(exe: &Path) -> Result<Vec<Check>, String> {
    let started = Process::start(exe, mode::PROBE, None, None, None);
    let mut process = started.map_err(|e| e.to_string())?;
    process.expect_answer_within(0);
    let frame = process.receive().map_err(|e| e.to_string())?;
    match frame.kind {
        Kind::Checks => frame.decode().map_err(|e| e.to_string()),
        kind => Err(format!("it answered with an unexpected {kind:?}")),
    }
}

/// A scenario in which nothing happens, with all isolation required; before it what only some labs need.
fn whole(exe: &Path) -> Vec<Check> {
    let plan = Plan::nothing("probe", Observation::Full, Isolation::Required);
    let mut enforced = None;
    let mut on_event = |event: Event| {
        if let What::Enforced(what) = event.what {
            enforced = Some(what);
        }
    };
    let ran = Worker::spawn(exe, None).and_then(|mut worker| worker.run(&plan, &mut on_event));
    let mut checks: Vec<Check> = enforced.iter().flat_map(means).collect();
    let result = match (ran, enforced) {
        (Ok(()), Some(enforced)) => {
            let missing = match enforced.missing.join("; ") {
                none if none.is_empty() => String::new(),
                some => format!(" (without {some})"),
            };
            Ok(format!(
                "isolation {}, observation {}{missing}",
                enforced.isolation, enforced.observation
            ))
        }
        (Ok(()), None) => Err("it did not say what it enforces".into()),
        (Err(WorkerError::Refused(reason)), _) => Err(reason),
        (Err(error), _) => Err(error.to_string()),
    };
    checks.push(
        Check::new("a whole scenario", result)
            .or("scenarios run with reduced isolation: see the refusals above"),
    );
    checks
}

/// What only some labs need, as a scenario had it.
fn means(enforced: &Enforced) -> [Check; 2] {
    Means::ALL.map(|means| {
        let (name, there, lacking, remedy) = match means {
            Means::Ipv6 => (
                "IPv6",
                "::1 answers",
                "::1 is not there",
                "boot without ipv6.disable=1; without it what a lab shows over IPv6 is skipped",
            ),
            Means::OtherUser => (
                "second user id",
                "granted",
                "an ordinary user's namespace holds one",
                "install newuidmap (Debian, Ubuntu: apt install uidmap) and set ids apart for this user \
                 in /etc/subuid and /etc/subgid (usermod --add-subuids, --add-subgids), or run \
                 grader as root; without it what a lab shows as another user is skipped",
            ),
        };
        let result = if enforced.lacks.contains(&means) {
            Err(lacking.to_owned())
        } else {
            Ok(there.to_owned())
        };
        Check::new(name, result).or(remedy)
    })
}
