//! The text form, `lanes/1`: what snapshots keep and people read.

use std::fmt;

use crate::lab::Ignore;

use super::{Lane, Line, Op, Phase, Player, Transcript};

const MAGIC: &str = "lanes/1";
const FREE: &str = "free streams";

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC}")?;
        writeln!(f, "lab    {} / {}", self.lab, self.scenario)?;
        let name = width(self.lanes.iter().map(|lane| lane.name.chars().count()));
        let command = width(self.lanes.iter().map(|lane| lane.command.chars().count()));
        for lane in &self.lanes {
            write!(f, "lane   {:name$}  ", lane.name)?;
            if !lane.command.is_empty() {
                write!(f, "{:command$}   ", lane.command)?;
            }
            writeln!(f, "{}", player_word(lane.player))?;
        }
        for lane in self.lanes.iter().filter(|lane| !lane.ignore.is_none()) {
            let words: Vec<&str> = lane.ignore.words().collect();
            writeln!(f, "ignore {:name$}  {}", lane.name, words.join(" "))?;
        }
        writeln!(f)?;
        // At least as wide as every lane, so that a silent lane does not move the others.
        let lines = self.phases.iter().flat_map(|phase| &phase.lines);
        let label = width(lines.map(|line| label_of(line).chars().count())).max(name);
        for phase in &self.phases {
            match phase.number {
                0 => writeln!(f, "--- {}", phase.title)?,
                number => writeln!(f, "--- {number}  {}", phase.title)?,
            }
            for line in &phase.lines {
                write_line(f, line, label)?;
            }
        }
        if !self.free.is_empty() {
            writeln!(f, "--- {FREE}")?;
            let label = width(self.free.iter().map(|line| label_of(line).chars().count()));
            for line in &self.free {
                write_line(f, line, label)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Line {
    /// `server.out  <. | AB`, not aligned with its neighbours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = label_of(self);
        write!(f, "{label}  {:2} |", self.op.mark())?;
        write_payload(f, &self.payload)
    }
}

impl Op {
    /// The operator as it is written: `<.`.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::In => ">",
            Self::InPartial => ">.",
            Self::Out => "<",
            Self::OutPartial => "<.",
            Self::OutBinary => "<#",
            Self::Life => "=",
            Self::Quiet => "~",
            Self::Property => "?",
        }
    }

    fn of_mark(mark: &str) -> Option<Self> {
        [
            Self::In,
            Self::InPartial,
            Self::Out,
            Self::OutPartial,
            Self::OutBinary,
            Self::Life,
            Self::Quiet,
            Self::Property,
        ]
        .into_iter()
        .find(|op| op.mark() == mark)
    }
}

fn width(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.max().unwrap_or(0)
}

fn label_of(line: &Line) -> String {
    if line.channel.is_empty() {
        line.lane.clone()
    } else {
        format!("{}.{}", line.lane, line.channel)
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, line: &Line, label: usize) -> fmt::Result {
    write!(f, "{:label$}  {:2} |", label_of(line), line.op.mark())?;
    write_payload(f, &line.payload)?;
    writeln!(f)
}

fn write_payload(f: &mut fmt::Formatter<'_>, payload: &str) -> fmt::Result {
    if payload.is_empty() {
        Ok(())
    } else {
        write!(f, " {payload}")
    }
}

fn player_word(player: Player) -> &'static str {
    match player {
        Player::Student => "student",
        Player::Reference => "reference",
        Player::Peer => "peer",
    }
}

/// Why a text is no transcript.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: ParseFault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseFault {
    /// The first line.
    #[error("not a transcript: the first line must be `lanes/1`")]
    NoMagic,
    /// The header ends without `lab`.
    #[error("the header must say `lab    LAB / SCENARIO`")]
    NoLab,
    /// A header line that is neither `lab` nor `lane`.
    #[error("in the header only `lab`, `lane` and `ignore` lines may stand")]
    Header,
    /// An `ignore` line.
    #[error("what does not count is `ignore LANE  WORD…`, behind the lanes")]
    Ignore,
    /// A `lane` line.
    #[error("a lane is `lane   NAME  COMMAND   student|reference|peer`")]
    Lane,
    /// A line that is not `LANE OP | PAYLOAD`.
    #[error("a line is `LANE[.CHANNEL]  OP | PAYLOAD`")]
    Line,
    /// An operator that does not exist.
    #[error("no such operator; there are > >. < <. <# = ~ ?")]
    Op,
    /// A line before the first phase.
    #[error("a line outside of any phase")]
    NoPhase,
}

