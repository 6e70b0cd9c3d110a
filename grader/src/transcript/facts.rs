//! What a recording says about a program's processes and pipes, for checks about them.

use std::collections::{BTreeMap, BTreeSet};

use supervisor::event::{Call, Event, PIPED_AT_MOST, What};
use supervisor::plan::{ProcessId, ProgramId};

use crate::lab::{Statement, Window};

/// Gathered from the events of a run.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pipes: BTreeMap<(ProgramId, u32), Pipe>,
    /// Children of the programs' first processes.
    children: BTreeMap<ProcessId, Child>,
    executed: BTreeSet<(ProgramId, Vec<u8>)>,
    /// Programs that wrote to descriptor 0, with the text of the first such call.
    input_written: BTreeMap<ProgramId, String>,
    /// Programs of which a process wrote to another that had stopped reading.
    broken: BTreeSet<ProgramId>,
    /// Processes that run another program than the one that was handed in.
    foreign: BTreeSet<ProcessId>,
    /// Programs that made a pipe themselves, not a command that they started.
    made_pipe: BTreeSet<ProgramId>,
    /// Programs of which a process read letters.
    read_letters: BTreeSet<ProgramId>,
    keys: BTreeMap<ProgramId, Keys>,
}

/// The keys that a program has read one by one.
#[derive(Debug, Default)]
struct Keys {
    /// The last one, if nothing was written since.
    unanswered: Option<u8>,
    /// Whether the last one was the same as an unanswered one before it.
    twice: bool,
}

impl Keys {
    fn read(&mut self, key: u8, times: u32) {
        self.twice = times > 1 || self.unanswered == Some(key);
        self.unanswered = Some(key);
    }
}

#[derive(Debug)]
struct Child {
    pid: i32,
    /// Whether it was waited for.
    reaped: bool,
}

/// One of a program's own pipes.
#[derive(Debug, Default)]
struct Pipe {
    written: Vec<u8>,
    writers: BTreeSet<ProcessId>,
    readers: BTreeSet<ProcessId>,
}

impl Facts {
    /// What the events of the steps in the window say.
    pub(super) fn of(events: &[Event], window: Window) -> Self {
        let mut facts = Self::default();
        for event in events.iter().filter(|event| window.has(event.step)) {
            facts.take(&event.what);
        }
        facts
    }

    fn take(&mut self, what: &What) {
        if let What::Call(call) = what {
            self.take_key(call);
        }
        match what {
            What::PipeWritten {
                process,
                pipe,
                bytes,
            } => {
                let pipe = self.pipes.entry((process.program, *pipe)).or_default();
                pipe.writers.insert(*process);
                pipe.written.extend_from_slice(bytes);
            }
            What::PipeRead { process, pipe } => {
                let pipe = self.pipes.entry((process.program, *pipe)).or_default();
                pipe.readers.insert(*process);
            }
            What::Forked { parent, child, pid } => {
                if parent.number == 0 {
                    self.children.entry(*child).or_insert(Child {
                        pid: *pid,
                        reaped: false,
                    });
                }
                if self.foreign.contains(parent) {
                    self.foreign.insert(*child);
                }
            }
            What::Reaped { process } => {
                if let Some(child) = self.children.get_mut(process) {
                    child.reaped = true;
                }
            }
            What::Executed { process, path } => {
                let name = path.rsplit(|byte| *byte == b'/').next();
                if process.number > 0 {
                    self.foreign.insert(*process);
                }
                self.executed
                    .insert((process.program, name.unwrap_or_default().to_vec()));
            }
            What::Call(call) if has_no_child(call) => {
                for (process, child) in &mut self.children {
                    child.reaped |= process.program == call.process.program
                        && asks_for(call, *process, child.pid);
                }
            }
            What::Call(call) if makes_pipe(call) && !self.foreign.contains(&call.process) => {
                self.made_pipe.insert(call.process.program);
            }
            What::Call(call) if writes_to_input(call) => {
                self.input_written
                    .entry(call.process.program)
                    .or_insert_with(|| format!("{}({})", call.name, call.args));
            }
            What::Call(call) if reads_letters(call) => {
                self.read_letters.insert(call.process.program);
            }
            What::Call(call) if is_broken_pipe(call) => {
                self.broken.insert(call.process.program);
            }
            _ => {}
        }
    }

