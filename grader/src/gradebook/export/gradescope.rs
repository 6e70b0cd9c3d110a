//! Gradescope's `results.json` (autograder_samples, `docs/specs.md`): one for each student.

use serde_json::{Value, json};

use super::{Grade, number};
use crate::batch::Status;
use crate::report::JsonRequirement;

/// What Gradescope reads after a submission was graded. A fault of ours has no score.
#[must_use]
pub fn gradescope(grade: &Grade) -> Value {
    let Some(record) = &grade.record else {
        return json!({
            "output": grade.feedback,
            "output_format": "text",
            "tests": [],
        });
    };
    let mut out = json!({
        "execution_time": record.seconds,
        "output": grade.feedback,
        "output_format": "text",
        "test_output_format": "text",
        "stdout_visibility": "hidden",
        "extra_data": {
            "schema": record.schema,
            "key": record.key,
            "seed": record.seed,
            "grader": record.made_by.grader,
            "build": record.made_by.build,
            "lab": record.inputs.lab,
        },
        "tests": record
            .requirements()
            .iter()
            .enumerate()
            .map(|(i, r)| test(i + 1, r))
            .collect::<Vec<Value>>(),
    });
    let standing = &grade.standing;
    // The sum of the tests counts, unless something was taken away or set by hand.
    let decided = standing.penalty > 0.0 || standing.by_hand;
    if let Some(object) = out.as_object_mut() {
        match (record.status, standing.score) {
            (Status::Graded, Some(score)) if decided => {
                object.insert("score".to_owned(), number_of(score));
            }
            // Staff see it; no score is made up.
            (Status::Ungradable | Status::Error, score) => {
                if let Some(score) = score {
                    object.insert("score".to_owned(), number_of(score));
                }
                if record.requirements().is_empty() {
                    let why = record.message.as_deref().unwrap_or_default();
                    let test = json!({
                        "name": "not graded",
                        "status": "failed",
                        "output": why,
                        "output_format": "text",
                        "visibility": "visible",
                    });
                    object.insert("tests".to_owned(), Value::Array(vec![test]));
                }
            }
            _ => {}
        }
    }
    out
}

fn number_of(score: f64) -> Value {
    number(score)
        .parse::<f64>()
        .map_or(Value::Null, Value::from)
}

fn test(number: usize, requirement: &JsonRequirement) -> Value {
    let title = &requirement.title.en;
    let mut out = json!({
        "name": format!("{} {title}", requirement.id),
        "number": number.to_string(),
        "status": if requirement.outcome == "pass" { "passed" } else { "failed" },
        "output": output(requirement),
        "output_format": "text",
        "tags": [requirement.outcome],
        "visibility": "visible",
    });
    let ours = matches!(requirement.outcome.as_str(), "error" | "skipped");
    if let Some(object) = out.as_object_mut()
        && !ours
    {
        object.insert("score".to_owned(), requirement.points.into());
        object.insert("max_score".to_owned(), requirement.of.into());
    }
    out
}

fn output(requirement: &JsonRequirement) -> String {
    let mut lines = Vec::new();
    if let Some(why) = &requirement.reason {
        lines.extend(super::page::reason(why));
        if !requirement.hint.en.is_empty() && requirement.outcome == "fail" {
            lines.push(format!("hint: {}", requirement.hint.en));
        }
    }
    lines.join("\n")
}
