//! Properties of what peers have received, where the order between them is free.

use supervisor::event::{Event, What};
use supervisor::plan::PeerId;

use super::Actors;
use super::check::quoted;
use crate::lab::{self, Among, Received, Window};

/// `yes`, or `no, ` and what was found.
pub(super) fn judge(among: &Among, window: Window, actors: &Actors, events: &[Event]) -> String {
    let all: Vec<Text<'_>> = among
        .peers
        .iter()
        .map(|name| Text {
            name,
            bytes: received(actors.peer(name), window, events),
        })
        .collect();
    let found = match &among.what {
        _ if all.iter().all(|text| text.bytes.is_empty()) => Err("nobody got anything".to_owned()),
        Received::Exclusive(begins) => exclusive(begins, &all),
        Received::Count { begins, times } => each(&all, |text| count(begins, *times, text)),
        Received::EachOnce(lines) => each(&all, |text| each_once(lines, text)),
        Received::InOrder(lines) => each(&all, |text| in_order(lines, text)),
        Received::SameOrder => same_order(&all),
        Received::Matches(expression) => each(&all, |text| matches(expression, text)),
    };
    match found {
        Ok(()) => "yes".to_owned(),
        Err(why) => format!("no, {why}"),
    }
}

/// What a peer received.
struct Text<'a> {
    name: &'a str,
    bytes: Vec<u8>,
}

impl Text<'_> {
    /// Its lines without their newlines; an unfinished one as well.
    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let some = (!self.bytes.is_empty()).then(|| whole.split(|byte| *byte == b'\n'));
        some.into_iter().flatten()
    }

    fn place(&self, line: &str) -> Option<usize> {
        self.lines().position(|other| other == line.as_bytes())
    }

    fn beginning(&self, begins: &str) -> usize {
        let wanted = |line: &&[u8]| line.starts_with(begins.as_bytes());
        self.lines().filter(wanted).count()
    }
}

fn received(peer: Option<u16>, window: Window, events: &[Event]) -> Vec<u8> {
    let pieces = events.iter().filter_map(|event| match &event.what {
        What::PeerData {
            peer: PeerId(of),
            bytes,
        } if Some(*of) == peer && window.has(event.step) => Some(&bytes[..]),
        _ => None,
    });
    pieces.collect::<Vec<_>>().concat()
}

/// The first peer of which `holds` does not hold.
fn each(all: &[Text<'_>], holds: impl Fn(&Text<'_>) -> Result<(), String>) -> Result<(), String> {
    all.iter().try_for_each(holds)
}