    fn take_key(&mut self, call: &Call) {
        let keys = self.keys.entry(call.process.program).or_default();
        match (call.name.as_str(), call.data.0.as_slice()) {
            ("read", &[key]) if key.is_ascii_alphanumeric() => keys.read(key, call.times),
            ("write" | "writev", _) => keys.unanswered = None,
            _ => {}
        }
    }

    /// Whether a statement holds; the error says what was found instead. `output` is what the
    /// program printed.
    pub(super) fn judge(
        &self,
        program: ProgramId,
        statement: Statement,
        output: &[u8],
    ) -> Result<(), String> {
        match statement {
            Statement::PipedTextInUpperCase => {
                let piped = self.main_pipe(program).map(|pipe| pipe.written.as_slice());
                upper_case_of(piped.unwrap_or_default(), output)?;
                // How much of an unread text still got into the pipe depends on who ran first.
                if self.broken.contains(&program) {
                    Err("the reader left before all was written".to_owned())
                } else {
                    Ok(())
                }
            }
            Statement::PipedTextInBothCases => {
                let piped = self.main_pipe(program).map(|pipe| pipe.written.as_slice());
                let piped = piped.unwrap_or_default();
                let has = |case: fn(&u8) -> bool| piped.iter().any(case);
                match (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase)) {
                    (true, true) => Ok(()),
                    (true, false) => Err("only small letters".to_owned()),
                    (false, true) => Err("only capital letters".to_owned()),
                    (false, false) => Err("no letters".to_owned()),
                }
            }
            Statement::PipeJoinsProcesses => {
                let mut pipes = self.pipes_of(program).peekable();
                if pipes.peek().is_none() {
                    Err("nothing went through a pipe".to_owned())
                } else if !self.made_pipe.contains(&program) {
                    Err("only a command that it started made a pipe".to_owned())
                } else if pipes.any(Pipe::joins) {
                    Ok(())
                } else {
                    Err("nobody read what another process wrote".to_owned())
                }
            }
            Statement::ChildrenReaped => {
                let mut children = self.children.iter();
                match children.find(|(process, child)| process.program == program && !child.reaped)
                {
                    Some((process, _)) => Err(format!("child {} was not", process.number)),
                    None => Ok(()),
                }
            }
            Statement::InputNotWritten => match self.input_written.get(&program) {
                Some(call) => Err(call.clone()),
                None => Ok(()),
            },
            Statement::LettersRead => {
                if self.read_letters.contains(&program) {
                    Ok(())
                } else {
                    Err("no letters came".to_owned())
                }
            }
            Statement::KeysAnswered => {
                if self.keys.get(&program).is_some_and(|keys| keys.twice) {
                    Err("it took the same key twice for one answer".to_owned())
                } else {
                    Ok(())
                }
            }
        }
    }

    /// Whether a process of the program executed each of the files of these names.
    pub(super) fn executed(&self, program: ProgramId, names: &[String]) -> Result<(), String> {
        let missing = names
            .iter()
            .find(|name| !self.executed.contains(&(program, name.as_bytes().to_vec())));
        match missing {
            Some(name) => Err(format!("{name} was not")),
            None => Ok(()),
        }
    }

    fn pipes_of(&self, program: ProgramId) -> impl DoubleEndedIterator<Item = &Pipe> {
        self.pipes
            .iter()
            .filter(move |((of, _), _)| *of == program)
            .map(|(_, pipe)| pipe)
    }

    /// The pipe into which most was written, of several the first: one that only tells that
    /// something is done carries a byte.
    fn main_pipe(&self, program: ProgramId) -> Option<&Pipe> {
        // Of equal ones `max_by_key` gives the last.
        self.pipes_of(program)
            .rev()
            .max_by_key(|pipe| pipe.written.len())
    }
}

impl Pipe {
    fn joins(&self) -> bool {
        let others = |writer| self.readers.iter().any(move |reader| reader != writer);
        self.writers.iter().any(others)
    }
}

/// A write to descriptor 0, even where it failed: on a terminal it would have been seen.
fn writes_to_input(call: &Call) -> bool {
    matches!(call.name.as_str(), "write" | "writev") && call.args.starts_with("0, ")
}

