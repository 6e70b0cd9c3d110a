//! Which signals have a handler, are ignored, are blocked.

use super::fact;
use crate::event::Fact;
use crate::plan::{ProcessId, ProgramId};
use crate::scene::Scene;

/// The first real-time signal that programs see; the two before it belong to the C library.
const RTMIN: u32 = 34;

/// Channel `signals`, of the root process's first thread: `caught: INT QUIT RTMIN`,
/// `ignored: PIPE`, `blocked: TERM`; a line that would be empty is left out. In `sigsuspend` the
/// mask of the call counts as blocked, for that is the one in force.
#[must_use]
pub fn signals(scene: &Scene<'_>, program: ProgramId) -> Vec<Fact> {
    let root = scene
        .process(ProcessId { program, number: 0 })
        .filter(|root| !root.zombie);
    let Some(thread) =
        root.and_then(|root| root.threads.iter().find(|thread| !thread.scan.is_dead()))
    else {
        return Vec::new();
    };
    let scan = &thread.scan;
    [
        ("caught", scan.caught),
        ("ignored", scan.ignored),
        ("blocked", scan.blocked),
    ]
    .into_iter()
    .filter_map(|(what, mask)| Some(fact("signals", format!("{what}: {}", names(mask)?))))
    .collect()
}

/// The signals of a mask (bit 0 is signal 1), by number.
pub(super) fn names(mask: u64) -> Option<String> {
    let numbers = (1..=64_u32).filter(|n| mask & (1 << (n - 1)) != 0 && !matches!(n, 32 | 33));
    let names: Vec<String> = numbers.map(signal_name).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// A signal's name without `SIG`: `INT`, `RTMIN`, `RTMIN+2`.
#[must_use]
pub fn signal_name(number: u32) -> String {
    let known = i32::try_from(number)
        .ok()
        .and_then(|n| nix::sys::signal::Signal::try_from(n).ok());
    match (known, number) {
        (Some(signal), _) => signal.as_str().trim_start_matches("SIG").to_owned(),
        (None, RTMIN) => "RTMIN".to_owned(),
        (None, 35..=64) => format!("RTMIN+{}", number - RTMIN),
        (None, _) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_spelled_out() {
        assert_eq!(names(0), None);
        assert_eq!(names(1 << 31 | 1 << 32), None);
        assert_eq!(
            names(1 << 1 | 1 << 2 | 1 << 33 | 1 << 35).as_deref(),
            Some("INT QUIT RTMIN RTMIN+2")
        );
        assert_eq!(signal_name(9), "KILL");
    }
}
