//! How a program ended, and whether it wrote before.

use supervisor::event::{ExitStatus, Stream, What};

use super::Seen;
use crate::lab::Ended;
use crate::transcript::signal_name;

/// Whether it ended as wanted.
pub(super) fn ended(how: Ended, seen: Seen<'_>) -> Result<(), String> {
    // What the grader stopped has not ended by itself.
    let limit = seen.events.iter().any(|event| {
        matches!(&event.what, What::Limit { program: of, limit, .. }
            if limit.interferes() && of.is_none_or(|of| of == seen.program))
    });
    let end = seen.events.iter().find_map(|event| match &event.what {
        What::Exited { process, status }
            if process.program == seen.program && process.number == 0 =>
        {
            Some((event.step, *status))
        }
        _ => None,
    });
    let Some((step, status)) = end else {
        return Err("it never ran".to_owned());
    };
    if how == Ended::NotCrashed {
        return match status {
            ExitStatus::Signal(signal) if is_crash(signal) && !limit => {
                Err(format!("killed {}", signal_name(signal)))
            }
            _ => Ok(()),
        };
    }
    if seen.window.from.is_some_and(|from| step < from) {
        return Err(format!("it ended too early, in step {step}"));
    }
    match (status, how) {
        _ if limit => Err("a limit stopped it".to_owned()),
        (ExitStatus::StillRunning, _) => Err("still running".to_owned()),
        _ if !seen.window.has(step) => Err("it was still running".to_owned()),
        (ExitStatus::Signal(signal), Ended::Exit | Ended::Zero) => {
            Err(format!("killed {}", signal_name(signal)))
        }
        (ExitStatus::Signal(signal), Ended::NoCrash) if is_crash(signal) => {
            Err(format!("killed {}", signal_name(signal)))
        }
        (ExitStatus::Code(code), Ended::Zero) if code != 0 => Err(format!("exit {code}")),
        _ => Ok(()),
    }
}

/// Whether the signal is one that a program's own fault raises: signal(7). An alarm kills who has no handler for it.
fn is_crash(signal: i32) -> bool {
    matches!(
        signal_name(signal).as_str(),
        "SIGSEGV" | "SIGBUS" | "SIGFPE" | "SIGILL" | "SIGSYS" | "SIGABRT" | "SIGALRM"
    )
}

/// Whether something was written before the step of the end.
pub(super) fn live(seen: Seen<'_>) -> Result<(), String> {
    let ended = seen.events.iter().find_map(|event| match &event.what {
        What::Exited {
            process,
            status: ExitStatus::Code(_) | ExitStatus::Signal(_),
        } if process.program == seen.program && process.number == 0 => Some(event.step),
        _ => None,
    });
    let mut steps = seen.events.iter().filter_map(|event| match &event.what {
        What::Output {
            program: of,
            stream: Stream::Out,
            bytes,
        } if *of == seen.program && !bytes.is_empty() && seen.window.has(event.step) => {
            Some(event.step)
        }
        _ => None,
    });
    match (steps.next(), ended) {
        (None, _) => Err("nothing was written".to_owned()),
        (Some(step), Some(ended)) if step >= ended => {
            Err("it came only when the program ended".to_owned())
        }
        _ => Ok(()),
    }
}
