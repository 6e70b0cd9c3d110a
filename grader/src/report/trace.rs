//! The recording of a scenario: for people (`--trace`), step by step, and raw, as JSON lines.

use std::io::{self, Write};

use serde::Serialize;
use supervisor::event::{
    Call, Ender, Enforced, Event, ExitStatus, Queue, Quiet, Settled, Stream, Wait, WaitState, What,
};
use supervisor::plan::{Address, PeerId, ProcessId, ProgramId};

use crate::lab::Lang;
use crate::transcript::{errno_name, limit_words, signal_name};

use super::findings::pad;
use super::page::{Page, Tone};
use super::text::{columns, excerpt, one_line};

/// Characters of one payload that are shown; the raw recording has all of it.
const SHOWN: usize = 200;
/// Columns of the time and of the name.
const LEFT: usize = 12;
/// Said of a program that does not use the address of the lab.
const OTHER_ADDRESS: &str = " (not the address it was given)";

/// The recording of one run of a scenario, with the names its numbers stand for.
#[derive(Clone, Copy, Debug)]
pub struct Recording<'a> {
    /// The lab's id.
    pub lab: &'a str,
    /// The scenario's id.
    pub scenario: &'a str,
    /// Roles, by number of the program.
    pub programs: &'a [String],
    /// Peers, by number.
    pub peers: &'a [String],
    /// Titles of the steps, the first step's first.
    pub titles: &'a [String],
    /// What happened.
    pub events: &'a [Event],
}

/// Writes the recording for people, with colours.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_trace(out: &mut dyn Write, recording: &Recording<'_>) -> io::Result<()> {
    let mut page = Page::coloured();
    let head = format!("{} / {}", recording.lab, recording.scenario);
    page.put(Tone::Strong, &one_line(&head)).end();
    for event in recording.events {
        recording.event(&mut page, event);
    }
    page.end();
    out.write_all(page.finish().as_bytes())?;
    out.flush()
}

/// The first line of a raw recording.
#[derive(Serialize)]
struct Header<'a> {
    schema: &'static str,
    lab: &'a str,
    scenario: &'a str,
    programs: &'a [String],
    peers: &'a [String],
    steps: &'a [String],
}

/// Writes the recording as JSON lines: a header (`grader-recording/1`), then one event a line.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_raw(out: &mut dyn Write, recording: &Recording<'_>) -> io::Result<()> {
    let header = Header {
        schema: "grader-recording/1",
        lab: recording.lab,
        scenario: recording.scenario,
        programs: recording.programs,
        peers: recording.peers,
        steps: recording.titles,
    };
    let mut line = |value: serde_json::Result<String>| -> io::Result<()> {
        // Inside strings only: see the JSON report.
        writeln!(out, "{}", value?.replace("##[", "\\u0023#["))
    };
    line(serde_json::to_string(&header))?;
    for event in recording.events {
        line(serde_json::to_string(event))?;
    }
    out.flush()
}