/// Reads what `Display` wrote.
///
/// # Errors
/// Names the first line that breaks the grammar, and how.
pub fn parse(text: &str) -> Result<Transcript, ParseError> {
    let mut transcript = Transcript::default();
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    let fault = |line: usize, what: ParseFault| ParseError { line, what };
    if lines.next().map(|(_, line)| line) != Some(MAGIC) {
        return Err(fault(1, ParseFault::NoMagic));
    }
    let mut named = false;
    let mut last = 1;
    for (number, line) in lines.by_ref() {
        last = number;
        if line.is_empty() {
            break;
        } else if let Some(rest) = line.strip_prefix("lab ") {
            let (lab, scenario) = rest
                .trim_start()
                .split_once(" / ")
                .ok_or(fault(number, ParseFault::NoLab))?;
            transcript.lab = lab.to_owned();
            transcript.scenario = scenario.to_owned();
            named = true;
        } else if let Some(rest) = line.strip_prefix("lane ") {
            let lane = parse_lane(rest.trim_start()).ok_or(fault(number, ParseFault::Lane))?;
            transcript.lanes.push(lane);
        } else if let Some(rest) = line.strip_prefix("ignore ") {
            parse_ignore(rest, &mut transcript.lanes).ok_or(fault(number, ParseFault::Ignore))?;
        } else {
            return Err(fault(number, ParseFault::Header));
        }
    }
    if !named {
        return Err(fault(last, ParseFault::NoLab));
    }
    let mut free = false;
    for (number, line) in lines {
        if let Some(title) = line.strip_prefix("--- ") {
            free = title == FREE;
            if !free {
                transcript.phases.push(parse_phase(title));
            }
        } else if !line.is_empty() {
            let line = parse_line(line).map_err(|what| fault(number, what))?;
            if free {
                transcript.free.push(line);
            } else if let Some(phase) = transcript.phases.last_mut() {
                phase.lines.push(line);
            } else {
                return Err(fault(number, ParseFault::NoPhase));
            }
        }
    }
    Ok(transcript)
}

fn parse_lane(rest: &str) -> Option<Lane> {
    let (name, rest) = rest.split_once(' ')?;
    let (command, player) = rest.rsplit_once(' ')?;
    Some(Lane {
        name: name.to_owned(),
        command: command.trim().to_owned(),
        player: match player {
            "student" => Player::Student,
            "reference" => Player::Reference,
            "peer" => Player::Peer,
            _ => return None,
        },
        ignore: Ignore::default(),
    })
}

fn parse_ignore(rest: &str, lanes: &mut [Lane]) -> Option<()> {
    let mut words = rest.split_whitespace();
    let name = words.next()?;
    let lane = lanes.iter_mut().find(|lane| lane.name == name)?;
    words.all(|word| lane.ignore.set(word)).then_some(())
}

fn parse_phase(title: &str) -> Phase {
    let numbered = title
        .split_once("  ")
        .and_then(|(number, title)| Some((number.parse().ok()?, title)))
        .filter(|(number, _)| *number != 0);
    let (number, title) = numbered.unwrap_or((0, title));
    Phase {
        number,
        title: title.to_owned(),
        lines: Vec::new(),
    }
}

fn parse_line(line: &str) -> Result<Line, ParseFault> {
    let (label, rest) = line.split_once(' ').ok_or(ParseFault::Line)?;
    let (mark, rest) = rest.trim_start().split_once(' ').ok_or(ParseFault::Line)?;
    let payload = rest
        .trim_start()
        .strip_prefix('|')
        .ok_or(ParseFault::Line)?;
    let (lane, channel) = label.split_once('.').unwrap_or((label, ""));
    if lane.is_empty() {
        return Err(ParseFault::Line);
    }
    Ok(Line {
        lane: lane.to_owned(),
        channel: channel.to_owned(),
        op: Op::of_mark(mark).ok_or(ParseFault::Op)?,
        payload: payload.strip_prefix(' ').unwrap_or(payload).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_count_stands_in_the_head() {
        let text = "lanes/1\nlab    a / b\nlane   filter  ./f   reference\nignore filter  case cr\n\n--- 1  start filter\n";
        let transcript = parse(text).unwrap();
        assert!(transcript.lanes[0].ignore.case && transcript.lanes[0].ignore.cr);
        assert!(!transcript.lanes[0].ignore.last_newline);
        assert_eq!(transcript.to_string(), text);
        for wrong in [
            text.replace("case", "cases"),
            text.replace("ignore filter", "ignore other"),
        ] {
            let error = parse(&wrong).unwrap_err();
            assert_eq!((error.line, error.what), (4, ParseFault::Ignore));
        }
    }
}
