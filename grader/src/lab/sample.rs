//! The plainest parts of a lab, for the tests of other modules: what a test is about it says itself.

use std::collections::BTreeMap;

use super::{
    AddressMode, ExitMode, Ignore, Lab, Program, Requirement, Scenario, StreamMode, Task, Text,
    Tools, Unflushed,
};

/// A program that is told its address, with everything it does compared but standard error.
pub(crate) fn program(name: &str, executable: &str) -> Program {
    Program {
        name: name.to_owned(),
        executable: executable.to_owned(),
        reference: executable.to_owned(),
        sources: Vec::new(),
        args: vec!["{socket}".to_owned()],
        args_offered: false,
        address: AddressMode::Argv,
        socket: None,
        same_as: None,
        stdout: StreamMode::Exact,
        stderr: StreamMode::Free,
        exit: ExitMode::Exact,
        env: Vec::new(),
        unflushed: Unflushed::Costs,
        reads: None,
        ignore: Ignore::default(),
    }
}

/// Without a title or a hint.
pub(crate) fn requirement(id: &str, points: u32, needs: &[&str]) -> Requirement {
    Requirement {
        id: id.to_owned(),
        points,
        title: Text::default(),
        hint: Text::default(),
        needs: needs.iter().map(|id| (*id).to_owned()).collect(),
    }
}

/// Without steps, and nobody plays in it.
pub(crate) fn scenario(id: &str) -> Scenario {
    Scenario {
        id: id.to_owned(),
        title: None,
        students: Vec::new(),
        setup: BTreeMap::new(),
        peers: BTreeMap::new(),
        steps: Vec::new(),
        checks: Vec::new(),
        wall_seconds: None,
        calibrated: false,
        ignore: None,
        own_network: false,
    }
}

/// With nothing in it.
pub(crate) fn lab(id: &str) -> Lab {
    Lab {
        id: id.to_owned(),
        title: Text::default(),
        level: 1,
        concepts: Vec::new(),
        task: Task::default(),
        tools: Tools::default(),
        programs: Vec::new(),
        requirements: Vec::new(),
        scenarios: Vec::new(),
    }
}
