//! Addresses: where programs listen, connect and bind, and what those places are called.

use supervisor::bytes::escape;
use supervisor::plan::{Address, ProgramId};

use super::Builder;
use crate::lab::{AddressMode, Program, Stimulus};
use crate::transcript::names::end_kept;

impl Builder<'_> {
    pub(super) fn listening(
        &mut self,
        phase: usize,
        program: ProgramId,
        address: &Address,
        nominal: bool,
    ) {
        let text = format!("listen {}", self.listens_at(program, address, nominal));
        // One socket for both families or one for each is the program's own affair.
        let ports = self.has_port(program);
        if let Some(reaction) = self.program(phase, program)
            && !(ports && reaction.begins.contains(&text))
        {
            reaction.begins.push(text);
        }
    }

    pub(super) fn connecting(&mut self, phase: usize, program: ProgramId, address: &Address) {
        if self.address_mode(program) == Some(AddressMode::Argv) {
            let text = format!("connect {}", place(address));
            self.life(phase, program, text);
        }
    }

    /// A datagram socket got a name. Any number of sockets of its own a program may name as it likes.
    pub(super) fn bound(
        &mut self,
        phase: usize,
        program: ProgramId,
        address: &Address,
        nominal: bool,
    ) {
        if nominal || self.discovers(program) {
            self.life(phase, program, "bind unix-dgram <socket>".to_owned());
        } else if !matches!(address, Address::Inet(_)) && self.serves(program) {
            let place = place(address).replacen("stream", "dgram", 1);
            self.life(phase, program, format!("bind {place}"));
        }
    }

    /// `unix-stream <socket>`; another place than the one asked for is shown as it is.
    fn listens_at(&self, program: ProgramId, address: &Address, nominal: bool) -> String {
        let discovered = self.discovers(program);
        let bound = nominal || discovered;
        match address {
            Address::Inet(_) if bound && self.has_port(program) => "tcp <port>".to_owned(),
            Address::Inet(address)
                if self.has_port(program) && self.chosen.contains(&address.port()) =>
            {
                "tcp a port of the kernel's choice".to_owned()
            }
            Address::Inet(address) if self.has_port(program) => format!("tcp {}", address.port()),
            Address::Path(_) | Address::Abstract(_) if bound && self.carries_packets(program) => {
                "unix-seqpacket <socket>".to_owned()
            }
            Address::Path(_) | Address::Abstract(_) if bound => "unix-stream <socket>".to_owned(),
            Address::Inet(_) if bound => "tcp <socket>".to_owned(),
            _ => format!("{}{}", place(address), filled_up(address)),
        }
    }

    /// Whether its socket carries sequenced packets, in a scenario that is about such.
    fn carries_packets(&self, program: ProgramId) -> bool {
        let Some(role) = self.role(program) else {
            return false;
        };
        let setup = self.context.scenario.setup.get(role);
        let asked = setup
            .and_then(|setup| setup.socket)
            .or_else(|| self.said_of(program).and_then(|said| said.socket));
        asked.is_some() && self.packets.contains(&program)
    }

    /// Whether the program's address is a port.
    pub(super) fn has_port(&self, program: ProgramId) -> bool {
        self.said_of(program).is_some_and(Program::has_port)
    }

    fn discovers(&self, program: ProgramId) -> bool {
        self.address_mode(program) == Some(AddressMode::Discover)
    }

    fn address_mode(&self, program: ProgramId) -> Option<AddressMode> {
        self.said_of(program).map(|program| program.address)
    }

    /// Whether somebody of this scenario connects to the program: its name is its address then.
    fn serves(&self, program: ProgramId) -> bool {
        let Some(role) = self.role(program) else {
            return false;
        };
        let mut stimuli = self.context.scenario.steps.iter().flat_map(|s| &s.stimuli);
        stimuli.any(|stimulus| matches!(stimulus, Stimulus::Connect { to, .. } if to == role))
    }

    pub(super) fn address(&self, address: &Address) -> String {
        match address {
            Address::Path(path) | Address::Abstract(path) if self.own.contains(&path.0) => {
                "<socket>".to_owned()
            }
            Address::Path(path) => self.binder.text(path),
            Address::Abstract(name) => format!("@{}", self.binder.text(name)),
            Address::Inet(address) => self.binder.text(address.to_string().as_bytes()),
        }
    }
}

/// `unix-stream /tmp/sock`: an address as the program gave it, but for the NULs that fill up an
/// abstract name.
fn place(address: &Address) -> String {
    match address {
        Address::Path(path) => format!("unix-stream {}", end_kept(path.escaped())),
        Address::Abstract(name) => {
            format!("unix-stream @{}", end_kept(escape(filled_in(name))))
        }
        Address::Inet(address) => format!("tcp {address}"),
    }
}

/// How an abstract name is filled up: the NULs are a part of it, and who is told the name does not find it.
fn filled_up(address: &Address) -> String {
    let more = match address {
        Address::Abstract(name) => name.len() - filled_in(name).len(),
        _ => 0,
    };
    match more {
        0 => String::new(),
        1 => " and a NUL".to_owned(),
        more => format!(" and {more} NULs"),
    }
}

/// The name that was filled in, without the NULs that fill up an abstract one.
pub(super) fn filled_in(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|&b| b != 0);
    &name[..end.map_or(0, |last| last + 1)]
}
