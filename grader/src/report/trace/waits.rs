//! How a step came to rest: the proof, and who waits for what.

use supervisor::event::{Ender, Quiet, Settled, Wait, WaitState};

use super::{Recording, row};
use crate::report::page::Page;

impl Recording<'_> {
    pub(super) fn settled(&self, page: &mut Page, at: u64, settled: &Settled) {
        let how = match settled.how {
            Quiet::Ended => "every program has ended".to_owned(),
            Quiet::Proved => "nothing more can happen: proved".to_owned(),
            Quiet::Until(ms) => format!("nothing more can happen for {ms} ms: proved"),
            Quiet::Polling(ms) => format!("a thread wakes up every {ms} ms and does nothing"),
            Quiet::Spinning => "a thread runs and makes no progress".to_owned(),
            Quiet::Silent(ms) => format!("silent for {ms} ms (not a proof)"),
            Quiet::Limit => "a limit ended the run".to_owned(),
        };
        row(
            page,
            at,
            "",
            &format!(
                "{how}, after {}.{:03} ms",
                settled.took / 1000,
                settled.took % 1000
            ),
        );
        for wait in &settled.waits {
            row(page, at, &self.process(wait.process), &self.wait(wait));
        }
    }

    fn wait(&self, wait: &Wait) -> String {
        let state = match &wait.state {
            WaitState::Blocked => "waits in".to_owned(),
            WaitState::Timed(ms) => format!("waits at most {ms} ms in"),
            WaitState::Polling(ms) => format!("wakes up every {ms} ms in"),
            WaitState::Spinning { calls, .. } => {
                format!("runs for ever ({calls} calls without progress),")
            }
            WaitState::Stopped => "is stopped in".to_owned(),
            WaitState::Zombie => "has ended and is not waited for".to_owned(),
            WaitState::Unknown => "cannot be inspected".to_owned(),
        };
        let enders: Vec<String> = wait
            .enders
            .iter()
            .map(|ender| match ender {
                Ender::Process {
                    itself: true, fd, ..
                } => format!("itself{}", descriptor(*fd)),
                Ender::Process { process, fd, .. } => {
                    format!("{}{}", self.process(*process), descriptor(*fd))
                }
                Ender::Grader => "the next step".to_owned(),
                Ender::Nobody => "nobody".to_owned(),
                Ender::Unknown(why) => format!("unknown ({why})"),
            })
            .collect();
        let ended = if enders.is_empty() {
            String::new()
        } else {
            format!("; can be ended by {}", enders.join(", "))
        };
        let thread = if wait.thread > 0 {
            format!("thread {} ", wait.thread)
        } else {
            String::new()
        };
        format!("{thread}{state} {}{ended}", wait.call)
    }
}

fn descriptor(fd: Option<i32>) -> String {
    fd.map(|fd| format!(" (fd {fd})")).unwrap_or_default()
}
