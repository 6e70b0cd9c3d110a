//! From which rung of the ladder a program's address came.

use std::collections::BTreeMap;

use supervisor::event::{Call, What};
use supervisor::plan::{Address, ProgramId};

use crate::lab::{AddressMode, Lab, Scenario};
use crate::transcript::{Actors, in_environment};
use crate::verdict::judge::Ran;
use crate::verdict::rung::{AddressKind, Ladder, Oddity, Rung, Taken};

/// Where the submission's programs listened and connected in a run, and from where they had that.
/// `socket` is the address of the handout; `declared` what `grader.toml` says, by role.
#[must_use]
pub fn address_rungs(
    lab: &Lab,
    scenario: &Scenario,
    ran: &Ran,
    socket: &str,
    declared: &BTreeMap<String, Address>,
) -> Vec<Rung> {
    let actors = Actors::of(lab, scenario);
    let mut rungs = Vec::new();
    for (index, role) in actors.programs.iter().enumerate() {
        let program = lab.programs.iter().find(|program| program.name == *role);
        let (Ok(id), Some(program)) = (u16::try_from(index).map(ProgramId), program) else {
            continue;
        };
        // A port that is not the one it was told is seen where it listens or connects.
        if !scenario.students.contains(role) || program.has_port() {
            continue;
        }
        let look = Look {
            role,
            id,
            any: program.address == AddressMode::Discover,
            addressed: program.address != AddressMode::None,
            socket,
            declared: declared.get(role),
            args: scenario
                .setup
                .get(role)
                .and_then(|setup| setup.args.as_deref())
                .unwrap_or(&program.args),
        };
        look.rungs(ran, &mut rungs);
    }
    rungs
}

struct Look<'a> {
    role: &'a str,
    id: ProgramId,
    any: bool,
    addressed: bool,
    socket: &'a str,
    declared: Option<&'a Address>,
    /// What the scenario gives it as arguments: an address of its own, in some.
    args: &'a [String],
}

impl Look<'_> {
    fn rungs(&self, ran: &Ran, rungs: &mut Vec<Rung>) {
        let mut structs: Vec<(&Call, bool)> = Vec::new();
        for event in &ran.events {
            match &event.what {
                What::Call(call) if call.process.program == self.id => {
                    let binds = call.name == "bind";
                    if binds || call.name == "connect" {
                        structs.push((call, binds));
                        rungs.extend(self.as_told(call, binds));
                    }
                }
                What::Listening {
                    process,
                    address,
                    nominal: false,
                } if process.program == self.id && !gets_another(address, ran) => {
                    rungs.push(self.own(address, true, &structs));
                }
                What::Connecting { process, address } if process.program == self.id => {
                    rungs.push(self.own(address, false, &structs));
                }
                _ => {}
            }
        }
        // A `connect` is reported before its call has returned.
        for rung in rungs.iter_mut().filter(|r| r.program == self.role) {
            if rung.oddity.is_none() && !rung.listens && rung.value.is_some() {
                rung.oddity = rung
                    .value
                    .as_deref()
                    .filter(|value| structs.iter().any(|(call, _)| is_cut(value, call)))
                    .map(|_| Oddity::Cut);
            }
        }
    }

    /// The program used what it was given, in `argv` or in its environment.
    fn as_told(&self, call: &Call, listens: bool) -> Option<Rung> {
        let quoted = |path: &str| call.args.contains(&format!("\"{path}\""));
        let taken = if quoted(self.socket) {
            Taken::Handout
        } else if quoted(&in_environment(self.socket)) {
            Taken::Environment
        } else {
            return None;
        };
        self.addressed.then(|| Rung {
            kind: Some(AddressKind::Path),
            listens,
            any: self.any,
            ..Rung::plain(self.role, Ladder::Address, taken)
        })
    }

    fn own(&self, address: &Address, listens: bool, structs: &[(&Call, bool)]) -> Rung {
        let (shown, garbage) = readable(address, self.socket);
        let oddity = if garbage {
            Some(Oddity::NotCleared)
        } else {
            self.odd(address, &shown, structs)
        };
        let told = match address {
            Address::Path(path) => {
                let is = |given: &str| &**path == given.as_bytes();
                // In a lab in which any address is right these are not told apart by the engine.
                if is(self.socket) || self.args.iter().any(|arg| is(arg)) {
                    Some(Taken::Handout)
                } else if is(&in_environment(self.socket)) {
                    Some(Taken::Environment)
                } else {
                    None
                }
            }
            Address::Abstract(name) => {
                let end = name.iter().rposition(|&byte| byte != 0);
                let name = &name[..end.map_or(0, |last| last + 1)];
                let is = |arg: &String| arg.trim_start_matches('@').as_bytes() == name;
                (!name.is_empty() && self.args.iter().any(is)).then_some(Taken::Handout)
            }
            Address::Inet(_) => None,
        };
        let taken = told.unwrap_or_else(|| {
            if self.declared.is_some_and(|own| same(own, address)) {
                Taken::Manifest
            } else {
                Taken::Discovered
            }
        });
        Rung {
            value: told.is_none().then_some(shown),
            kind: Some(match address {
                Address::Path(_) => AddressKind::Path,
                Address::Abstract(_) => AddressKind::Abstract,
                Address::Inet(_) => AddressKind::Tcp,
            }),
            listens,
            oddity,
            any: self.any,
            ..Rung::plain(self.role, Ladder::Address, taken)
        }
    }

    fn odd(&self, address: &Address, shown: &str, structs: &[(&Call, bool)]) -> Option<Oddity> {
        /// `sizeof sun_path`, unix(7).
        const ROOM: usize = 108;
        match address {
            Address::Path(path) if path.len() == ROOM => Some(Oddity::Full),
            Address::Path(_) => structs
                .iter()
                .any(|(call, _)| is_cut(shown, call))
                .then_some(Oddity::Cut),
            Address::Abstract(name) if name.iter().all(|b| *b == 0) => Some(Oddity::Empty),
            Address::Abstract(name) => {
                let given = self.socket.as_bytes();
                let is_path = name.starts_with(b"/")
                    || name.starts_with(b"./")
                    // The first letter was overwritten: `addr.sun_path[0] = 0` is not meant so.
                    || (given.len() > 1 && name.starts_with(&given[1..]));
                is_path.then_some(Oddity::LeadingNul)
            }
            Address::Inet(_) => None,
        }
    }
}

