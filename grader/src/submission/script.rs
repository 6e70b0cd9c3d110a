//! Scripts: made ready to be started, or told what is missing.

use super::note::Note;
use super::toolchain;

/// A script as it is started.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ready {
    /// Its text, with an interpreter line that works here.
    pub text: Vec<u8>,
    /// What was changed.
    pub notes: Vec<Note>,
}

/// Makes a script startable: CRLF line ends go, a missing interpreter line is added, and one that
/// names a place where nothing is leads to the same interpreter's usual place.
///
/// # Errors
/// The name of an interpreter that is not on this machine.
pub(super) fn ready(path: &str, content: &[u8]) -> Result<Ready, String> {
    let mut notes = Vec::new();
    let mut text = content
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(content)
        .to_vec();
    if text.windows(2).any(|pair| pair == b"\r\n") {
        let mut plain = Vec::with_capacity(text.len());
        for (i, byte) in text.iter().enumerate() {
            if !(*byte == b'\r' && text.get(i + 1) == Some(&b'\n')) {
                plain.push(*byte);
            }
        }
        text = plain;
        notes.push(Note::Crlf(path.to_owned()));
    }
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).into_owned();
    let Some(words) = line.strip_prefix("#!") else {
        let name = by_extension(path);
        if toolchain::in_sandbox(name).is_none() {
            return Err(name.to_owned());
        }
        notes.push(Note::NoInterpreter(path.to_owned(), name.to_owned()));
        let mut led = format!("#!/usr/bin/env {name}\n").into_bytes();
        led.extend(text);
        return Ok(Ready { text: led, notes });
    };
    let mut words = words.split_whitespace();
    let named = words.next().unwrap_or_default().to_owned();
    let rest: Vec<&str> = words.collect();
    let through_env = named.rsplit('/').next() == Some("env");
    let wanted = match rest.iter().find(|word| !word.starts_with('-')) {
        Some(word) if through_env => (*word).to_owned(),
        _ => named.clone(),
    };
    if toolchain::in_sandbox(&wanted).is_some() && toolchain::in_sandbox(&named).is_some() {
        return Ok(Ready { text, notes });
    }
    let base = wanted.rsplit('/').next().unwrap_or_default();
    let family = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let newest = format!("{family}3");
    let found = [base, family, newest.as_str()]
        .into_iter()
        .find_map(|name| toolchain::in_sandbox(name).map(|path| path.display().to_string()))
        .ok_or_else(|| base.to_owned())?;
    notes.push(Note::OtherInterpreter(
        path.to_owned(),
        wanted,
        found.clone(),
    ));
    let options: Vec<&str> = if through_env {
        Vec::new()
    } else {
        rest.clone()
    };
    let mut led = format!("#!{found}");
    for option in options {
        led.push(' ');
        led.push_str(option);
    }
    let mut led = led.into_bytes();
    led.extend(&text[line.len().min(text.len())..]);
    Ok(Ready { text: led, notes })
}

fn by_extension(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("py") => "python3",
        Some("pl") => "perl",
        Some("rb") => "ruby",
        Some("bash") => "bash",
        _ => "sh",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str, content: &str) -> (String, Vec<Note>) {
        let ready = ready(path, content.as_bytes()).unwrap();
        (String::from_utf8(ready.text).unwrap(), ready.notes)
    }

    #[test]
    fn a_good_script_is_left_alone() {
        for good in [
            "#!/bin/sh\necho \r a\n",
            "#!/usr/bin/env sh\n",
            "#! /bin/sh -e\n",
        ] {
            assert_eq!(text("a.sh", good), (good.to_owned(), vec![]));
        }
    }

    #[test]
    fn what_keeps_a_script_from_starting_is_mended_and_told() {
        let (crlf, notes) = text("a.sh", "#!/bin/sh\r\necho a\r\n");
        assert_eq!(crlf, "#!/bin/sh\necho a\n");
        assert_eq!(notes, [Note::Crlf("a.sh".into())]);
        let (plain, notes) = text("a.sh", "echo a\n");
        assert_eq!(plain, "#!/usr/bin/env sh\necho a\n");
        assert_eq!(notes, [Note::NoInterpreter("a.sh".into(), "sh".into())]);
        let (moved, notes) = text("a.sh", "#!/opt/csw/bin/sh -e\necho a\n");
        assert!(moved.ends_with("/sh -e\necho a\n"), "{moved}");
        assert!(
            matches!(&notes[..], [Note::OtherInterpreter(_, named, _)] if named == "/opt/csw/bin/sh")
        );
    }

    #[test]
    fn an_interpreter_that_is_not_here_is_named() {
        assert_eq!(
            ready("a", b"#!/usr/bin/env befunge\n"),
            Err("befunge".into())
        );
        assert_eq!(ready("a", b"#!\n"), Err(String::new()));
    }
}
