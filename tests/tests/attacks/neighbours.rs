//! Two honest submissions graded while the attacks are made: they get what they get alone.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::outside::Outside;

/// How often they are graded meanwhile. `benches/attacks` does it fifty times.
const ROUNDS: usize = 4;

/// A lab and a submission: one that meets everything and one that does not.
const NEIGHBOURS: [(&str, &str); 2] = [
    ("pipe-upper", "good-raw"),
    ("us-upper", "mutants/serve-one"),
];

pub(crate) struct Neighbours {
    alone: Vec<Vec<(String, String)>>,
}

impl Neighbours {
    /// Grades them before anything else happens.
    pub(crate) fn alone(outside: &Outside) -> Self {
        let alone = (0..NEIGHBOURS.len()).map(|which| outcomes(which, outside));
        Self {
            alone: alone.collect::<Result<_, _>>().unwrap(),
        }
    }

    /// Grades them again and again, and compares.
    pub(crate) fn again(&self, outside: &Outside, rounds: Option<usize>) -> Result<(), String> {
        for round in 1..=rounds.unwrap_or(ROUNDS) {
            for (which, alone) in self.alone.iter().enumerate() {
                let now = outcomes(which, outside)?;
                if now != *alone {
                    let (lab, name) = NEIGHBOURS[which];
                    let differing: Vec<_> = now.iter().filter(|v| !alone.contains(v)).collect();
                    return Err(format!("{lab}/{name}, round {round}: {differing:?}"));
                }
            }
        }
        if let Some(rounds) = rounds {
            println!("two neighbours, {rounds} rounds: each time what they get alone");
        }
        Ok(())
    }
}

/// What each requirement gets.
fn outcomes(which: usize, outside: &Outside) -> Result<Vec<(String, String)>, String> {
    let (lab, name) = NEIGHBOURS[which];
    let submission: PathBuf = end_to_end::root().join("fixtures").join(lab).join(name);
    let output = end_to_end::grader(outside.path())
        .args(["check", lab])
        .arg(submission)
        .args(["--format", "json", "--workers", "1"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
    let requirements = report["requirements"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(requirements
        .map(|r| (text(&r["id"]), text(&r["outcome"])))
        .collect())
}
