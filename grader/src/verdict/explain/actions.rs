//! What the submission's programs did in the step: their calls, with remarks where one helps.

use std::collections::BTreeMap;

use supervisor::event::{Call, What};
use supervisor::plan::{PeerId, ProcessId};

use super::{Actions, Scene};
use crate::lab::{InputKind, Stimulus};
use crate::transcript::errno_name;
use crate::verdict::ActionCall;
use crate::verdict::phrases::Phrase;

/// Calls of one program that are shown: the last ones.
const MOST_CALLS: usize = 12;
/// With fewer calls than this in the step, those of the step before are shown as well.
const FEW: usize = 2;
/// A longer call is cut.
const LONGEST: usize = 160;

pub(super) fn actions(scene: &Scene<'_>) -> Vec<Actions> {
    let calls = calls(scene);
    let mut all = Vec::new();
    for (index, role) in scene.actors.programs.iter().enumerate() {
        if !scene.case.scenario.students.contains(role) {
            continue;
        }
        let of_role = |call: &&Told<'_>| usize::from(call.call.process.program.0) == index;
        let own: Vec<&Told<'_>> = calls.iter().filter(of_role).collect();
        let here = own.iter().filter(|told| told.step == scene.step).count();
        let before = scene.step.saturating_sub(1);
        let reach_back = here < FEW && own.iter().any(|told| told.step == before);
        let ended = ended(scene, index).filter(|_| !reach_back && here == 0);
        let from = match ended {
            Some(step) => step,
            None if reach_back => before,
            None => scene.step,
        };
        let chosen: Vec<&Told<'_>> = own
            .into_iter()
            .filter(|told| (from..=scene.step).contains(&told.step))
            .collect();
        let shown = shown(scene, &chosen);
        if !shown.is_empty() {
            all.push(Actions {
                program: role.clone(),
                step: scene.told,
                since: (from < scene.step).then_some(from),
                calls: shown,
            });
        }
    }
    all
}

/// The step in which a program ended that is not there any more: what it did then says why.
fn ended(scene: &Scene<'_>, program: usize) -> Option<u32> {
    let events = scene.case.ran.events.iter();
    let mut ends = events.filter(|event| match &event.what {
        What::Exited { process, .. } => {
            process.number == 0 && usize::from(process.program.0) == program
        }
        _ => false,
    });
    ends.next_back()
        .map(|event| event.step)
        .filter(|step| *step < scene.step)
}

/// A call, its step, what its descriptor is, and the peer at the other end of it.
struct Told<'a> {
    call: &'a Call,
    step: u32,
    peer: Option<PeerId>,
    kind: Option<Kind>,
}

/// What is known of a descriptor that a call has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A connection: nothing more comes after its end.
    Connection,
    /// A socket for messages, of which one may be empty.
    Messages,
}

/// All calls up to the step. Which descriptor leads to which peer is learnt from `accept`, which
/// the recording tells beside the peer's acceptance.
fn calls<'a>(scene: &Scene<'a>) -> Vec<Told<'a>> {
    let mut ends: BTreeMap<(ProcessId, i64), PeerId> = BTreeMap::new();
    let mut accepted: Option<(ProcessId, i64)> = None;
    let mut announced: Option<PeerId> = None;
    let mut kinds: BTreeMap<(ProcessId, i64), Kind> = BTreeMap::new();
    let mut told = Vec::new();
    for event in &scene.case.ran.events {
        if event.step > scene.step {
            break;
        }
        match &event.what {
            What::Call(call) => {
                let fd = first_number(&call.args);
                let peer = fd.and_then(|fd| ends.get(&(call.process, fd)).copied());
                let kind = fd.and_then(|fd| kinds.get(&(call.process, fd)).copied());
                told.push(Told {
                    call,
                    step: event.step,
                    peer,
                    kind,
                });
                if let Some((new, kind)) = Kind::made_by(call) {
                    kinds.insert((call.process, new), kind);
                }
                match (call.name.as_str(), call.result) {
                    ("accept" | "accept4", Some(new)) if new >= 0 => {
                        let end = (call.process, new);
                        match announced.take() {
                            Some(peer) => {
                                ends.insert(end, peer);
                            }
                            None => accepted = Some(end),
                        }
                    }
                    ("close", Some(0)) => {
                        if let Some(fd) = fd {
                            ends.remove(&(call.process, fd));
                        }
                    }
                    // The number is another file's now.
                    ("open" | "openat" | "creat", Some(new)) if new >= 0 => {
                        ends.remove(&(call.process, new));
                        kinds.remove(&(call.process, new));
                    }
                    _ => {}
                }
            }
            What::PeerAccepted { peer } => match accepted.take() {
                Some(end) => {
                    ends.insert(end, *peer);
                }
                None => announced = Some(*peer),
            },
            What::Forked { parent, child, .. } => {
                inherit(&mut ends, *parent, *child);
                inherit(&mut kinds, *parent, *child);
            }
            _ => {}
        }
    }
    told
}

/// A child has its parent's descriptors, fork(2).
fn inherit<T: Copy>(of: &mut BTreeMap<(ProcessId, i64), T>, parent: ProcessId, child: ProcessId) {
    let inherited: Vec<(i64, T)> = of
        .iter()
        .filter(|((process, _), _)| *process == parent)
        .map(|((_, fd), what)| (*fd, *what))
        .collect();
    of.extend(inherited.into_iter().map(|(fd, what)| ((child, fd), what)));
}

impl Kind {
    /// The descriptor that a call has made, and what it is.
    fn made_by(call: &Call) -> Option<(i64, Self)> {
        let new = call.result.filter(|&fd| fd >= 0)?;
        match call.name.as_str() {
            "socket" if call.args.contains("SOCK_DGRAM") => Some((new, Self::Messages)),
            "socket" | "accept" | "accept4" => Some((new, Self::Connection)),
            _ => None,
        }
    }
}

