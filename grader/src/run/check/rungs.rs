//! How far from the handout programs are started: tried, remembered, and told at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use super::job::Job;
use crate::lab::{AddressMode, Scenario, Unflushed};
use crate::run::plan::{self, Cast, Rungs, SOCKET};
use crate::run::scenario::{RunError, ScenarioRun};
use crate::run::usage::{self, Start};
use crate::verdict::{self, Ladder, Ran, Rung, ScenarioOutcome, ScenarioResult, Taken};

impl Job<'_> {
    /// What was learnt so far.
    pub(super) fn rungs(&self) -> Rungs {
        let rungs = self.rungs.lock();
        rungs.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From which rung each ladder was taken, over all scenarios.
    pub(super) fn taken(&self, outcomes: &[ScenarioOutcome]) -> Vec<Rung> {
        let rungs = self.rungs();
        let programs = &self.built.programs;
        let arguments = programs.iter().filter_map(|(role, built)| {
            let taken = match rungs.starts.get(role) {
                Some(taken) => *taken,
                None if built.run.is_some() => Taken::Manifest,
                None => Taken::Handout,
            };
            let mut known = self.lab.programs.iter();
            let known = known.find(|p| p.name == *role);
            let given = known.is_some_and(|p| !p.args.is_empty());
            (given || taken != Taken::Handout).then(|| Rung {
                any: known.is_some_and(|p| p.args_offered || p.address == AddressMode::Discover),
                ..Rung::plain(role, Ladder::Arguments, taken)
            })
        });
        let declared: BTreeMap<String, _> = programs
            .iter()
            .filter_map(|(role, built)| {
                Some((role.clone(), plan::declared(built.address.as_ref()?)))
            })
            .collect();
        let addresses = outcomes.iter().flat_map(|outcome| {
            let scenario = self.lab.scenarios.iter().find(|s| s.id == outcome.scenario);
            match (&outcome.result, scenario) {
                (ScenarioResult::Ran(ran), Some(scenario)) => {
                    verdict::address_rungs(self.lab, scenario, ran, SOCKET, &declared)
                }
                _ => Vec::new(),
            }
        });
        let outputs = rungs
            .terminals
            .iter()
            .map(|role| Rung::plain(role, Ladder::Output, Taken::Terminal));
        verdict::gathered(arguments.chain(addresses).chain(outputs))
    }

    /// Runs a scenario, and again with other arguments where programs would not take theirs, and
    /// on a terminal where the lab allows it and stdio kept their text back.
    pub(super) fn run(&self, scenario: &Scenario, seed: u64) -> Result<ScenarioRun, RunError> {
        let (run, mut rungs) = self.climb(scenario, seed)?;
        let noted = |role: &String| {
            let mut programs = self.lab.programs.iter();
            programs.any(|p| p.name == *role && p.unflushed == Unflushed::Noted)
        };
        let (run, held) = self.held_back(scenario, run);
        rungs.terminals.extend(held.into_iter().filter(noted));
        if rungs.terminals.is_empty() {
            return Ok(run);
        }
        let shown = self.once(scenario, &rungs, seed)?;
        let (shown, still) = self.held_back(scenario, shown);
        if rungs.terminals.iter().all(|role| still.contains(role)) {
            return Ok(run);
        }
        let mut known = self.rungs.lock().unwrap_or_else(PoisonError::into_inner);
        known.terminals.extend(rungs.terminals);
        Ok(shown)
    }

    fn held_back(&self, scenario: &Scenario, run: ScenarioRun) -> (ScenarioRun, Vec<String>) {
        let Some(expected) = self.wanted.get(&scenario.id) else {
            return (run, Vec::new());
        };
        let ran = Ran {
            expected: expected.clone(),
            actual: run.transcript,
            events: run.events,
        };
        let held = verdict::held_back(self.lab, scenario, &ran);
        let run = ScenarioRun {
            events: ran.events,
            transcript: ran.actual,
            took: run.took,
        };
        (run, held)
    }

    /// Runs a scenario with the handout's arguments; where programs refuse them, with one
    /// alternative after the other until they work, in a fixed order. What helps is remembered for
    /// the other scenarios. A program that works with none of them is judged by the first run.
    fn climb(&self, scenario: &Scenario, seed: u64) -> Result<(ScenarioRun, Rungs), RunError> {
        let students = Cast::of(scenario).students;
        let begun = |run: &ScenarioRun| -> BTreeMap<String, Start> {
            let mut all = usage::starts(self.lab, scenario, &students, &run.events);
            let programs = &self.built.programs;
            all.retain(|role, _| programs.get(role).is_none_or(|p| p.run.is_none()));
            all
        };
        // A terminal is each scenario's own affair.
        let mut rungs = Rungs {
            terminals: BTreeSet::new(),
            ..self.rungs()
        };
        let first = self.once(scenario, &rungs, seed)?;
        let mut open: BTreeMap<String, Vec<Taken>> = begun(&first)
            .into_iter()
            .filter(|(role, start)| *start == Start::Refuses && !rungs.starts.contains_key(role))
            .filter_map(|(role, _)| {
                let program = self.lab.programs.iter().find(|p| p.name == role)?;
                Some((role, plan::alternatives(program)))
            })
            .collect();
        let mut last = (rungs.clone(), first.clone());
        let mut found: BTreeMap<String, Taken> = BTreeMap::new();
        loop {
            open.retain(|_, left| !left.is_empty());
            if open.is_empty() {
                break;
            }
            let mut tried = rungs.clone();
            for (role, left) in &mut open {
                tried.starts.insert(role.clone(), left.remove(0));
            }
            let run = self.once(scenario, &tried, seed)?;
            let starts = begun(&run);
            open.retain(|role, _| {
                let works = starts.get(role) == Some(&Start::Works);
                if let Some(taken) = tried.starts.get(role).filter(|_| works) {
                    rungs.starts.insert(role.clone(), *taken);
                    found.insert(role.clone(), *taken);
                }
                !works
            });
            last = (tried, run);
        }
        if found.is_empty() {
            return Ok((first, rungs));
        }
        let run = if last.0 == rungs {
            last.1
        } else {
            self.once(scenario, &rungs, seed)?
        };
        let mut known = self.rungs.lock().unwrap_or_else(PoisonError::into_inner);
        known.starts.extend(found);
        Ok((run, rungs))
    }
}
