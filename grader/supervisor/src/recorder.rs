//! Stamps events with time and step and hands them up.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::event::{Call, Event, Object, What};
use crate::plan::{Address, ProcessId, WORKSPACE};
use crate::raw;
use crate::wire::EventSink;

/// Calls reported per scenario; a program that makes more is described well enough by these.
const CALLS_KEPT: u32 = 20_000;
/// Each piece that is sent wakes the reader, which costs more than the piece: most scenarios are over
/// within this time.
const KEPT_BACK: Duration = Duration::from_millis(20);

/// The recording in the making.
pub(crate) struct Recorder {
    sink: EventSink,
    started: Instant,
    step: u32,
    last: Instant,
    flushed: Instant,
    calls: u32,
    /// The last call of each thread, kept back while it repeats.
    repeating: HashMap<(ProcessId, u16), Call>,
    /// Where the workspace really is, if not at [`WORKSPACE`].
    elsewhere: Option<Vec<u8>>,
}

impl Recorder {
    pub(crate) fn new(sink: EventSink, started: Instant, workspace: &Path) -> Self {
        let real = workspace.as_os_str().as_bytes();
        Self {
            sink,
            started,
            step: 0,
            last: started,
            flushed: started,
            calls: 0,
            repeating: HashMap::new(),
            elsewhere: (real != WORKSPACE.as_bytes()).then(|| real.to_vec()),
        }
    }

    /// Begins the next step.
    pub(crate) fn next_step(&mut self) {
        self.flush_calls();
        self.step += 1;
        self.emit(What::StepBegan);
    }

    /// The step that goes on, from 1; 0 before the first.
    pub(crate) fn step(&self) -> u32 {
        self.step
    }

    /// Reports something that happened now.
    pub(crate) fn emit(&mut self, what: What) {
        self.last = Instant::now();
        self.flush_calls();
        self.write(what);
    }

    /// Calls the workspace by its plan's name wherever programs name it.
    fn translate(&self, what: &mut What) {
        let Some(real) = &self.elsewhere else {
            return;
        };
        match what {
            What::Output { bytes, .. }
            | What::PeerData { bytes, .. }
            | What::PeerMessage { bytes, .. } => rename(&mut bytes.0, real),
            What::Executed { path, .. } => rename(&mut path.0, real),
            What::Renamed { from, to, .. } => {
                rename_address(from, real);
                rename_address(to, real);
            }
            What::Listening { address, .. }
            | What::Bound { address, .. }
            | What::BindFailed { address, .. }
            | What::Unlinked { address, .. }
            | What::Connecting { address, .. }
            | What::PeerRefused {
                address: Some(address),
                ..
            } => rename_address(address, real),
            What::Call(call) => {
                let mut args = std::mem::take(&mut call.args).into_bytes();
                rename(&mut args, real);
                call.args = String::from_utf8_lossy(&args).into_owned();
                rename(&mut call.data.0, real);
            }
            What::Settled(settled) => {
                for wait in &mut settled.waits {
                    if let Object::Listener(address) = &mut wait.on {
                        rename_address(address, real);
                    }
                }
            }
            _ => {}
        }
    }

    fn write(&mut self, mut what: What) {
        self.translate(&mut what);
        let at = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let event = Event {
            at,
            step: self.step,
            what,
        };
        if self.sink.send(&event).is_err() {
            nobody_listens();
        }
    }

    /// Reports a call, folding it into the one before when that was the same.
    pub(crate) fn call(&mut self, call: Call) {
        self.last = Instant::now();
        let key = (call.process, call.thread);
        if let Some(before) = self.repeating.get_mut(&key)
            && before.name == call.name
            && before.args == call.args
            && before.result == call.result
            && before.data == call.data
        {
            before.times = before.times.saturating_add(1);
            return;
        }
        if let Some(before) = self.repeating.insert(key, call) {
            self.write_call(before);
        }
    }

    /// The repetition a thread is in, as `read(4) = 0`, with its count.
    pub(crate) fn repetition(&self, process: ProcessId, thread: u16) -> Option<(String, u32)> {
        let call = self.repeating.get(&(process, thread))?;
        let result = call.result?;
        Some((
            format!("{}({}) = {result}", call.name, call.args),
            call.times,
        ))
    }

    /// Reports the calls kept back, so that they stand where they were made.
    pub(crate) fn flush_calls(&mut self) {
        if self.repeating.is_empty() {
            return;
        }
        let mut kept: Vec<Call> = self.repeating.drain().map(|(_, call)| call).collect();
        kept.sort_by_key(|call| (call.process, call.thread));
        for call in kept {
            self.write_call(call);
        }
    }

    fn write_call(&mut self, call: Call) {
        if self.calls < CALLS_KEPT {
            self.calls += 1;
            self.write(What::Call(call));
        }
    }

    /// Sends what has been kept back for some time.
    pub(crate) fn flush_old(&mut self) {
        if self.flushed.elapsed() >= KEPT_BACK {
            self.send_all();
        }
    }

    /// Sends everything on its way.
    pub(crate) fn flush(&mut self) {
        self.flush_calls();
        self.send_all();
    }

    fn send_all(&mut self) {
        self.flushed = Instant::now();
        if self.sink.flush().is_err() {
            nobody_listens();
        }
    }

    /// When something last happened.
    pub(crate) fn last_event(&self) -> Instant {
        self.last
    }

    /// When the scenario began.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }
}

/// The scenario ends with this process, by PTRACE_O_EXITKILL and as PID 1 of its namespace. Nothing of
/// the standard library's end is run: the worker shares the memory, and has its own end before it.
fn nobody_listens() -> ! {
    raw::exit(1)
}

fn rename_address(address: &mut Address, real: &[u8]) {
    if let Address::Path(path) = address {
        rename(&mut path.0, real);
    }
}

/// Replaces each occurrence of `real` by [`WORKSPACE`].
fn rename(bytes: &mut Vec<u8>, real: &[u8]) {
    let mut from = 0;
    while let Some(at) = bytes[from..]
        .windows(real.len())
        .position(|part| part == real)
    {
        let at = from + at;
        bytes.splice(at..at + real.len(), WORKSPACE.bytes());
        from = at + WORKSPACE.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_has_one_name_wherever_it_is() {
        let mut text = b"a: /tmp/g-1/lab/socket: /tmp/g-1/lab /tmp/g-1/la".to_vec();
        rename(&mut text, b"/tmp/g-1/lab");
        assert_eq!(text, b"a: /lab/socket: /lab /tmp/g-1/la");
    }
}
