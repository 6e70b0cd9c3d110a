//! What is expected: the reference's transcripts, stored or made on this machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::CheckError;
use crate::lab::Lab;
use crate::run::engine::Engine;
use crate::run::plan::Cast;
use crate::run::scenario::{RunError, run_scenario};
use crate::run::seed::fresh_seed;
use crate::run::snapshot::SnapshotError;
use crate::transcript::Transcript;

/// Where expected transcripts come from.
pub trait Expected: Sync {
    /// The reference's transcript of a scenario; `None` where none is stored.
    ///
    /// # Errors
    /// It is stored, but cannot be used.
    fn expected(&self, scenario: &str) -> Result<Option<Arc<Transcript>>, SnapshotError>;
}

/// The reference's transcripts by scenario.
pub(super) type Wanted = BTreeMap<String, Arc<Transcript>>;

/// What is expected in each scenario.
pub(super) fn wanted(
    engine: &Engine,
    lab: &Lab,
    expected: &dyn Expected,
) -> Result<Wanted, CheckError> {
    let mut wanted = stored(lab, expected)?;
    calibrate(engine, lab, &mut wanted)?;
    Ok(wanted)
}

fn stored(lab: &Lab, expected: &dyn Expected) -> Result<Wanted, CheckError> {
    let mut out = BTreeMap::new();
    for scenario in &lab.scenarios {
        let transcript =
            expected
                .expected(&scenario.id)?
                .ok_or_else(|| CheckError::NotRecorded {
                    lab: lab.id.clone(),
                    scenario: scenario.id.clone(),
                })?;
        out.insert(scenario.id.clone(), transcript);
    }
    Ok(out)
}

/// Where what is right depends on the kernel: what the reference does on this machine.
fn calibrate(engine: &Engine, lab: &Lab, wanted: &mut Wanted) -> Result<(), CheckError> {
    let (cast, none) = (Cast::reference(), BTreeMap::new());
    for scenario in lab.scenarios.iter().filter(|scenario| scenario.calibrated) {
        let run = run_scenario(engine, lab, scenario, &cast, &none, fresh_seed());
        let run = run.map_err(|error| match error {
            RunError::Fault(fault) => CheckError::Fault(fault),
            RunError::Plan(error) => CheckError::Lab {
                lab: lab.id.clone(),
                error,
            },
        })?;
        wanted.insert(scenario.id.clone(), Arc::new(run.transcript));
    }
    Ok(())
}
