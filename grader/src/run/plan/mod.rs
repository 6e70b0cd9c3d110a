//! A scenario as the supervisor's plan.

mod act;
mod disturbance;
mod fill;
mod program;
mod workspace;

#[cfg(test)]
mod tests;

pub(super) use program::alternatives;
pub(super) use workspace::declared;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use supervisor::plan as sv;
use thiserror::Error;

use self::workspace::{Workspace, host};
use super::seed;
use crate::lab::{Lab, Program, Scenario, SocketKind};
use crate::submission::BuiltProgram;
use crate::transcript::{Actors, Names};
use crate::verdict::Taken;

/// The address a lab calls `{socket}`, in the sandbox.
pub(super) const SOCKET: &str = "/lab/socket";

/// Who plays the programs of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cast {
    /// Roles played by the submission; every other role is the reference's.
    pub students: Vec<String>,
}

impl Cast {
    /// All roles played by the reference programs: what is recorded.
    #[must_use]
    pub fn reference() -> Self {
        Self::default()
    }

    /// As the lab says.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        Self {
            students: scenario.students.clone(),
        }
    }
}

/// How far from the handout the programs of a submission had to be started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rungs {
    /// Roles started with other arguments than the handout's, which they refuse.
    pub starts: BTreeMap<String, Taken>,
    /// Roles whose standard output is a terminal although the lab says a pipe.
    pub terminals: BTreeSet<String>,
}

/// What a plan is made of besides the lab.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// Who plays.
    pub cast: &'a Cast,
    /// The submission's programs.
    pub programs: &'a BTreeMap<String, BuiltProgram>,
    /// What is known of how they must be started.
    pub rungs: &'a Rungs,
    /// The handler audit's library, where the scenario asks for it.
    pub shim: Option<&'a Path>,
    /// The lab's own programs: name and file.
    pub tools: &'a BTreeMap<String, PathBuf>,
    /// Seed of this run of this scenario: the nonce comes from it.
    pub seed: u64,
    /// How closely to watch.
    pub observation: sv::Observation,
    /// How strictly to isolate.
    pub isolation: sv::Isolation,
}

/// A scenario ready to be run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// For the supervisor.
    pub plan: sv::Plan,
    /// What the transcript must bind.
    pub names: Names,
}

/// Why a scenario cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A program of the submission that the scenario needs was not built.
    #[error("{program} was not built")]
    NotBuilt {
        /// The role.
        program: String,
    },
    /// The handler audit cannot be prepared on this machine.
    #[error("the handler audit needs a C compiler for its library")]
    NoShim,
    /// The lab says something that means nothing; `grader lint` explains it.
    #[error("scenario {scenario}: {what}")]
    Lab {
        /// The scenario's id.
        scenario: String,
        /// What is wrong.
        what: String,
    },
}

/// Turns a scenario into a plan: step k of the lab is step k of the plan, programs and peers are
/// numbered as [`Actors`] does.
///
/// # Errors
/// See [`PlanError`].
pub fn plan(lab: &Lab, scenario: &Scenario, setting: &Setting<'_>) -> Result<Planned, PlanError> {
    let actors = Actors::of(lab, scenario);
    let planner = Planner {
        lab,
        scenario,
        setting,
        actors: &actors,
        nonce: seed::nonce(setting.seed),
        port: seed::port(setting.seed),
    };
    let mut workspace = Workspace::default();
    let mut programs = Vec::new();
    for role in &actors.programs {
        programs.push(planner.program(role, &mut workspace)?);
    }
    let mut steps = scenario
        .steps
        .iter()
        .map(|step| {
            let mut acts = Vec::new();
            for stimulus in &step.stimuli {
                acts.push(planner.act(stimulus)?);
                acts.extend(planner.under_other_names(stimulus));
                acts.extend(planner.name_of_its_file(stimulus)?);
            }
            Ok(sv::Step { acts })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if let (true, Some(first)) = (scenario.own_network, steps.first_mut()) {
        first.acts.insert(0, sv::Act::OwnNetwork);
    }
    let mut limits = sv::Limits::default();
    if let Some(seconds) = scenario.wall_seconds {
        limits.wall_ms = seconds.saturating_mul(1000);
    }
    let names = Names {
        socket: Some(SOCKET.into()),
        nonce: Some(planner.nonce.clone()),
        port: lab
            .programs
            .iter()
            .any(Program::has_port)
            .then_some(planner.port),
    };
    Ok(Planned {
        plan: sv::Plan {
            name: format!("{}/{}", lab.id, scenario.id),
            files: workspace.files(&planner.spoken_for()),
            tools: setting
                .tools
                .iter()
                .map(|(name, path)| host(name, path))
                .collect(),
            programs,
            peers: actors.peers.clone(),
            steps,
            limits,
            observation: setting.observation,
            opens: lab.opens_fifos(),
            isolation: setting.isolation,
            attempt: 0,
            readable: Vec::new(),
        },
        names,
    })
}

struct Planner<'a> {
    lab: &'a Lab,
    scenario: &'a Scenario,
    setting: &'a Setting<'a>,
    actors: &'a Actors,
    nonce: String,
    port: u16,
}

impl Planner<'_> {
    fn wrong(&self, what: String) -> PlanError {
        PlanError::Lab {
            scenario: self.scenario.id.clone(),
            what,
        }
    }

    fn role(&self, name: &str) -> Result<sv::ProgramId, PlanError> {
        self.actors
            .program(name)
            .map(sv::ProgramId)
            .ok_or_else(|| self.wrong(format!("there is no program `{name}`")))
    }

    fn peer(&self, name: &str) -> Result<sv::PeerId, PlanError> {
        self.actors
            .peer(name)
            .map(sv::PeerId)
            .ok_or_else(|| self.wrong(format!("there is no peer `{name}`")))
    }

    /// The scenario's address for a kind of socket.
    fn place(&self, kind: Option<SocketKind>, host: Option<IpAddr>) -> sv::Address {
        match kind {
            Some(SocketKind::Tcp) => {
                let host = host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
                sv::Address::Inet((host, self.port).into())
            }
            _ => sv::Address::Path(SOCKET.into()),
        }
    }
}