fn first_number(args: &str) -> Option<i64> {
    args.split(',').next()?.trim().parse().ok()
}

fn last_number(args: &str) -> Option<i64> {
    args.rsplit(',').next()?.trim().parse().ok()
}

fn shown(scene: &Scene<'_>, calls: &[&Told<'_>]) -> Vec<ActionCall> {
    let mut lines: Vec<(ActionCall, u64)> = Vec::new();
    for (index, told) in calls.iter().enumerate() {
        let next = next_of_thread(told.call, &calls[index + 1..]);
        if waits_on(told.call, next) {
            continue;
        }
        let again = next.is_some_and(|next| is_same(told.call, next));
        let line = ActionCall {
            text: text(scene, told.call),
            remark: remark(scene, told, again),
        };
        let times = u64::from(told.call.times.max(1));
        match lines.last_mut() {
            Some((last, seen)) if *last == line && told.call.result.is_some() => *seen += times,
            _ => lines.push((line, times)),
        }
    }
    let start = lines.len().saturating_sub(MOST_CALLS);
    let mut out = Vec::new();
    for (line, times) in lines.drain(start..) {
        let again = (times > 1).then(|| ActionCall {
            text: line.text.clone(),
            remark: Some(scene.say(Phrase::Repeated(times - 1))),
        });
        out.push(line);
        out.extend(again);
    }
    out
}

/// `read(4, "ab", 2) = 2`; a child's with its name before it.
fn text(scene: &Scene<'_>, call: &Call) -> String {
    let mut made = format!("{}({})", call.name, call.args);
    if made.chars().count() > LONGEST {
        made = made.chars().take(LONGEST).chain("…)".chars()).collect();
    }
    let result = match call.result {
        None => String::new(),
        Some(result) if (-4095..0).contains(&result) => {
            let errno = i32::try_from(-result).unwrap_or_default();
            format!(" = -1 {}", errno_name(errno))
        }
        Some(result) => format!(" = {result}"),
    };
    match call.process.number {
        0 => format!("{made}{result}"),
        _ => format!("{}: {made}{result}", scene.who(call.process)),
    }
}

/// What the thread did after the call.
fn next_of_thread<'a>(call: &Call, later: &[&Told<'a>]) -> Option<&'a Call> {
    later
        .iter()
        .map(|told| told.call)
        .find(|next| (next.process, next.thread) == (call.process, call.thread))
}

/// Whether one call is made once more: by the program, or by the kernel (`SA_RESTART`, signal(7)).
fn is_same(call: &Call, next: &Call) -> bool {
    (&next.name, &next.args) == (&call.name, &call.args)
}

/// Whether a call that waited at the end of a step still waits at the end of the next one, which
/// tells it again.
fn waits_on(call: &Call, next: Option<&Call>) -> bool {
    let still = |next: &Call| next.result.is_none() && is_same(call, next);
    call.result.is_none() && next.is_some_and(still)
}

/// Whether the terminal at the program's standard input has not come to its end: read(2) gives
/// nothing all the same where VMIN is 0, termios(3).
fn is_open(scene: &Scene<'_>, told: &Told<'_>) -> bool {
    let role = scene.role(told.call.process);
    let scenario = scene.case.scenario;
    let stdin = scenario.setup.get(role).and_then(|setup| setup.stdin);
    let until = usize::try_from(told.step).unwrap_or(usize::MAX);
    let mut stimuli = scenario
        .steps
        .iter()
        .take(until)
        .flat_map(|step| &step.stimuli);
    matches!(stdin, Some(InputKind::Pty | InputKind::Tty))
        && !stimuli.any(|stimulus| matches!(stimulus, Stimulus::Eof(program) if program == role))
}

fn remark(scene: &Scene<'_>, told: &Told<'_>, again: bool) -> Option<String> {
    let call = told.call;
    let Some(result) = call.result else {
        return Some(scene.say(Phrase::StillWaits));
    };
    let reads = matches!(
        call.name.as_str(),
        "read" | "recv" | "recvfrom" | "recvmsg" | "readv"
    );
    let writes = matches!(call.name.as_str(), "write" | "send" | "sendto");
    let opens = matches!(call.name.as_str(), "open" | "openat");
    let phrase = match result {
        0 if reads => match told.peer {
            Some(peer) => Phrase::PeerFinished(scene.peer(peer)),
            None if first_number(&call.args) == Some(0) && is_open(scene, told) => {
                Phrase::NothingTyped
            }
            None if first_number(&call.args) == Some(0) => Phrase::InputEnded,
            None if told.kind == Some(Kind::Messages) => Phrase::EmptyMessage,
            None if told.kind == Some(Kind::Connection) => Phrase::OtherSideFinished,
            None => Phrase::EndOfFile,
        },
        // These two always end so.
        -4 if matches!(call.name.as_str(), "pause" | "rt_sigsuspend") => return None,
        -4 if again => Phrase::MadeAgain,
        -4 => Phrase::Interrupted,
        -2 => Phrase::NoSuchFile,
        -6 if opens => Phrase::NobodyReads,
        -32 => Phrase::ReaderGone,
        -98 if call.args.contains('"') => Phrase::AddressTaken,
        -98 => Phrase::PortTaken,
        -104 => Phrase::Reset,
        -111 => Phrase::NothingListens,
        done if writes && done >= 0 => {
            // send(2) and sendto(2) have arguments after the length.
            let asked = last_number(&call.args).filter(|_| call.name == "write")?;
            if done >= asked {
                return None;
            }
            Phrase::Short { done, asked }
        }
        _ => return None,
    };
    Some(scene.say(phrase))
}