/// It waited in the first process until a child was no longer there: where SIGCHLD is ignored the
/// kernel has reaped it, and wait tells of none.
fn has_no_child(call: &Call) -> bool {
    call.process.number == 0
        && matches!(call.name.as_str(), "wait4" | "waitid")
        && call.result == Some(-i64::from(ECHILD))
}

/// Whether a wait was for this child, or for any. Who waits for a process that is no child of his is
/// told the same, and has waited for nobody.
fn asks_for(wait: &Call, process: ProcessId, pid: i32) -> bool {
    match wait.name.as_str() {
        // `P_ALL`, or `P_PID` with a number: waitid(2).
        "waitid" => wait.args.starts_with("0, ") || wait.args == format!("1, {pid}"),
        _ => wait.args == "-1" || wait.args == format!("child {}", process.number),
    }
}

/// Text came of it: of calls that scatter it over several arrays only that it came is known. The dynamic loader
/// reads images as well, which begin with a mark (elf(5)).
fn reads_letters(call: &Call) -> bool {
    matches!(
        call.name.as_str(),
        "read" | "readv" | "recvfrom" | "recvmsg"
    ) && call.result.is_some_and(|bytes| bytes > 0)
        && !call.data.0.starts_with(b"\x7fELF")
        && (call.data.0.is_empty() || call.data.0.iter().any(u8::is_ascii_alphabetic))
}

/// A pipe came of it, or one with a name.
fn makes_pipe(call: &Call) -> bool {
    let makes = ["pipe", "pipe2", "mknod", "mknodat"];
    makes.contains(&call.name.as_str()) && call.result == Some(0)
}

/// A write that found no reader any more.
fn is_broken_pipe(call: &Call) -> bool {
    matches!(call.name.as_str(), "write" | "writev") && call.result == Some(-i64::from(EPIPE))
}

/// `errno` of a write without a reader: pipe(7).
const EPIPE: i32 = 32;

/// `errno` of a wait where there is no child: wait(2).
const ECHILD: i32 = 10;

/// What a person sees of a text: the printable ASCII characters but the blank. Whether other
/// letters have an upper case depends on the locale, and layout does not count.
fn visible(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().copied().filter(u8::is_ascii_graphic)
}

/// Whether the output has the text in upper case: its visible characters in this order, whatever
/// stands between them (banners, a prefix before each piece).
fn upper_case_of(text: &[u8], output: &[u8]) -> Result<(), String> {
    if !text.iter().any(u8::is_ascii_alphabetic) {
        return Err("no text was written into a pipe".to_owned());
    }
    let mut shown = visible(output);
    let mut found = Vec::new();
    for wanted in visible(text).map(|byte| byte.to_ascii_uppercase()) {
        if !shown.by_ref().any(|byte| byte == wanted) {
            let found = String::from_utf8_lossy(&found).into_owned();
            return Err(if found.is_empty() {
                "nothing of it".to_owned()
            } else {
                format!("only up to {}", tail(&found))
            });
        }
        found.push(wanted);
    }
    if blanks_lost(text, output) {
        return Err("NUL bytes stand in place of its blanks".to_owned());
    }
    if let Some(joined) = words_joined(text, output) {
        return Err(format!("its blanks are lost: {joined}"));
    }
    // Of a longer one nobody knows how it goes on.
    if text.len() >= PIPED_AT_MOST {
        return Ok(());
    }
    if let Some(more) = left_over(text, output) {
        return Err(format!("after its end comes a piece of it again: {more}"));
    }
    match left_over_message(text, output) {
        Some(more) => Err(format!(
            "after its end comes what an array still held: {more}"
        )),
        None => Ok(()),
    }
}

/// What stands right behind the whole text and is a piece out of the middle of a line that the program
/// has printed before: memory that was used again.
fn left_over_message(text: &[u8], output: &[u8]) -> Option<String> {
    /// As long as that no message is the end of another one by chance.
    const LEAST: usize = 16;
    let upper = |bytes: &[u8]| bytes.trim_ascii().to_ascii_uppercase();
    let (wanted, shown) = (upper(text), output.to_ascii_uppercase());
    let whole = shown
        .windows(wanted.len().max(1))
        .position(|window| window == wanted)?;
    let (before, rest) = (shown.get(..whole)?, shown.get(whole + wanted.len()..)?);
    let rest = rest.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let again = rest.get(..LEAST)?;
    let mut places = before.windows(LEAST).enumerate();
    let (at, _) = places.find(|(_, window)| *window == again)?;
    let in_the_middle = at > 0 && before.get(at - 1)?.is_ascii_graphic();
    in_the_middle.then(|| String::from_utf8_lossy(again).into_owned())
}