impl Recording<'_> {
    fn program(&self, id: ProgramId) -> &str {
        self.programs
            .get(usize::from(id.0))
            .map_or("program", String::as_str)
    }

    fn peer(&self, id: PeerId) -> &str {
        self.peers
            .get(usize::from(id.0))
            .map_or("peer", String::as_str)
    }

    /// `server` for the process the grader started, `server#2` for its second descendant.
    fn process(&self, id: ProcessId) -> String {
        match id.number {
            0 => self.program(id.program).to_owned(),
            number => format!("{}#{number}", self.program(id.program)),
        }
    }

    fn event(&self, page: &mut Page, event: &Event) {
        let at = event.at;
        match &event.what {
            What::StepBegan => self.step(page, event.step),
            What::Call(call) => self.call(page, at, call),
            What::Settled(settled) => self.settled(page, at, settled),
            What::Inspected { program, facts, .. } => {
                for fact in facts {
                    let who = format!("{}.{}", self.program(*program), fact.channel);
                    row(page, at, &who, &fact.text);
                }
            }
            one => {
                let (who, text) = self.told(one);
                row(page, at, &who, &text);
            }
        }
    }

    fn step(&self, page: &mut Page, step: u32) {
        let number = usize::try_from(step).unwrap_or(usize::MAX);
        let title = number
            .checked_sub(1)
            .and_then(|index| self.titles.get(index));
        let title = one_line(title.map_or("", String::as_str));
        page.end()
            .put(Tone::Strong, &format!("--- {step}  {title}"))
            .end();
    }

    /// Who, and in one line what was done or happened.
    fn told(&self, what: &What) -> (String, String) {
        let who = |process: &ProcessId| self.process(*process);
        let name = |peer: &PeerId| self.peer(*peer).to_owned();
        let grader = || "grader".to_owned();
        match what {
            What::Started { process, pid } => (who(process), format!("started, pid {pid}")),
            What::ExecFailed { process, errno } => (
                who(process),
                format!("execve failed: {}", errno_name(*errno)),
            ),
            What::Forked { parent, child, pid } => (
                who(parent),
                format!("forked {}, pid {pid}", self.process(*child)),
            ),
            What::Executed { process, path } => {
                (who(process), format!("executes {}", path.escaped()))
            }
            What::Exited { process, status } => (who(process), exit(*status)),
            What::PipeWritten {
                process,
                pipe,
                bytes,
            } => (
                who(process),
                format!("wrote \"{}\" into its pipe {}", bytes.escaped(), pipe + 1),
            ),
            What::PipeRead { process, pipe } => {
                (who(process), format!("read from its pipe {}", pipe + 1))
            }
            What::Reaped { process } => (who(process), "was waited for".to_owned()),
            What::Orphaned { process } => (who(process), "outlived its parent".to_owned()),
            What::Listening {
                process,
                address,
                nominal,
            } => {
                let other = if *nominal { "" } else { OTHER_ADDRESS };
                (
                    who(process),
                    format!("listens at {}{other}", place(address)),
                )
            }
            What::Bound {
                process, address, ..
            } => (who(process), format!("has the name {}", place(address))),
            What::BindFailed {
                process,
                address,
                errno,
            } => (
                who(process),
                format!("cannot bind {}: {}", place(address), errno_name(*errno)),
            ),
            What::Connecting { process, address } => (
                who(process),
                format!("connects to {}{OTHER_ADDRESS}", place(address)),
            ),
            What::Signalled { process, signal } => {
                (who(process), format!("gets {}", signal_name(*signal)))
            }
            What::Stopped { process, stopped } => {
                let text = if *stopped { "stopped" } else { "continued" };
                (who(process), text.to_owned())
            }
            What::Disturbed { process, what } => (who(process), format!("disturbed: {what}")),
            What::Output {
                program,
                stream,
                bytes,
            } => (
                self.stream(*program, *stream),
                format!("\"{}\"", bytes.escaped()),
            ),
            What::OutputEnd { program, stream } => {
                (self.stream(*program, *stream), "end".to_owned())
            }
            What::Unlinked { program, address } => (
                self.program(*program).to_owned(),
                format!("{} is gone", place(address)),
            ),
            What::Untaken { queue, bytes } => {
                let who = match queue {
                    Queue::Stdin(program) => format!("{}.in", self.program(*program)),
                    Queue::Peer(peer) => self.peer(*peer).to_owned(),
                };
                (who, format!("{bytes} bytes not taken"))
            }
            What::Limit {
                program,
                limit,
                most,
            } => {
                let who = program.map_or("", |program| self.program(program));
                let words = limit_words(*limit, *most, Lang::En);
                (who.to_owned(), format!("limit reached: {words}"))
            }
            What::PeerOpen { peer } => (name(peer), "connected, in the queue".to_owned()),
            What::PeerAccepted { peer } => (name(peer), "accepted".to_owned()),
            What::PeerReady { peer } => (name(peer), "ready".to_owned()),
            What::PeerMessage { peer, bytes, cut } => {
                let cut = if *cut { ", cut" } else { "" };
                let text = format!("got the message \"{}\"{cut}", bytes.escaped());
                (name(peer), text)
            }
            What::PeerRefused {
                peer,
                address,
                errno,
            } => {
                let to = address.as_ref().map(|to| format!(" at {}", place(to)));
                let to = to.unwrap_or_default();
                (name(peer), format!("refused{to}: {}", errno_name(*errno)))
            }
            What::PeerWaits { peer } => {
                (name(peer), "waits for the other end of the FIFO".to_owned())
            }
            What::NoStranger { peer } => (
                name(peer),
                "cannot be another user on this machine".to_owned(),
            ),
            What::PeerNoFifo { peer } => (name(peer), "finds no FIFO".to_owned()),
            What::PeerData { peer, bytes } => (name(peer), format!("got \"{}\"", bytes.escaped())),
            What::PeerEof { peer } => (name(peer), "got the end of the stream".to_owned()),
            What::PeerFailed { peer, errno } => {
                (name(peer), format!("failed: {}", errno_name(*errno)))
            }
            What::ActFailed { error, .. } => (grader(), format!("could not do this: {error}")),
            What::Parted => (
                grader(),
                "driven from the processor between acts that belong together".to_owned(),
            ),
            What::Enforced(enforced) => {
                let Enforced {
                    isolation,
                    observation,
                    ..
                } = enforced;
                let text = format!("isolation {isolation}, observation {observation}");
                (String::new(), text)
            }
            What::Starved { what } => (String::new(), format!("the machine ran short of {what}")),
            What::File { name, mode, bytes } => {
                let text = format!(
                    "file {}, mode {mode:o}, {} bytes",
                    name.escaped(),
                    bytes.len()
                );
                (String::new(), text)
            }
            What::Ended => (
                String::new(),
                "everything the scenario started is gone".to_owned(),
            ),
            // Told by more than one line, or with a place of their own: `event`.
            What::StepBegan | What::Call(_) | What::Settled(_) | What::Inspected { .. } => {
                Default::default()
            }
        }
    }

    fn stream(&self, program: ProgramId, stream: Stream) -> String {
        let channel = match stream {
            Stream::Out => "out",
            Stream::Err => "err",
            Stream::In => "in",
        };
        format!("{}.{channel}", self.program(program))
    }

    fn call(&self, page: &mut Page, at: u64, call: &Call) {
        let mut who = self.process(call.process);
        if call.thread > 0 {
            who += &format!("/{}", call.thread);
        }
        let result = match call.result {
            None => " waits".to_owned(),
            Some(result) => match i32::try_from(result) {
                // The kernel's error results: -4095 to -1.
                Ok(errno @ -4095..=-1) => format!(" = -1 {}", errno_name(-errno)),
                _ => format!(" = {result}"),
            },
        };
        let times = if call.times > 1 {
            format!("   {} times", call.times)
        } else {
            String::new()
        };
        row(
            page,
            at,
            &who,
            &format!("{}({}){result}{times}", call.name, call.args),
        );
    }

    fn settled(&self, page: &mut Page, at: u64, settled: &Settled) {
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

fn exit(status: ExitStatus) -> String {
    match status {
        ExitStatus::Code(code) => format!("exits with {code}"),
        ExitStatus::Signal(signal) => format!("is killed by {}", signal_name(signal)),
        ExitStatus::StillRunning => "was still running at the end".to_owned(),
    }
}

fn place(address: &Address) -> String {
    match address {
        Address::Path(path) => path.escaped(),
        Address::Abstract(name) => format!("@{}", name.escaped()),
        Address::Inet(address) => address.to_string(),
    }
}

/// `   1.234 ms  server      read(4, "ab", 2) = 2`
fn row(page: &mut Page, at: u64, who: &str, text: &str) {
    let time = format!("{:>5}.{:03} ms  ", at / 1000, at % 1000);
    let who = pad(&one_line(who), LEFT);
    let text = one_line(text);
    let text = if columns(&text) > SHOWN {
        excerpt(&text, 0, SHOWN)
    } else {
        text
    };
    page.put(Tone::Dim, &time)
        .put(Tone::Strong, &who)
        .line(&format!("  {text}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use supervisor::Bytes;
    use supervisor::event::Object;

    fn events() -> Vec<Event> {
        let server = ProcessId {
            program: ProgramId(0),
            number: 0,
        };
        let child = ProcessId {
            program: ProgramId(0),
            number: 1,
        };
        let alice = PeerId(0);
        let call = |name: &str, args: &str, result, times| {
            What::Call(Call {
                process: server,
                thread: 0,
                name: name.to_owned(),
                args: args.to_owned(),
                data: Bytes::default(),
                result,
                times,
            })
        };
        let wait = Wait {
            process: child,
            thread: 0,
            call: "read(0)".to_owned(),
            state: WaitState::Blocked,
            on: Object::Pipe {
                name: "A".to_owned(),
                writing: false,
            },
            enders: vec![Ender::Process {
                process: child,
                fd: Some(4),
                itself: true,
            }],
        };
        let enforced = Enforced {
            isolation: "full".to_owned(),
            observation: "full".to_owned(),
            active: Vec::new(),
            missing: Vec::new(),
        };
        let steps = [
            (0, What::Enforced(enforced)),
            (1, What::StepBegan),
            (
                1,
                What::Started {
                    process: server,
                    pid: 2,
                },
            ),
            (
                1,
                What::Listening {
                    process: server,
                    address: Address::Path("/lab/s\u{1b}".into()),
                    nominal: false,
                },
            ),
            (1, call("accept", "3, NULL, NULL", None, 1)),
            (
                1,
                What::Settled(Settled {
                    how: Quiet::Proved,
                    waits: Vec::new(),
                    took: 1_640,
                }),
            ),
            (2, What::StepBegan),
            (
                2,
                What::PeerData {
                    peer: alice,
                    bytes: Bytes(b"##[error]\x1b[2J\n::error::x".to_vec()),
                },
            ),
            (2, call("read", "4, \"\", 4096", Some(0), 41_813)),
            (2, call("write", "4, \"x\", 1", Some(-32), 1)),
            (
                2,
                What::Signalled {
                    process: server,
                    signal: 13,
                },
            ),
            (
                2,
                What::Forked {
                    parent: server,
                    child,
                    pid: 3,
                },
            ),
            (
                2,
                What::Output {
                    program: ProgramId(0),
                    stream: Stream::Out,
                    bytes: Bytes(vec![b'a'; 500]),
                },
            ),
            (
                2,
                What::Settled(Settled {
                    how: Quiet::Proved,
                    waits: vec![wait],
                    took: 12,
                }),
            ),
            (
                2,
                What::Exited {
                    process: server,
                    status: ExitStatus::Signal(13),
                },
            ),
            (2, What::Ended),
        ];
        steps
            .into_iter()
            .zip(0..)
            .map(|((step, what), at)| Event {
                at: at * 1_250,
                step,
                what,
            })
            .collect()
    }

    fn with_recording<T>(test: impl FnOnce(&Recording<'_>) -> T) -> T {
        let (programs, peers) = (["server".to_owned()], ["alice".to_owned()]);
        let titles = ["start server".to_owned(), "connect alice".to_owned()];
        test(&Recording {
            lab: "us-upper",
            scenario: "talk",
            programs: &programs,
            peers: &peers,
            titles: &titles,
            events: &events(),
        })
    }

    #[test]
    fn a_trace_shows_every_step_with_its_calls() {
        let mut out = Vec::new();
        with_recording(|recording| write_trace(&mut out, recording)).unwrap();
        let text = String::from_utf8(out).unwrap();
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_raw_recording_is_read_back_event_by_event() {
        let mut out = Vec::new();
        with_recording(|recording| write_raw(&mut out, recording)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("##["), "{text}");
        let mut lines = text.lines();
        let header: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!(header["schema"], "grader-recording/1");
        let read: Vec<Event> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read, events());
    }
}
