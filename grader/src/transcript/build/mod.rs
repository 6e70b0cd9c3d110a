//! Recording → transcript.

mod addresses;
mod events;
mod peers;
mod phases;

use std::collections::{BTreeMap, BTreeSet};

use supervisor::event::{Event, What};
use supervisor::plan::{Address, PeerId, ProcessId, ProgramId, SocketKind};

use self::addresses::filled_in;
use self::peers::Peer;
use super::names::Binder;
use super::reaction::{Reaction, State};
use super::{Actors, Names, Transcript, modes};
use crate::lab::{Lab, Program, Scenario, Stimulus};

/// What a transcript is made from besides the events.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// Its scenario that was run; step k of it is step k of the plan.
    pub scenario: &'a Scenario,
    /// What was bound before the run.
    pub names: &'a Names,
    /// Roles played by the submission: [`Scenario::students`], or nobody in a reference run.
    pub students: &'a [String],
}

/// The canonical text of a run: the same for all recordings that differ only in what is
/// irrelevant (how bytes were cut, which of two lanes came first inside a phase, times).
#[must_use]
pub fn build(context: &Context<'_>, events: &[Event]) -> Transcript {
    let actors = Actors::of(context.lab, context.scenario);
    let mut builder = Builder::new(context, &actors, events);
    for event in events {
        builder.take(event);
    }
    builder.finish(events)
}

struct Builder<'a> {
    context: &'a Context<'a>,
    actors: &'a Actors,
    binder: Binder,
    /// By phase, then by lane: programs, then peers.
    reactions: Vec<Vec<Reaction>>,
    peers: Vec<Peer>,
    /// Everything on output and error, by program.
    whole: Vec<[Vec<u8>; 2]>,
    /// Everything that came, by peer.
    received: Vec<Vec<u8>>,
    /// Addresses that were not asked for.
    own: BTreeSet<Vec<u8>>,
    /// Addresses at which sockets began to listen, and that they no longer had at the end of the step.
    renamed: Vec<(u32, Address)>,
    /// Ports that the kernel chose because a program asked for any.
    chosen: BTreeSet<u16>,
    /// Programs whose sockets carry sequenced packets.
    packets: BTreeSet<ProgramId>,
    unstarted: BTreeSet<ProcessId>,
    still_running: BTreeSet<ProgramId>,
    /// The last word on a program's threads in a phase replaces the ones before it.
    states: BTreeMap<(usize, usize), Vec<State>>,
}

impl<'a> Builder<'a> {
    fn new(context: &'a Context<'a>, actors: &'a Actors, events: &[Event]) -> Self {
        let lanes = actors.programs.len() + actors.peers.len();
        let phases = context.scenario.steps.len().max(1);
        let mut builder = Self {
            context,
            actors,
            binder: Binder::new(context.names),
            reactions: vec![vec![Reaction::default(); lanes]; phases],
            peers: vec![Peer::default(); actors.peers.len()],
            whole: vec![Default::default(); actors.programs.len()],
            received: vec![Vec::new(); actors.peers.len()],
            own: BTreeSet::new(),
            renamed: Vec::new(),
            chosen: BTreeSet::new(),
            packets: BTreeSet::new(),
            unstarted: BTreeSet::new(),
            still_running: BTreeSet::new(),
            states: BTreeMap::new(),
        };
        for stimulus in context.scenario.steps.iter().flat_map(|step| &step.stimuli) {
            if let Stimulus::Listen { peer, .. } = stimulus
                && let Some(id) = actors.peer(peer)
            {
                builder.peers[usize::from(id)].listens = true;
            }
        }
        // Names are bound over the whole run, so that a line printed before its name was seen
        // reads the same.
        for event in events {
            if let What::Renamed { from, .. } = &event.what {
                builder.renamed.push((event.step, from.clone()));
            }
        }
        for event in events {
            if !builder.is_renamed(event) {
                builder.bind(&event.what);
            }
        }
        builder
    }

    /// Whether a socket that begins to listen gets another name in the same step: only the last one
    /// counts, with which it is complete.
    fn is_renamed(&self, event: &Event) -> bool {
        match &event.what {
            What::Listening { address, .. } => {
                self.renamed.contains(&(event.step, address.clone()))
            }
            _ => false,
        }
    }

    fn bind(&mut self, what: &What) {
        match what {
            What::Bound {
                process,
                kind: SocketKind::SeqPacket,
                ..
            } => {
                self.packets.insert(process.program);
            }
            What::Bound {
                address: Address::Inet(address),
                ..
            } => {
                self.chosen.insert(address.port());
                self.binder.add_port(address.port());
            }
            What::Listening {
                process,
                address: Address::Inet(address),
                nominal: false,
            } if self.has_port(process.program) => self.binder.add_port(address.port()),
            What::Started { process, pid } => {
                if let Some(role) = self.role(process.program) {
                    self.binder.add_pid(*pid, role);
                }
            }
            What::Forked { child, pid, .. } => {
                if let Some(role) = self.role(child.program) {
                    self.binder
                        .add_pid(*pid, &format!("{role}/{}", child.number));
                }
            }
            What::Listening {
                address: Address::Path(path) | Address::Abstract(path),
                nominal: false,
                ..
            }
            | What::Connecting {
                address: Address::Path(path) | Address::Abstract(path),
                ..
            } => {
                self.own.insert(path.0.clone());
                // Who prints an abstract name prints what he filled in, not all 107 bytes.
                self.binder.add_address(filled_in(path));
            }
            _ => {}
        }
    }

    fn role(&self, program: ProgramId) -> Option<&'a str> {
        let role = self.actors.programs.get(usize::from(program.0))?;
        Some(role.as_str())
    }

    /// What the lab says of a program.
    fn said_of(&self, program: ProgramId) -> Option<&'a Program> {
        modes::program(self.context.lab, self.role(program)?)
    }

    fn program(&mut self, phase: usize, program: ProgramId) -> Option<&mut Reaction> {
        self.role(program)?;
        self.reactions[phase].get_mut(usize::from(program.0))
    }

    fn peer(&mut self, phase: usize, peer: PeerId) -> Option<&mut Reaction> {
        let lane = self.actors.programs.len() + usize::from(peer.0);
        self.reactions[phase].get_mut(lane)
    }

    fn life(&mut self, phase: usize, program: ProgramId, text: String) {
        if let Some(reaction) = self.program(phase, program) {
            reaction.begins.push(text);
        }
    }

    fn state(&mut self, phase: usize, program: ProgramId, state: State) {
        if let Some(reaction) = self.program(phase, program) {
            reaction.states.push(state);
        }
    }
}
