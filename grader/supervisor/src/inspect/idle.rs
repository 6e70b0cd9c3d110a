//! Whether a program waits without using the processor.

use super::{fact, living};
use crate::event::{Fact, WaitState};
use crate::plan::ProgramId;
use crate::scene::{Scene, SceneThread};
use crate::waits::{Classifier, WaitKind};

/// Timed waits of so many milliseconds and more count as waiting: waking five times a second
/// costs next to nothing.
const PATIENT_MS: u64 = 200;

/// From the best to the worst; the worst thread speaks for the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Idle {
    Waits,
    Polls,
    Spins,
    Computes,
}

/// Channel `idle`: `waits`, `polls` (it wakes again and again by short timeouts), `spins` (it
/// repeats calls that do nothing) or `computes` (it runs without any call). Nothing when the
/// program has ended.
#[must_use]
pub fn idle(scene: &Scene<'_>, program: ProgramId, classifier: &mut Classifier) -> Vec<Fact> {
    let threads = living(scene, program).flat_map(|process| &process.threads);
    let worst = threads
        .filter_map(|thread| of_thread(thread, classifier))
        .max();
    let text = match worst {
        None => return Vec::new(),
        Some(Idle::Waits) => "waits",
        Some(Idle::Polls) => "polls",
        Some(Idle::Spins) => "spins",
        Some(Idle::Computes) => "computes",
    };
    vec![fact("idle", text)]
}

fn of_thread(thread: &SceneThread, classifier: &mut Classifier) -> Option<Idle> {
    let timed = |ms: u64| {
        if ms < PATIENT_MS {
            Idle::Polls
        } else {
            Idle::Waits
        }
    };
    if thread.held.is_some() {
        return Some(Idle::Waits);
    }
    match &thread.state_hint {
        Some(WaitState::Polling(ms) | WaitState::Timed(ms)) => return Some(timed(*ms)),
        Some(WaitState::Spinning { calls: 0, .. }) => return Some(Idle::Computes),
        Some(WaitState::Spinning { .. }) => return Some(Idle::Spins),
        Some(WaitState::Blocked | WaitState::Stopped) => return Some(Idle::Waits),
        Some(WaitState::Zombie) => return None,
        Some(WaitState::Unknown) | None => {}
    }
    match classifier.classify(thread.tid, &thread.scan, thread.stopped) {
        WaitKind::Dead => None,
        WaitKind::Timed(Some(ms)) | WaitKind::Left(ms) => Some(timed(ms)),
        WaitKind::Runs => Some(Idle::Computes),
        // Asleep, whatever for.
        WaitKind::Forever | WaitKind::Timed(None) | WaitKind::Stopped | WaitKind::Unknown(_) => {
            Some(Idle::Waits)
        }
    }
}
