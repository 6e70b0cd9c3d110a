//! Which lines of a reaction count.

use super::{Line, Op};
use crate::lab::Selector;

/// A choice of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection<'a> {
    /// Every line.
    Everything,
    /// A step's whole reaction as evidence: every line, but that a program wakes up now and then
    /// (`~ | polling`) counts only where a selector asks for it. To poll is no fault by itself.
    /// Nor is an address of a client's own (`= | connect`): it was led to the right one.
    Reaction,
    /// The lines that any of these picks.
    Only(Vec<&'a Selector>),
    /// The line of one check.
    Check {
        /// The program it reads.
        lane: &'a str,
        /// Its name.
        id: &'a str,
    },
}

impl Selection<'_> {
    /// Whether the line counts.
    #[must_use]
    pub fn has(&self, line: &Line) -> bool {
        match self {
            Self::Everything => true,
            Self::Reaction => {
                let polls = line.op == Op::Quiet && line.payload == "polling";
                !polls && !is_connect(line)
            }
            Self::Only(selectors) => selectors.iter().any(|selector| selects(selector, line)),
            Self::Check { lane, id } => {
                line.op == Op::Property
                    && line.lane == *lane
                    && line
                        .payload
                        .strip_prefix(id)
                        .is_some_and(|rest| rest.starts_with(": "))
            }
        }
    }
}

/// Whether a selector picks a line: its lane, its channel if one is named, its operator or the
/// first word of its payload if a filter is given.
///
/// Words that tell different ends of the same thing go together: `server exit` also picks
/// `killed SIGPIPE`, and `alice open` picks `refused ECONNREFUSED`. An address of a client's own is
/// picked by the word `connect` alone.
#[must_use]
pub fn selects(selector: &Selector, line: &Line) -> bool {
    let lane = selector.lane == line.lane;
    let channel = selector
        .channel
        .as_ref()
        .is_none_or(|channel| *channel == line.channel);
    let filter = selector
        .filter
        .as_ref()
        .is_none_or(|filter| match filter.as_str() {
            "<" => matches!(line.op, Op::Out | Op::OutPartial | Op::OutBinary),
            ">" => matches!(line.op, Op::In | Op::InPartial),
            "=" => line.op == Op::Life,
            "~" => line.op == Op::Quiet,
            "?" => line.op == Op::Property,
            word => {
                matches!(line.op, Op::Life | Op::Quiet | Op::Property)
                    && kin(word) == kin(first_word(&line.payload))
            }
        });
    let asked = selector.filter.as_deref() == Some("connect") || !is_connect(line);
    lane && channel && filter && asked
}

/// A program wanted another address than it was given.
fn is_connect(line: &Line) -> bool {
    line.op == Op::Life && first_word(&line.payload) == "connect"
}

fn first_word(text: &str) -> &str {
    text.split([' ', ':']).next().unwrap_or_default()
}

/// One word for all that can stand in each other's place.
fn kin(word: &str) -> &str {
    match word {
        "exit" | "killed" | "ended" | "still" | "exec" => "exit",
        "listen" | "bind" => "listen",
        "open" | "queued" | "accepted" | "waits" | "refused" => "open",
        "eof" | "reset" | "failed" => "eof",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(lane: &str, channel: &str, op: Op, payload: &str) -> Line {
        Line {
            lane: lane.to_owned(),
            channel: channel.to_owned(),
            op,
            payload: payload.to_owned(),
        }
    }

    fn selector(lane: &str, channel: Option<&str>, filter: Option<&str>) -> Selector {
        Selector {
            lane: lane.to_owned(),
            channel: channel.map(str::to_owned),
            filter: filter.map(str::to_owned),
        }
    }

    #[test]
    fn a_lane_alone_picks_all_its_channels() {
        let server = selector("server", None, None);
        assert!(selects(&server, &line("server", "out", Op::Out, "x")));
        assert!(selects(&server, &line("server", "", Op::Life, "exit 0")));
        assert!(!selects(&server, &line("alice", "", Op::Life, "eof")));
    }

    #[test]
    fn an_address_of_a_clients_own_counts_only_where_it_is_named() {
        let wanted = line("client", "", Op::Life, "connect unix-stream /tmp/sock");
        assert!(selects(&selector("client", None, Some("connect")), &wanted));
        assert!(!selects(&selector("client", None, Some("=")), &wanted));
        assert!(!selects(&selector("client", None, None), &wanted));
        assert!(!Selection::Reaction.has(&wanted));
        assert!(Selection::Everything.has(&wanted));
    }

    #[test]
    fn a_crash_is_picked_where_the_exit_counts() {
        let exit = selector("server", None, Some("exit"));
        assert!(selects(
            &exit,
            &line("server", "", Op::Life, "killed SIGPIPE")
        ));
        assert!(!selects(
            &exit,
            &line("server", "", Op::Life, "unlink <socket>")
        ));
        assert!(!selects(&exit, &line("server", "out", Op::Out, "exit 0")));
    }

    #[test]
    fn an_operator_picks_frames_with_and_without_terminator() {
        let data = selector("alice", None, Some("<"));
        assert!(selects(&data, &line("alice", "", Op::OutPartial, "AB")));
        assert!(!selects(&data, &line("alice", "", Op::Life, "eof")));
    }
}
