//! Where a program's `connect` leads. Programs that have their address written into them still
//! meet the side that is played by the grader: such a `connect` is held at its entry until that
//! side listens, and then led there by other arguments. What the program sees in its own memory
//! and registers stays as it was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::arguments;
use super::registers::Registers;
use super::task::Named;
use crate::beneath::resolve;
use crate::memory;
use crate::plan::{Address, FileAct, Image, PeerId, Plan, ProgramId};

/// Sockets of the C library and of services, which have nothing to do with a lab.
const SYSTEM: &[&[u8]] = &[b"/run/", b"/var/run/", b"/dev/", b"/etc/"];

/// The bytes below the stack pointer that the x86-64 ABI lets a function use without reserving
/// them (the red zone); other ones have none.
const RED_ZONE: u64 = 128;

/// What is known of who may meet whom.
#[derive(Debug, Default)]
pub(crate) struct Meetings {
    /// By program: played by the grader's own reference.
    reference: Vec<bool>,
    /// Where peers listen now.
    desks: Vec<(PeerId, Address)>,
    /// Where a socket file was left on which nobody listens.
    stale: Option<Address>,
    /// Other addresses already reported.
    reported: BTreeSet<(ProgramId, Vec<u8>)>,
}

/// What to do about a `connect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing.
    AsItIs,
    /// Lead it to this address.
    To(Address),
    /// Hold it: who it is meant for does not listen yet.
    Hold,
}

/// A `connect` led elsewhere, to be undone at its exit.
#[derive(Clone, Debug)]
pub(crate) struct Led {
    /// Where it was led.
    pub(crate) target: Address,
    /// Where the other address was put.
    place: u64,
    /// What stood there.
    old: Vec<u8>,
}

impl Meetings {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            reference: plan
                .programs
                .iter()
                .map(|program| matches!(program.image, Image::Builtin(_)))
                .collect(),
            ..Self::default()
        }
    }

    /// A peer listens.
    pub(crate) fn opened(&mut self, peer: PeerId, address: &Address) {
        self.desks.push((peer, address.clone()));
    }

    /// A peer has closed.
    pub(crate) fn closed(&mut self, peer: PeerId) {
        self.desks.retain(|(of, _)| *of != peer);
    }

    /// The workspace was changed.
    pub(crate) fn changed(&mut self, act: &FileAct, workspace: &Path) {
        use std::os::unix::ffi::OsStrExt;
        if let FileAct::StaleSocket(path) = act {
            let path = resolve(workspace, path);
            self.stale = Some(Address::Path(path.as_os_str().as_bytes().into()));
        }
    }

    /// Whether this is the first time that a program wants this address.
    pub(crate) fn is_news(&mut self, program: ProgramId, address: &Address) -> bool {
        /// A program that tries one address after another must not fill the memory.
        const MOST: usize = 64;
        self.reported.len() < MOST && self.reported.insert((program, key(address)))
    }

    pub(crate) fn is_reference(&self, program: ProgramId) -> bool {
        self.reference
            .get(usize::from(program.0))
            .copied()
            .unwrap_or(false)
    }

    /// Whether a program may be led to the other side of the wall between the submission and the
    /// grader. A pair of the submission's own programs must find together by itself.
    fn may_be_led(&self, program: ProgramId) -> bool {
        let others = self.reference.iter().enumerate();
        let mut others = others.filter(|(index, _)| *index != usize::from(program.0));
        let submitted = others.any(|(_, reference)| !reference);
        self.is_reference(program) == submitted
    }

    /// Where the `connect` of a program to `wanted` (`path`: where that leads) should go.
    pub(crate) fn fate(
        &self,
        program: ProgramId,
        wanted: &Address,
        path: Option<&Path>,
        named: &[Named],
    ) -> Fate {
        if !self.concerns(program, wanted, path) || self.is_there(wanted, path, named) {
            return Fate::AsItIs;
        }
        self.host(program, wanted, named)
            .map_or(Fate::Hold, Fate::To)
    }

    /// Whether a `connect` is the lab's business at all.
    pub(crate) fn concerns(
        &self,
        program: ProgramId,
        wanted: &Address,
        path: Option<&Path>,
    ) -> bool {
        use std::os::unix::ffi::OsStrExt;
        let of_the_system = path.is_some_and(|path| {
            SYSTEM
                .iter()
                .any(|of| path.as_os_str().as_bytes().starts_with(of))
        });
        let here = match wanted {
            Address::Inet(inet) => inet.ip().is_loopback() || inet.ip().is_unspecified(),
            Address::Path(_) | Address::Abstract(_) => true,
        };
        here && !of_the_system && self.may_be_led(program)
    }

    /// Whether somebody listens at this very place.
    pub(crate) fn is_there(&self, wanted: &Address, path: Option<&Path>, named: &[Named]) -> bool {
        let programs = named.iter().any(|named| {
            named.is_reachable()
                && !named.unlinked
                && (same_address(&named.address, wanted)
                    || (path.is_some() && named.path.as_deref() == path))
        });
        let at = |desk: &Address| match (desk, path) {
            (Address::Path(desk), Some(path)) => Path::new(as_os(desk)) == path,
            _ => same_address(desk, wanted),
        };
        programs || self.desks.iter().any(|(_, desk)| at(desk))
    }

    /// Who listens now on the other side of the wall, by the same kind of socket.
    fn host(&self, program: ProgramId, wanted: &Address, named: &[Named]) -> Option<Address> {
        let own = self.is_reference(program);
        let mut desks = self.desks.iter().rev().map(|(_, desk)| desk.clone());
        let desk = desks.find(|desk| !own && same_kind(desk, wanted));
        desk.or_else(|| {
            named
                .iter()
                .rev()
                .filter(|named| named.is_reachable() && !named.unlinked)
                .filter(|named| self.is_reference(named.process.program) != own)
                .map(place_of)
                .find(|address| same_kind(address, wanted))
        })
    }

    /// Where a `connect` ends that nobody can answer any more: at the address of the handout, or
    /// where the lab left a socket file without a listener, so that it fails as it should.
    pub(crate) fn nobody(&self, nominal: Option<&Address>, wanted: &Address) -> Option<Address> {
        nominal
            .or(self.stale.as_ref())
            .filter(|address| same_kind(address, wanted) && *address != wanted)
            .cloned()
    }
}