/// Whether a socket was renamed once it had this address.
fn gets_another(address: &Address, ran: &Ran) -> bool {
    let renamed = |what: &What| matches!(what, What::Renamed { from, .. } if *from == *address);
    ran.events.iter().any(|event| renamed(&event.what))
}

/// Whether the struct of a call holds a longer path of which `path` is the beginning.
fn is_cut(path: &str, call: &Call) -> bool {
    let Some(name) = call.data.get(2..) else {
        return false;
    };
    let end = name.iter().position(|b| *b == 0).unwrap_or(0);
    let whole = &name[..end];
    !path.is_empty()
        && whole.len() > path.len()
        && whole.starts_with(path.as_bytes())
        && whole.iter().all(u8::is_ascii_graphic)
        && call.args.contains(&format!("\"{path}\""))
}

fn same(own: &Address, used: &Address) -> bool {
    match (own, used) {
        (Address::Path(own), Address::Path(used)) => {
            let plain = |path: &[u8]| -> Vec<u8> {
                let path = path.strip_prefix(b"/lab/").unwrap_or(path);
                path.strip_prefix(b"./").unwrap_or(path).to_vec()
            };
            plain(own) == plain(used)
        }
        (Address::Inet(own), Address::Inet(used)) => own.port() == used.port(),
        _ => false,
    }
}

