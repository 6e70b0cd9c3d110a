//! How the streams and the exit of a role are compared in a scenario.

use crate::lab::{ExitMode, Ignore, Lab, Program, Scenario, StreamMode};

/// The modes of one role.
pub(super) struct Modes<'a> {
    pub(super) out: &'a StreamMode,
    pub(super) err: &'a StreamMode,
    pub(super) exit: ExitMode,
    pub(super) ignore: Ignore,
}

/// Every byte.
const EXACT: &StreamMode = &StreamMode::Exact;

/// How what a peer receives is compared.
pub(super) fn of_peer<'a>(scenario: &'a Scenario, peer: &str) -> &'a StreamMode {
    scenario.peers.get(peer).unwrap_or(EXACT)
}

/// The program of a role.
pub(super) fn program<'a>(lab: &'a Lab, role: &str) -> Option<&'a Program> {
    lab.programs.iter().find(|program| program.name == role)
}

/// What the scenario says, else what the program says, else exact.
pub(super) fn of<'a>(lab: &'a Lab, scenario: &'a Scenario, role: &str) -> Modes<'a> {
    let program = program(lab, role);
    let setup = scenario.setup.get(role);
    Modes {
        out: setup
            .and_then(|setup| setup.stdout.as_ref())
            .or(program.map(|program| &program.stdout))
            .unwrap_or(EXACT),
        err: setup
            .and_then(|setup| setup.stderr.as_ref())
            .or(program.map(|program| &program.stderr))
            .unwrap_or(EXACT),
        exit: setup
            .and_then(|setup| setup.exit)
            .or(program.map(|program| program.exit))
            .unwrap_or_default(),
        ignore: setup
            .and_then(|setup| setup.ignore)
            .or(scenario.ignore)
            .or(program.map(|program| program.ignore))
            .unwrap_or_default(),
    }
}

/// What does not count in the lanes of peers.
pub(super) fn in_scenario(scenario: &Scenario) -> Ignore {
    scenario.ignore.unwrap_or_default()
}