/// Puts another address below the stack of a thread at the entry of its `connect` and points the
/// call there. `None` where its memory cannot be written: the call stays as it is.
pub(crate) fn lead(tid: i32, args: &[u64; 6], target: &Address) -> Option<Led> {
    let bytes = encode(target)?;
    let mut registers = Registers::of(tid)?;
    let room = (bytes.len() as u64 + 15) & !15;
    let below = registers.stack().checked_sub(RED_ZONE + room)? & !15;
    let mut places = vec![below];
    // Where the stack ends right there, the old address makes room if it is long enough.
    if args[2] >= bytes.len() as u64 {
        places.push(args[1]);
    }
    let (place, old) = places.into_iter().find_map(|place| {
        let old = memory::read(tid, place, bytes.len());
        (old.len() == bytes.len() && memory::write(tid, place, &bytes).is_ok())
            .then_some((place, old))
    })?;
    registers.set_argument(1, place);
    registers.set_argument(2, bytes.len() as u64);
    registers.write();
    Some(Led {
        target: target.clone(),
        place,
        old,
    })
}

/// Gives a thread at the exit of its `connect` its memory and registers back.
pub(crate) fn undo(tid: i32, args: &[u64; 6], led: &Led) {
    // A thread that has just been killed needs neither.
    let _ = memory::write(tid, led.place, &led.old);
    if let Some(mut registers) = Registers::of(tid) {
        registers.set_argument(1, args[1]);
        registers.set_argument(2, args[2]);
        registers.write();
    }
}

/// The address that a call names, with its path resolved.
pub(crate) fn named_by(pid: i32, tid: i32, args: &[u64; 6]) -> Option<(Address, Option<PathBuf>)> {
    let length = usize::try_from(args[2]).unwrap_or(0).min(128);
    let address = arguments::parse_address(&memory::read(tid, args[1], length))?;
    let path = super::lookup::absolute(pid, &address);
    Some((address, path))
}

fn place_of(named: &Named) -> Address {
    use std::os::unix::ffi::OsStrExt;
    match &named.path {
        Some(path) => Address::Path(path.as_os_str().as_bytes().into()),
        None => reachable(&named.address),
    }
}

/// An address that listens everywhere is reached through the loopback.
fn reachable(address: &Address) -> Address {
    match address {
        Address::Inet(std::net::SocketAddr::V4(inet)) if inet.ip().is_unspecified() => {
            Address::Inet((std::net::Ipv4Addr::LOCALHOST, inet.port()).into())
        }
        Address::Inet(std::net::SocketAddr::V6(inet)) if inet.ip().is_unspecified() => {
            Address::Inet((std::net::Ipv6Addr::LOCALHOST, inet.port()).into())
        }
        other => other.clone(),
    }
}

fn same_address(one: &Address, other: &Address) -> bool {
    reachable(one) == reachable(other)
}

/// Whether a socket made for one can reach the other.
fn same_kind(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Inet(one), Address::Inet(other)) => one.is_ipv4() == other.is_ipv4(),
        (Address::Inet(_), _) | (_, Address::Inet(_)) => false,
        _ => true,
    }
}

fn key(address: &Address) -> Vec<u8> {
    match address {
        Address::Path(path) => path.0.clone(),
        Address::Abstract(name) => [&[0], name.0.as_slice()].concat(),
        Address::Inet(inet) => inet.to_string().into_bytes(),
    }
}

fn as_os(bytes: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}

