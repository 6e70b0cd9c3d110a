//! What is told while scenarios run.

use supervisor::event::What;

use super::CheckedScenario;
use crate::run::event::RunEvent;
use crate::verdict::ScenarioResult;

/// The runs that are over, told in the lab's order.
pub(super) struct Done<'s, 'f> {
    runs: Vec<Option<CheckedScenario>>,
    told: usize,
    enforced: bool,
    sink: &'s mut Sink<'f>,
}

/// Who is told.
pub(super) type Sink<'f> = dyn FnMut(RunEvent<'_>) + 'f;

impl<'s, 'f> Done<'s, 'f> {
    pub(super) fn new(runs: usize, sink: &'s mut Sink<'f>) -> Self {
        Self {
            runs: (0..runs).map(|_| None).collect(),
            told: 0,
            enforced: false,
            sink,
        }
    }

    pub(super) fn take(&mut self, i: usize, run: CheckedScenario) {
        self.runs[i] = Some(run);
        while let Some(Some(scenario)) = self.runs.get(self.told) {
            tell(scenario, &mut self.enforced, self.sink);
            self.told += 1;
        }
    }

    pub(super) fn all(self) -> Vec<CheckedScenario> {
        self.runs.into_iter().flatten().collect()
    }
}

fn tell(scenario: &CheckedScenario, enforced: &mut bool, sink: &mut Sink<'_>) {
    let fault = match &scenario.outcome.result {
        ScenarioResult::Fault(fault) => Some(fault.as_str()),
        ScenarioResult::Ran(ran) if !*enforced => {
            for event in &ran.events {
                if let What::Enforced(what) = &event.what {
                    *enforced = true;
                    sink(RunEvent::Enforced(what));
                    break;
                }
            }
            None
        }
        _ => None,
    };
    sink(RunEvent::ScenarioDone {
        scenario: &scenario.outcome.scenario,
        took: scenario.took,
        fault,
    });
}
