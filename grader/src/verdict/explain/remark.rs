//! What makes two lines differ although they look alike, or where the missing text went.

use supervisor::bytes::{escape, unescape};
use supervisor::event::{Stream, What};

use super::Scene;
use super::stderr::on_stderr;
use crate::transcript::{Line, Op, PhaseDifference, StreamDifference};
use crate::verdict::phrases::Phrase;

/// How much of a stream is quoted.
const QUOTED: usize = 160;

pub(super) fn remark(scene: &Scene<'_>, found: &PhaseDifference) -> Option<String> {
    let mut streams = found.streams.iter();
    streams.find_map(|stream| {
        on_stderr(scene, found, stream)
            .or_else(|| summed_up(scene, found, stream))
            .or_else(|| late(scene, found, stream))
            .or_else(|| alike(scene, stream))
    })
}

pub(super) fn is_data(line: &Line) -> bool {
    matches!(line.op, Op::Out | Op::OutPartial)
}

/// A stream of which the transcript shows only whether texts occur: what it really says.
fn summed_up(
    scene: &Scene<'_>,
    found: &PhaseDifference,
    stream: &StreamDifference,
) -> Option<String> {
    let is_sum = |line: &&Line| {
        line.op == Op::Out && (line.payload.starts_with("[..]") || line.payload == "(some text)")
    };
    stream.expected.iter().find(is_sum)?;
    let which = match stream.channel.as_str() {
        "out" => Stream::Out,
        "err" => Stream::Err,
        _ => return None,
    };
    let mut bytes = Vec::new();
    for event in &scene.case.ran.events {
        match &event.what {
            What::Output {
                program,
                stream: from,
                bytes: some,
            } if event.step == found.number
                && *from == which
                && scene.actors.program(&stream.lane) == Some(program.0)
                && bytes.len() < QUOTED =>
            {
                bytes.extend_from_slice(some);
            }
            _ => {}
        }
    }
    if bytes.is_empty() {
        return Some(scene.say(Phrase::WroteNothing));
    }
    let quoted: String = escape(&bytes).chars().take(QUOTED).collect();
    Some(scene.say(Phrase::Wrote(&quoted)))
}

/// The missing text came in a later step.
fn late(scene: &Scene<'_>, found: &PhaseDifference, stream: &StreamDifference) -> Option<String> {
    let missing = stream.expected.first().filter(|line| is_data(line))?;
    if !stream.yours.is_empty() || found.number == 0 || missing.payload.is_empty() {
        return None;
    }
    let same_stream =
        |line: &Line| line.lane == stream.lane && line.channel == stream.channel && is_data(line);
    let actual = &scene.case.ran.actual;
    let phases = actual
        .phases
        .iter()
        .filter(|phase| phase.number > found.number);
    // Only the first text that comes after it can be the one that was missed.
    let (step, line) = phases
        .filter_map(|phase| {
            let line = phase.lines.iter().find(|line| same_stream(line))?;
            Some((phase.number, line))
        })
        .next()?;
    let expected = &scene.case.ran.expected;
    let due = expected.phases.iter().any(|phase| {
        phase.number == step
            && phase
                .lines
                .iter()
                .find(|line| same_stream(line))
                .is_some_and(|due| due == line)
    });
    (!due && line.payload.starts_with(&missing.payload)).then(|| scene.say(Phrase::CameLater(step)))
}

/// Two texts that differ in something one does not see.
fn alike(scene: &Scene<'_>, stream: &StreamDifference) -> Option<String> {
    let theirs = stream.expected.iter().find(|line| is_data(line));
    let own = stream.yours.iter().find(|line| is_data(line))?;
    let Some(theirs) = theirs else {
        return own.payload.is_empty().then(|| scene.say(Phrase::EmptyLine));
    };
    if theirs.payload == own.payload && theirs.op != own.op {
        return Some(scene.say(match own.op {
            Op::OutPartial if stream.yours.len() <= stream.expected.len() => Phrase::NewlineMissing,
            Op::Out if stream.yours.len() <= stream.expected.len() => Phrase::NewlineTooMany,
            _ => Phrase::LineBreaks,
        }));
    }
    if let (Some(all), Some(mine)) = (joined(&stream.expected), joined(&stream.yours))
        && stream.expected.len() != stream.yours.len()
        && all == mine
    {
        return Some(scene.say(Phrase::LineBreaks));
    }
    if own.payload.is_empty() {
        return Some(scene.say(Phrase::EmptyLine));
    }
    invisible(scene, &unescape(&theirs.payload)?, &unescape(&own.payload)?)
}