/// An address as a `struct sockaddr`: unix(7), ip(7), ipv6(7). `None` for a path that fits into
/// none; one that fills all of `sun_path` has no NUL.
pub(crate) fn encode(address: &Address) -> Option<Vec<u8>> {
    /// `sizeof sun_path`.
    const ROOM: usize = 108;
    let family = |family: i32| u16::try_from(family).map(|family| family.to_ne_bytes().to_vec());
    let mut out;
    match address {
        Address::Path(path) if path.len() <= ROOM => {
            out = family(libc::AF_UNIX).ok()?;
            out.extend_from_slice(path);
            if path.len() < ROOM {
                out.push(0);
            }
        }
        Address::Abstract(name) if name.len() < ROOM => {
            out = family(libc::AF_UNIX).ok()?;
            out.push(0);
            out.extend_from_slice(name);
        }
        Address::Path(_) | Address::Abstract(_) => return None,
        Address::Inet(std::net::SocketAddr::V4(inet)) => {
            out = family(libc::AF_INET).ok()?;
            out.extend(inet.port().to_be_bytes());
            out.extend(inet.ip().octets());
            out.extend([0; 8]);
        }
        Address::Inet(std::net::SocketAddr::V6(inet)) => {
            out = family(libc::AF_INET6).ok()?;
            out.extend(inet.port().to_be_bytes());
            out.extend([0; 4]);
            out.extend(inet.ip().octets());
            out.extend([0; 4]);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ProcessId, SocketKind};

    const STUDENT: ProgramId = ProgramId(0);
    const REFERENCE: ProgramId = ProgramId(1);

    fn path(path: &str) -> Address {
        Address::Path(path.into())
    }

    fn meetings() -> Meetings {
        Meetings {
            reference: vec![false, true],
            ..Meetings::default()
        }
    }

    fn listener(program: ProgramId, at: &str) -> Named {
        Named {
            inode: 7,
            process: ProcessId { program, number: 0 },
            address: path(at),
            path: Some(at.into()),
            listening: true,
            kind: SocketKind::Stream,
            unlinked: false,
        }
    }

    fn fate(meetings: &Meetings, program: ProgramId, wanted: &str, named: &[Named]) -> Fate {
        meetings.fate(program, &path(wanted), Some(Path::new(wanted)), named)
    }

    #[test]
    fn a_connect_waits_for_the_other_side_and_is_led_there() {
        let meetings = meetings();
        assert_eq!(fate(&meetings, STUDENT, "/tmp/s", &[]), Fate::Hold);
        let named = [listener(REFERENCE, "/lab/socket")];
        let led = Fate::To(path("/lab/socket"));
        assert_eq!(fate(&meetings, STUDENT, "/tmp/s", &named), led);
        assert_eq!(
            fate(&meetings, STUDENT, "/lab/socket", &named),
            Fate::AsItIs
        );
        let named = [listener(STUDENT, "/tmp/s")];
        assert_eq!(
            fate(&meetings, REFERENCE, "/lab/socket", &named),
            Fate::To(path("/tmp/s"))
        );
    }

    #[test]
    fn a_pair_of_the_submission_and_services_of_the_system_are_left_alone() {
        let mut meetings = meetings();
        assert_eq!(
            fate(&meetings, STUDENT, "/run/nscd/socket", &[]),
            Fate::AsItIs
        );
        meetings.reference = vec![false, false];
        let named = [listener(REFERENCE, "/lab/socket")];
        assert_eq!(fate(&meetings, STUDENT, "/tmp/s", &named), Fate::AsItIs);
    }

    #[test]
    fn where_nobody_listens_it_fails_at_the_handouts_address() {
        let mut meetings = meetings();
        let nominal = path("/lab/socket");
        let wanted = path("/tmp/s");
        assert_eq!(
            meetings.nobody(Some(&nominal), &wanted),
            Some(nominal.clone())
        );
        assert_eq!(meetings.nobody(Some(&nominal), &nominal), None);
        assert_eq!(meetings.nobody(None, &wanted), None);
        meetings.changed(&FileAct::StaleSocket("left".into()), Path::new("/lab"));
        assert_eq!(meetings.nobody(None, &wanted), Some(path("/lab/left")));
    }

    #[test]
    fn an_encoded_address_reads_back() {
        for address in [
            path("/tmp/s"),
            Address::Abstract(b"a\0b"[..].into()),
            Address::Inet("127.0.0.1:5000".parse().unwrap()),
            Address::Inet("[::1]:5000".parse().unwrap()),
        ] {
            let bytes = encode(&address).unwrap();
            assert_eq!(arguments::parse_address(&bytes), Some(address));
        }
        let longest = path(&"x".repeat(108));
        assert_eq!(
            arguments::parse_address(&encode(&longest).unwrap()),
            Some(longest)
        );
        assert_eq!(encode(&path(&"x".repeat(109))), None);
    }
}
