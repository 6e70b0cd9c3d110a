//! Titles of phases, from the stimuli of their steps.

use supervisor::bytes::escape;

use super::names::end_kept;
use crate::lab::{
    Data, DataSource, DisturbOn, Disturbance, Effect, FileStep, Inspection, Nth, OwnName, Reach,
    SocketKind, Step, Stimulus,
};

/// A longer text is cut in a title.
const LONGEST: usize = 60;
/// What a title shows of a text that is cut.
const SHOWN: usize = 40;

/// `connect alice`, `alice >. ab`, `signal server SIGTERM x50`; several stimuli with commas.
#[must_use]
pub fn step_title(step: &Step) -> String {
    let titles: Vec<String> = step.stimuli.iter().map(stimulus).collect();
    end_kept(titles.join(", "))
}

fn stimulus(stimulus: &Stimulus) -> String {
    match stimulus {
        Stimulus::Start(program) => format!("start {program}"),
        Stimulus::Type { program, data } => sent(program, data),
        Stimulus::Eof(program) => format!("eof {program}"),
        Stimulus::LeaveOutput { program, after } => format!("leave {program} after {after} bytes"),
        Stimulus::Connect {
            peer,
            stalled,
            reach,
            stranger,
            ..
        } => {
            let how = reach.as_ref().map(reached).unwrap_or_default();
            let user = if *stranger { " as another user" } else { "" };
            format!("connect {peer}{how}{user}{}", reading(*stalled))
        }
        Stimulus::Listen { peer, kind, host } => {
            let host = host.map(|host| format!(" at {host}")).unwrap_or_default();
            format!("listen {peer}{}{host}", kind_of(*kind))
        }
        Stimulus::Accept { peer, stalled, .. } => format!("accept {peer}{}", reading(*stalled)),
        Stimulus::Open {
            peer,
            path,
            writing,
            stalled,
            room,
        } => {
            let way = if *writing { "writing" } else { "reading" };
            let room = room.map_or_else(String::new, |room| format!(", {room} bytes of room"));
            let path = named(path);
            format!("{peer} opens {path} for {way}{room}{}", reading(*stalled))
        }
        Stimulus::Send { peer, data } => sent(peer, data),
        Stimulus::Shutdown(peer) => format!("shutdown {peer}"),
        Stimulus::Close(peer) => format!("close {peer}"),
        Stimulus::Reset(peer) => format!("reset {peer}"),
        Stimulus::Stall(peer) => format!("stall {peer}"),
        Stimulus::Resume(peer) => format!("resume {peer}"),
        Stimulus::Signal {
            program,
            process,
            signal,
            count,
        } => {
            let child = if *process == 0 {
                String::new()
            } else {
                format!("/{process}")
            };
            let times = if *count == 1 {
                String::new()
            } else {
                format!(" x{count}")
            };
            format!("signal {program}{child} {signal}{times}")
        }
        Stimulus::Advance { ms } => format!("advance {ms} ms"),
        Stimulus::Thaw(program) => format!("thaw {program}"),
        Stimulus::File(file) => changed(file),
        Stimulus::Inspect { program, what } => format!("inspect {program} {}", looked_at(*what)),
        Stimulus::Disturb {
            program,
            disturbance,
        } => format!("disturb {program}: {}", disturbed(disturbance)),
    }
}

/// What is worth saying of a peer's socket.
fn reached(reach: &Reach) -> String {
    let host = reach.host.map(|host| format!(" at {host}"));
    let name = match &reach.name {
        OwnName::None if reach.kind == SocketKind::Datagram => " without a name".to_owned(),
        OwnName::None => String::new(),
        OwnName::Auto => " with a name".to_owned(),
        OwnName::Path(name) => format!(" as {name}"),
        OwnName::Abstract(name) => format!(" as @{name}"),
    };
    let unconnected = if reach.unconnected {
        " (not connected)"
    } else {
        ""
    };
    format!(
        "{}{}{name}{unconnected}",
        kind_of(reach.kind),
        host.unwrap_or_default()
    )
}

fn kind_of(kind: SocketKind) -> &'static str {
    match kind {
        SocketKind::Stream | SocketKind::Tcp => "",
        SocketKind::Datagram => ": datagrams",
        SocketKind::Seqpacket => ": seqpacket",
    }
}