/// An address as far as it can be read, and whether it goes on with bytes that nobody writes into
/// a name: what the memory happened to hold, and different in every run.
fn readable(address: &Address, socket: &str) -> (String, bool) {
    let (sign, name) = match address {
        Address::Path(path) => ("", &**path),
        Address::Abstract(name) => {
            let end = name
                .iter()
                .rposition(|&b| b != 0)
                .map_or(0, |last| last + 1);
            ("@", &name[..end])
        }
        Address::Inet(inet) => return (inet.to_string(), false),
    };
    let valid = match std::str::from_utf8(name) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&name[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut text: String = valid.chars().take_while(|c| !c.is_control()).collect();
    // What follows the handout's own path was in the memory, however readable it is.
    if sign.is_empty() && text.len() > socket.len() && text.starts_with(socket) {
        let rest = &text[socket.len()..];
        if !rest.starts_with(['.', '-', '_', '/']) {
            text.truncate(socket.len());
        }
    }
    let garbage = text.len() < name.len();
    let more = if garbage { "…" } else { "" };
    (format!("{sign}{text}{more}"), garbage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use supervisor::plan::ProcessId;

    const SOCKET: &str = "/lab/socket";

    fn call(args: &str, name: &[u8]) -> Call {
        Call {
            process: ProcessId {
                program: ProgramId(0),
                number: 0,
            },
            thread: 0,
            name: "bind".into(),
            args: args.into(),
            data: [&[1, 0], name].concat().as_slice().into(),
            result: Some(0),
            times: 1,
        }
    }

    #[test]
    fn a_name_is_shown_as_far_as_it_was_written() {
        let path = |bytes: &[u8]| readable(&Address::Path(bytes.into()), SOCKET);
        assert_eq!(path(b"/tmp/sock"), ("/tmp/sock".to_owned(), false));
        assert_eq!(
            path("/tmp/сокет".as_bytes()),
            ("/tmp/сокет".to_owned(), false)
        );
        assert_eq!(path(b"/tmp/s\xfe\x7f"), ("/tmp/s…".to_owned(), true));
        assert_eq!(path(b"/tmp/s\x01x"), ("/tmp/s…".to_owned(), true));
        assert_eq!(path(b"/lab/socketAAAA"), ("/lab/socket…".to_owned(), true));
        assert_eq!(path(b"/lab/socket.2"), ("/lab/socket.2".to_owned(), false));
        let name = |bytes: &[u8]| readable(&Address::Abstract(bytes.into()), SOCKET);
        assert_eq!(name(b"lab\0\0\0"), ("@lab".to_owned(), false));
        assert_eq!(name(b"lab\0\x80"), ("@lab…".to_owned(), true));
    }

    #[test]
    fn a_length_that_is_too_small_is_seen_in_the_struct() {
        let cut = call("3, \"/lab/soc\"", b"/lab/socket\0\0\0");
        assert!(is_cut("/lab/soc", &cut));
        let right = call("3, \"/lab/socket\"", b"/lab/socket\0\0\0");
        assert!(!is_cut("/lab/socket", &right));
        // What lies behind a name without its NUL is no part of it.
        let garbage = call("3, \"/lab/soc\"", b"/lab/soc\xfe\xfe\0");
        assert!(!is_cut("/lab/soc", &garbage));
        assert!(!is_cut("/lab/soc", &call("3, \"/lab/soc\"", b"")));
    }

    #[test]
    fn abstract_names_by_accident_are_told_from_those_by_design() {
        let look = Look {
            role: "server",
            id: ProgramId(0),
            any: false,
            addressed: true,
            socket: SOCKET,
            declared: None,
            args: &[],
        };
        let odd = |bytes: &[u8]| look.own(&Address::Abstract(bytes.into()), true, &[]).oddity;
        assert_eq!(odd(b"/tmp/sock\0\0"), Some(Oddity::LeadingNul));
        assert_eq!(odd(b"lab/socket\0"), Some(Oddity::LeadingNul));
        assert_eq!(odd(&[0; 107]), Some(Oddity::Empty));
        assert_eq!(odd(b"us-upper\0\0"), None);
        let full = Address::Path(vec![b'x'; 108].as_slice().into());
        assert_eq!(look.own(&full, true, &[]).oddity, Some(Oddity::Full));
    }

    #[test]
    fn an_address_that_the_scenario_gives_is_no_discovery() {
        let args = ["-m", "private/socket", "-a", "lab"].map(str::to_owned);
        let look = Look {
            role: "server",
            id: ProgramId(0),
            any: false,
            addressed: true,
            socket: SOCKET,
            declared: None,
            args: &args,
        };
        let taken = |address| look.own(&address, true, &[]).taken;
        let path = |path: &str| taken(Address::Path(path.into()));
        assert_eq!(path("private/socket"), Taken::Handout);
        assert_eq!(path("socket"), Taken::Discovered);
        let name = |name: &[u8]| taken(Address::Abstract(name.into()));
        assert_eq!(name(b"lab\0\0"), Taken::Handout);
        assert_eq!(name(b"labs"), Taken::Discovered);
        assert_eq!(name(b""), Taken::Discovered);
    }

    #[test]
    fn what_the_manifest_declares_is_recognised_however_it_is_spelt() {
        let path = |path: &str| Address::Path(path.into());
        assert!(same(&path("run/s"), &path("./run/s")));
        assert!(same(&path("run/s"), &path("/lab/run/s")));
        assert!(!same(&path("run/s"), &path("/tmp/run/s")));
        let port = |text: &str| Address::Inet(text.parse().unwrap());
        assert!(same(&port("127.0.0.1:5000"), &port("0.0.0.0:5000")));
    }
}