/// Whether the text was printed with a NUL for each blank, which no terminal shows: `c & ~32` makes
/// that of it.
fn blanks_lost(text: &[u8], output: &[u8]) -> bool {
    let kept = |byte: &u8| byte.is_ascii_graphic() || matches!(*byte, b' ' | 0);
    let mut wanted: Vec<u8> = text.iter().copied().filter(kept).collect();
    if wanted.contains(&0) || !wanted.contains(&b' ') {
        return false;
    }
    for byte in &mut wanted {
        *byte = match byte.to_ascii_uppercase() {
            b' ' => 0,
            other => other,
        };
    }
    let shown: Vec<u8> = output.iter().copied().filter(kept).collect();
    shown.windows(wanted.len()).any(|window| window == wanted)
}

/// A line of the text whose words were printed without anything between them, and nowhere with blanks.
fn words_joined(text: &[u8], output: &[u8]) -> Option<String> {
    /// A short one may stand there by chance.
    const LEAST: usize = 8;
    /// Of a long text the first lines tell it, and each is looked for in all of the output.
    const LOOKED_FOR: usize = 16;
    let has = |wanted: &[u8]| memchr::memmem::find(output, wanted).is_some();
    let lines = text.split(|byte| !byte.is_ascii_graphic() && *byte != b' ');
    let lines = lines.map(|line| line.trim_ascii().to_ascii_uppercase());
    let lines = lines.filter(|line| line.contains(&b' '));
    lines.take(LOOKED_FOR).find_map(|line| {
        let joined: Vec<u8> = visible(&line).collect();
        let lost = joined.len() >= LEAST && has(&joined) && !has(&line);
        lost.then(|| tail(&String::from_utf8_lossy(&joined)).to_owned())
    })
}

/// What stands right behind the whole text and is a piece of it again: one out of the middle of a
/// line, which a buffer still held of an earlier read, or its last lines to their end, which is what
/// `while (!feof(f))` makes of it. Messages of a program's own look otherwise.
fn left_over(text: &[u8], output: &[u8]) -> Option<String> {
    /// A short word may stand there by chance.
    const LEAST: usize = 5;
    let mut begins = Vec::new();
    let mut at_line = true;
    for byte in text {
        if byte.is_ascii_graphic() {
            begins.push(at_line);
            at_line = false;
        }
        at_line |= *byte == b'\n';
    }
    let wanted: Vec<u8> = visible(text).map(|b| b.to_ascii_uppercase()).collect();
    let shown: Vec<u8> = visible(output).collect();
    let whole = shown
        .windows(wanted.len().max(1))
        .position(|w| w == wanted.as_slice())?;
    let rest = shown.get(whole + wanted.len()..)?;
    let common = |from: usize| {
        let pairs = wanted.get(from..).unwrap_or_default().iter().zip(rest);
        pairs.take_while(|(a, b)| a == b).count()
    };
    let from_middle = (0..wanted.len()).filter(|i| !begins[*i]);
    let most = from_middle.map(common).max().unwrap_or(0);
    let from_beginning = || (0..wanted.len()).filter(|i| begins[*i]);
    let again = from_beginning().map(common).max();
    let to_the_end = from_beginning().find(|i| common(*i) == wanted.len() - i);
    let piece = match to_the_end {
        Some(from) => wanted.get(from..)?,
        None if again.is_none_or(|again| again < most) => rest.get(..most)?,
        None => return None,
    };
    let letters = piece.iter().any(u8::is_ascii_alphabetic);
    (piece.len() >= LEAST && letters).then(|| String::from_utf8_lossy(piece).into_owned())
}

/// The last few characters of ASCII text.
fn tail(text: &str) -> &str {
    const SHOWN: usize = 20;
    text.get(text.len().saturating_sub(SHOWN)..).unwrap_or(text)
}

#[cfg(test)]
mod tests;