/// The text of a stream without its line breaks.
fn joined(lines: &[Line]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines.iter().filter(|line| is_data(line)) {
        text.extend(unescape(&line.payload)?);
    }
    Some(text)
}

fn invisible(scene: &Scene<'_>, theirs: &[u8], own: &[u8]) -> Option<String> {
    let without = |bytes: &[u8], out: u8| {
        bytes
            .iter()
            .copied()
            .filter(|b| *b != out)
            .collect::<Vec<_>>()
    };
    if theirs == own {
        return None;
    }
    if without(own, b'\r') == theirs {
        return Some(scene.say(Phrase::CarriageReturn));
    }
    if without(own, 0) == theirs {
        return Some(scene.say(Phrase::NulByte));
    }
    if theirs.trim_ascii_end() == own.trim_ascii_end() {
        return Some(scene.say(if own.len() > theirs.len() {
            Phrase::BlankTooMany
        } else {
            Phrase::BlankMissing
        }));
    }
    let solid = |bytes: &[u8]| {
        let is_blank = |b: &u8| matches!(b, b' ' | b'\t');
        bytes
            .iter()
            .copied()
            .filter(|b| !is_blank(b))
            .collect::<Vec<_>>()
    };
    if solid(theirs) == solid(own) {
        return Some(scene.say(Phrase::BlanksDiffer));
    }
    let their_text = std::str::from_utf8(theirs).ok()?;
    for (name, encode) in [
        ("CP1251", cp1251 as fn(char) -> Option<u8>),
        ("KOI8-R", koi8_r),
    ] {
        let encoded: Option<Vec<u8>> = their_text.chars().map(encode).collect();
        if encoded.as_deref() == Some(own) {
            return Some(scene.say(Phrase::Encoding(name)));
        }
    }
    let own_text = std::str::from_utf8(own).ok()?;
    if their_text.to_lowercase() == own_text.to_lowercase() {
        return Some(scene.say(Phrase::CaseOnly));
    }
    let (a, b) = their_text
        .chars()
        .zip(own_text.chars())
        .find(|(a, b)| a != b)?;
    let same = their_text
        .chars()
        .map(latin)
        .eq(own_text.chars().map(latin));
    same.then(|| {
        let pair = format!("{a} U+{:04X}, {b} U+{:04X}", u32::from(a), u32::from(b));
        scene.say(Phrase::LookAlikes(&pair))
    })
}

/// The Latin letter that a Cyrillic one looks like.
fn latin(c: char) -> char {
    const PAIRS: [(char, char); 22] = [
        ('А', 'A'),
        ('В', 'B'),
        ('Е', 'E'),
        ('К', 'K'),
        ('М', 'M'),
        ('Н', 'H'),
        ('О', 'O'),
        ('Р', 'P'),
        ('С', 'C'),
        ('Т', 'T'),
        ('У', 'Y'),
        ('Х', 'X'),
        ('І', 'I'),
        ('Ѕ', 'S'),
        ('а', 'a'),
        ('е', 'e'),
        ('о', 'o'),
        ('р', 'p'),
        ('с', 'c'),
        ('у', 'y'),
        ('х', 'x'),
        ('і', 'i'),
    ];
    PAIRS
        .iter()
        .find(|(from, _)| *from == c)
        .map_or(c, |(_, to)| *to)
}

/// The byte of a character in CP1251, for what Russian texts are made of.
fn cp1251(c: char) -> Option<u8> {
    match c {
        'Ё' => Some(0xa8),
        'ё' => Some(0xb8),
        'А'..='я' => u8::try_from(u32::from(c) - u32::from('А') + 0xc0).ok(),
        c => u8::try_from(c).ok().filter(u8::is_ascii),
    }
}

/// The byte of a character in KOI8-R (RFC 1489), for what Russian texts are made of.
fn koi8_r(c: char) -> Option<u8> {
    const LOWER: &str = "юабцдефгхийклмнопярстужвьызшэщчъ";
    let place = |c: char| LOWER.chars().position(|known| known == c);
    let base = |place: usize, first: usize| u8::try_from(first + place).ok();
    match c {
        'ё' => Some(0xa3),
        'Ё' => Some(0xb3),
        'а'..='я' => base(place(c)?, 0xc0),
        'А'..='Я' => base(place(c.to_lowercase().next()?)?, 0xe0),
        c => u8::try_from(c).ok().filter(u8::is_ascii),
    }
}