fn exclusive(begins: &str, all: &[Text<'_>]) -> Result<(), String> {
    let got: Vec<(&str, usize)> = all
        .iter()
        .map(|text| (text.name, text.beginning(begins)))
        .filter(|(_, count)| *count > 0)
        .collect();
    match got[..] {
        [(_, 1)] => Ok(()),
        [] => Err(format!("nobody got {}", quoted(begins.as_bytes()))),
        [(name, count)] => Err(format!(
            "{name} got {} {count} times",
            quoted(begins.as_bytes())
        )),
        _ => {
            let names: Vec<&str> = got.iter().map(|(name, _)| *name).collect();
            Err(format!(
                "{} got {}",
                names.join(" and "),
                quoted(begins.as_bytes())
            ))
        }
    }
}

fn count(begins: &str, times: u64, text: &Text<'_>) -> Result<(), String> {
    let count = text.beginning(begins);
    if u64::try_from(count).is_ok_and(|count| count == times) {
        return Ok(());
    }
    Err(format!(
        "{} got {} {count} of {times} times",
        text.name,
        quoted(begins.as_bytes())
    ))
}

fn each_once(lines: &[String], text: &Text<'_>) -> Result<(), String> {
    for line in lines {
        match text
            .lines()
            .filter(|other| *other == line.as_bytes())
            .count()
        {
            1 => {}
            0 => {
                return Err(format!(
                    "{} did not get {}",
                    text.name,
                    quoted(line.as_bytes())
                ));
            }
            more => {
                return Err(format!(
                    "{} got {} {more} times",
                    text.name,
                    quoted(line.as_bytes())
                ));
            }
        }
    }
    Ok(())
}

fn in_order(lines: &[String], text: &Text<'_>) -> Result<(), String> {
    let mut before: Option<(usize, &str)> = None;
    for line in lines {
        let Some(place) = text.place(line) else {
            return Err(format!(
                "{} did not get {}",
                text.name,
                quoted(line.as_bytes())
            ));
        };
        if let Some((last, other)) = before
            && place < last
        {
            return Err(format!(
                "{} got {} before {}",
                text.name,
                quoted(line.as_bytes()),
                quoted(other.as_bytes())
            ));
        }
        before = Some((place, line));
    }
    Ok(())
}

/// Lines that two peers both got came to both in the same order.
fn same_order(all: &[Text<'_>]) -> Result<(), String> {
    for (number, one) in all.iter().enumerate() {
        for other in &all[number + 1..] {
            let mut before: Option<(usize, &[u8])> = None;
            for line in one.lines() {
                let Some(place) = other.lines().position(|known| known == line) else {
                    continue;
                };
                if let Some((last, earlier)) = before
                    && place < last
                {
                    return Err(format!(
                        "{} got {} before {}, {} the other way round",
                        one.name,
                        quoted(earlier),
                        quoted(line),
                        other.name
                    ));
                }
                before = Some((place, line));
            }
        }
    }
    Ok(())
}

fn matches(expression: &str, text: &Text<'_>) -> Result<(), String> {
    match lab::expression(expression) {
        Ok(regex) if regex.is_match(&text.bytes) => Ok(()),
        _ => Err(format!("{} got {}", text.name, quoted(&text.bytes))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(what: Received, texts: &[(&str, &str)]) -> String {
        let names = || texts.iter().map(|(name, _)| (*name).to_owned()).collect();
        let actors = Actors {
            programs: Vec::new(),
            peers: names(),
        };
        let among = Among {
            peers: names(),
            what,
        };
        let events: Vec<Event> = (0..)
            .zip(texts)
            .flat_map(|(peer, (_, text))| {
                // In pieces: how bytes were cut must not matter.
                text.as_bytes().chunks(3).map(move |bytes| Event {
                    at: 0,
                    step: 1,
                    what: What::PeerData {
                        peer: PeerId(peer),
                        bytes: bytes.into(),
                    },
                })
            })
            .collect();
        judge(&among, Window::default(), &actors, &events)
    }

    fn lines(list: &[&str]) -> Vec<String> {
        list.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn exactly_one_peer_gets_what_is_exclusive() {
        let said = |texts| said(Received::Exclusive("OK ".to_owned()), texts);
        assert_eq!(said(&[("a", "OK 1\n"), ("b", "OK\nCONFLICT k\n")]), "yes");
        assert_eq!(
            said(&[("a", "OK 1\n"), ("b", "OK 2\n")]),
            "no, a and b got \"OK \""
        );
        assert_eq!(
            said(&[("a", "OK 1\nOK 2\n"), ("b", "x\n")]),
            "no, a got \"OK \" 2 times"
        );
        assert_eq!(said(&[("a", "NO\n"), ("b", "")]), "no, nobody got \"OK \"");
        assert_eq!(said(&[("a", ""), ("b", "")]), "no, nobody got anything");
    }

    #[test]
    fn each_peer_gets_each_line_so_often() {
        let once = |texts| said(Received::EachOnce(lines(&["<a> 1", "<a> 2"])), texts);
        assert_eq!(
            once(&[("x", "<a> 2\n<a> 1\n"), ("y", "<a> 1\n<b> 1\n<a> 2\n")]),
            "yes"
        );
        assert_eq!(
            once(&[("x", "<a> 1\n<a> 12\n")]),
            "no, x did not get \"<a> 2\""
        );
        assert_eq!(
            once(&[("x", "<a> 1\n<a> 2\n<a> 1\n")]),
            "no, x got \"<a> 1\" 2 times"
        );
        let three = Received::Count {
            begins: "<a> ".to_owned(),
            times: 3,
        };
        assert_eq!(said(three.clone(), &[("x", "<a> 1\n<a> 1\n<a> 1")]), "yes");
        assert_eq!(
            said(three, &[("x", "<a> 1\n<a> 1\n<a> 1\n"), ("y", "<a> 1\n")]),
            "no, y got \"<a> \" 1 of 3 times"
        );
    }

    #[test]
    fn an_authors_lines_keep_their_order() {
        let order = |texts| said(Received::InOrder(lines(&["a1", "a2"])), texts);
        assert_eq!(order(&[("x", "a1\nb\na2\n")]), "yes");
        assert_eq!(
            order(&[("x", "a2\na1\n")]),
            "no, x got \"a2\" before \"a1\""
        );
        assert_eq!(
            order(&[("x", "a1\na2\n"), ("y", "a1\n")]),
            "no, y did not get \"a2\""
        );
    }

    #[test]
    fn everybody_sees_the_same_order() {
        let order = |texts| said(Received::SameOrder, texts);
        assert_eq!(
            order(&[("x", "a\nb\nc\n"), ("y", "b\nc\n"), ("z", "a\nc\n")]),
            "yes"
        );
        assert_eq!(
            order(&[("x", "a\nb\n"), ("y", "b\na\n")]),
            "no, x got \"a\" before \"b\", y the other way round"
        );
        assert_eq!(order(&[("x", ""), ("y", "")]), "no, nobody got anything");
    }

    #[test]
    fn a_whole_text_matches() {
        let whole = |texts| said(Received::Matches("^(N\nN\n|V\nV\n)*$".to_owned()), texts);
        assert_eq!(whole(&[("x", "N\nN\nV\nV\n")]), "yes");
        assert_eq!(
            whole(&[("x", "N\nN\n"), ("y", "N\nV\n")]),
            "no, y got \"N\\nV\\n\""
        );
    }

    #[test]
    fn only_the_window_counts() {
        let data = |step, text: &[u8]| Event {
            at: 0,
            step,
            what: What::PeerData {
                peer: PeerId(0),
                bytes: text.into(),
            },
        };
        let actors = Actors {
            programs: Vec::new(),
            peers: lines(&["x"]),
        };
        let among = Among {
            peers: lines(&["x"]),
            what: Received::Exclusive("OK".to_owned()),
        };
        let window = Window {
            from: Some(2),
            until: None,
        };
        let events = [data(1, b"OK\n"), data(2, b"OK\n")];
        assert_eq!(judge(&among, window, &actors, &events), "yes");
        assert_ne!(judge(&among, Window::default(), &actors, &events), "yes");
    }
}