fn reading(stalled: bool) -> &'static str {
    if stalled { " (not reading)" } else { "" }
}

/// `alice > text` for a whole line, `alice >. text` without a newline, `alice >#` for bulk.
fn sent(lane: &str, data: &Data) -> String {
    let what = match &data.source {
        DataSource::Text(text) => {
            let (op, text) = match text.strip_suffix('\n') {
                Some(line) => (">", line),
                None => (">.", text.as_str()),
            };
            if text.is_empty() && op == ">." {
                return format!("{lane} >. (an empty message)");
            }
            format!("{op} {}", shown(text))
        }
        DataSource::Fill { text, fills } => {
            format!(">. {} (until it fills {fills} queues)", shown(text))
        }
        DataSource::AllBytes => "># every byte value once".to_owned(),
        DataSource::Random { bytes, seed } => format!("># {bytes} bytes, seed {seed}"),
        DataSource::Repeat { text, times } => format!("># {} x{times}", shown(text)),
    };
    let pieces = match data.pieces.as_slice() {
        [] => String::new(),
        pieces => {
            let lengths: Vec<String> = pieces.iter().map(usize::to_string).collect();
            format!(" (in pieces of {})", lengths.join(", "))
        }
    };
    format!("{lane} {what}{pieces}")
}

fn shown(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return named(text);
    }
    let start: String = text.chars().take(SHOWN).collect();
    let rest = text.len() - start.len();
    format!("{}\\{{{rest} bytes more}}", named(&start))
}

/// The lab's own text: placeholders as the names that they bind.
pub(super) fn named(text: &str) -> String {
    escape(text.as_bytes())
        .replace("{nonce}", "<nonce>")
        .replace("{NONCE}", "<NONCE>")
        .replace("{socket}", "<socket>")
        .replace("{port}", "<port>")
        .replace("{host}", "127.0.0.1")
}

fn changed(file: &FileStep) -> String {
    match file {
        FileStep::Write { path, .. } => format!("write {}", named(path)),
        FileStep::Stale { path } => format!("stale socket {}", named(path)),
        FileStep::Fifo { path, mode } => format!("FIFO {mode:04o} {}", named(path)),
        FileStep::Directory { path, mode } => format!("directory {mode:04o} {}", named(path)),
        FileStep::Chmod { path, mode } => format!("chmod {mode:04o} {}", named(path)),
        FileStep::Remove { path } => format!("remove {}", named(path)),
    }
}

fn looked_at(what: Inspection) -> &'static str {
    match what {
        Inspection::Tree => "tree",
        Inspection::Descriptors => "fds",
        Inspection::Idle => "idle",
        Inspection::Family => "family",
        Inspection::Handlers => "handlers",
        Inspection::Signals => "signals",
        Inspection::Terminal => "terminal",
        Inspection::Files => "files",
        Inspection::Lines => "lines",
        Inspection::Counted => "counted",
        Inspection::Threads => "threads",
        Inspection::Children => "children",
    }
}

fn disturbed(disturbance: &Disturbance) -> String {
    let on = match disturbance.on {
        DisturbOn::Any => "",
        DisturbOn::Socket => " on sockets",
        DisturbOn::Pipe => " on pipes",
        DisturbOn::Standard => " on standard streams",
    };
    let nth = match disturbance.nth {
        Nth::Every => String::new(),
        Nth::Only(n) => format!(" #{n}"),
        Nth::From(n) => format!(" from #{n}"),
    };
    let effect = match &disturbance.effect {
        Effect::AtMost(bytes) => format!("at most {bytes} bytes"),
        Effect::Fail(error) => format!("fails with {error}"),
        Effect::SignalBefore(signal) => format!("{signal} before it"),
        Effect::SignalAfter(signal) => format!("{signal} after it"),
        Effect::Delay(ms) => format!("{ms} ms late"),
        Effect::Freeze => "frozen before it".to_owned(),
        Effect::ChildFirst => "the child goes first".to_owned(),
        Effect::ParentFirst => "the parent goes first".to_owned(),
    };
    format!("{}{on}{nth}, {effect}", disturbance.calls.join("|"))
}
