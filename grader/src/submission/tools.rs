//! The lab's own programs: built as a submission's sources are, once, and kept.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::build::BuildOptions;
use super::cache::{Key, ProgramRecord, Record};
use super::outcome::Outcome;
use super::recipe::{self, Missing};
use super::runner::{BuildRunner, Fault};
use super::source;
use super::tree::Tree;
use crate::lab::Tools;

/// Builds the tools of a lab, unless the cache has them; where each one is, by its name.
///
/// # Errors
/// One cannot be built. The lab or the machine is to blame, never a submission.
pub fn build_tools(
    runner: &dyn BuildRunner,
    lab: &str,
    tools: &Tools,
    options: &BuildOptions<'_>,
) -> Result<BTreeMap<String, PathBuf>, Fault> {
    if tools.programs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wrong = |why: String| Fault::Act(format!("the tools of lab {lab} cannot be built: {why}"));
    let key = key(tools, options);
    let stored = if let Some(stored) = options.cache.get(&key) {
        stored
    } else {
        let recipe = recipe::tools(tools, options.toolchain)
            .map_err(|Missing(tool)| wrong(format!("there is no `{tool}` on this machine")))?;
        let plan = recipe.plan(
            &format!("{lab}: tools"),
            &Tree::default(),
            options.isolation,
        );
        let mut outcome = Outcome::read(runner.run(&plan)?, plan.programs.len())?;
        if !outcome.succeeded() {
            return Err(wrong(said(&outcome)));
        }
        let mut record = Record::default();
        let mut executables = Vec::new();
        for tool in &tools.programs {
            let made = outcome.files.iter_mut().find(|(path, bytes)| {
                path.rsplit('/').next() == Some(&tool.name) && source::is_program(bytes)
            });
            let (_, bytes) = made.ok_or_else(|| wrong(format!("no `{}` was made", tool.name)))?;
            record.programs.push(ProgramRecord {
                role: tool.name.clone(),
                from: tool.source.clone(),
                ..ProgramRecord::default()
            });
            executables.push(Some(std::mem::take(bytes)));
        }
        options.cache.put(&key, record, &executables, &[])?
    };
    let names = tools.programs.iter().map(|tool| tool.name.clone());
    Ok(names
        .zip(stored.executables)
        .filter_map(|(name, path)| Some((name, path?)))
        .collect())
}

/// What the compiler said; where it said nothing, why it was stopped.
fn said(outcome: &Outcome) -> String {
    match (&outcome.limit, outcome.output.is_empty()) {
        (Some(limit), _) => format!("the compiler was stopped: limit of {limit:?} reached"),
        (None, _) if outcome.timed_out() => "the compiler did not end in its time".to_owned(),
        (None, true) => "the compiler failed without a message".to_owned(),
        (None, false) => outcome.output.clone(),
    }
}

/// Everything that can make a difference to the result.
fn key(tools: &Tools, options: &BuildOptions<'_>) -> String {
    let mut key = Key::default();
    key.add(b"lab tools 1");
    for tool in &tools.programs {
        key.add(tool.name.as_bytes()).add(tool.source.as_bytes());
    }
    for (name, text) in &tools.files {
        key.add(name.as_bytes()).add(text.as_bytes());
    }
    let cc = options.toolchain.cc.as_ref();
    let identity = cc.map(super::toolchain::Tool::identity);
    key.add(identity.unwrap_or_default().as_bytes());
    key.finish()
}
