//! From what is written to the [`Lab`]: everything that the syntax cannot say is checked here and
//! in the file of each table.

use std::collections::BTreeMap;

use super::decode::{At, Sink};
use super::model::{Lab, Task, Text, Tools};
use super::program::programs;
use super::requirement::Requirements;
use super::values::{kebab, localised, required, within};
use super::{raw, scenario, tools};

/// Checks a whole lab file. The lab is usable only if the sink is empty of errors. `end` is where
/// what is missing is told.
pub(super) fn lab(
    file: &raw::LabFile,
    end: usize,
    known_references: &[&str],
    tool_files: Option<&BTreeMap<String, String>>,
    sink: &mut Sink,
) -> Lab {
    let nowhere = end..end;
    let shape = &file.shape;
    let mut lab = Lab {
        id: String::new(),
        title: Text::default(),
        level: 1,
        concepts: Vec::new(),
        task: Task::default(),
        programs: Vec::new(),
        tools: Tools::default(),
        requirements: Vec::new(),
        scenarios: Vec::new(),
    };
    if let Some(at) = required(file.lab.as_ref(), shape, "lab", "the file", &nowhere, sink) {
        header(at, &mut lab, sink);
    }
    let at = file.programs.as_ref();
    if let Some(at) = required(at, shape, "programs", "the lab", &nowhere, sink) {
        lab.programs = programs(at, known_references, sink);
    }
    if let Some(at) = &file.tools {
        lab.tools = tools::tools(&at.value, &lab.programs, tool_files, sink);
    }
    let at = file.requirement.as_ref();
    let at = required(at, shape, "requirement", "the lab", &nowhere, sink);
    let requirements = Requirements::of(at, sink);

    let at = file.scenario.as_ref();
    let at = required(at, shape, "scenario", "the lab", &nowhere, sink);
    let known = scenario::Known {
        programs: &lab.programs,
        requirements: &requirements,
    };
    let (scenarios, whole) = scenario::scenarios(at, &known, sink);
    if whole && !requirements.damaged {
        requirements.all_proved(&scenarios, sink);
    }
    lab.requirements = requirements.all;
    lab.scenarios = scenarios;
    lab
}

fn header(at: &At<raw::Header>, lab: &mut Lab, sink: &mut Sink) {
    let header = &at.value;
    if let Some(id) = required(
        header.id.as_ref(),
        &header.shape,
        "id",
        "`[lab]`",
        &at.span,
        sink,
    ) {
        kebab(&id.value, &id.span, sink);
        lab.id.clone_from(&id.value);
    }
    if let Some(title) = required(
        header.title.as_ref(),
        &header.shape,
        "title",
        "`[lab]`",
        &at.span,
        sink,
    ) {
        lab.title = localised(title, "the title", sink);
    }
    if let Some(level) = &header.level {
        lab.level = u8::try_from(within(level, "a level", 1, 6, sink)).unwrap_or(6);
    }
    lab.concepts = header
        .concepts
        .iter()
        .flat_map(|c| &c.value)
        .map(|c| c.value.clone())
        .collect();
    lab.task.numbers = header
        .numbers
        .iter()
        .flat_map(|numbers| &numbers.value)
        .filter_map(|number| u32::try_from(within(number, "a task's number", 1, 99, sink)).ok())
        .collect();
    if let Some(semester) = &header.semester {
        lab.task.semester = u8::try_from(within(semester, "a semester", 1, 8, sink)).ok();
    }
}
