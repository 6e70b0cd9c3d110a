//! Which index means which program or peer.

use crate::lab::{Lab, Scenario, Stimulus};

/// The programs and peers of a scenario in the order of their indices.
///
/// Both the supervisor's plan and the transcript are made from this, so that
/// [`ProgramId`](supervisor::plan::ProgramId) and [`PeerId`](supervisor::plan::PeerId) mean the
/// same on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actors {
    /// Roles that the steps name, in the lab's order.
    pub programs: Vec<String>,
    /// Peers in the order in which the steps first name them.
    pub peers: Vec<String>,
}

impl Actors {
    /// The actors of `scenario`. A role that no program of the lab has is left out.
    #[must_use]
    pub fn of(lab: &Lab, scenario: &Scenario) -> Self {
        let mut roles: Vec<&str> = Vec::new();
        let mut peers: Vec<String> = Vec::new();
        let mut meet = |name: &str| {
            if !peers.iter().any(|known| known == name) {
                peers.push(name.to_owned());
            }
        };
        for stimulus in scenario.steps.iter().flat_map(|step| &step.stimuli) {
            match stimulus {
                Stimulus::Start(program)
                | Stimulus::Thaw(program)
                | Stimulus::Eof(program)
                | Stimulus::Type { program, .. }
                | Stimulus::LeaveOutput { program, .. }
                | Stimulus::Signal { program, .. }
                | Stimulus::Inspect { program, .. }
                | Stimulus::Disturb { program, .. } => roles.push(program),
                Stimulus::Connect { peer, to, .. } => {
                    meet(peer);
                    roles.push(to);
                }
                Stimulus::Accept { peer, listener, .. } => {
                    meet(listener);
                    meet(peer);
                }
                Stimulus::Listen { peer, .. }
                | Stimulus::Open { peer, .. }
                | Stimulus::Send { peer, .. }
                | Stimulus::Shutdown(peer)
                | Stimulus::Close(peer)
                | Stimulus::Reset(peer)
                | Stimulus::Stall(peer)
                | Stimulus::Resume(peer) => meet(peer),
                Stimulus::Advance { .. } | Stimulus::File(_) => {}
            }
        }
        let programs = lab
            .programs
            .iter()
            .filter(|program| roles.contains(&program.name.as_str()))
            .map(|program| program.name.clone())
            .collect();
        Self { programs, peers }
    }

    /// Index of a role.
    #[must_use]
    pub fn program(&self, role: &str) -> Option<u16> {
        position(&self.programs, role)
    }

    /// Index of a peer.
    #[must_use]
    pub fn peer(&self, name: &str) -> Option<u16> {
        position(&self.peers, name)
    }
}

fn position(names: &[String], name: &str) -> Option<u16> {
    let index = names.iter().position(|known| known == name)?;
    u16::try_from(index).ok()
}
