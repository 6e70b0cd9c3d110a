//! Gradescope's `results.json` (autograder_samples, `docs/specs.md`): one for each student.

use serde_json::{Value, json};

use super::words::Words;
use super::{Grade, number};
use crate::batch::Status;
use crate::lab::Lang;
use crate::report::JsonRequirement;
use crate::report::phrases::phrases;

/// What Gradescope reads after a submission was graded. A fault of ours has no score.
#[must_use]
pub fn gradescope(grade: &Grade, lang: Lang) -> Value {
    let words = Words(lang);
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
            .map(|(i, r)| test(i + 1, grade, r, lang))
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
                        "name": words.not_graded(),
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

fn test(number: usize, grade: &Grade, requirement: &JsonRequirement, lang: Lang) -> Value {
    let title = Words(lang).text(&requirement.title);
    let mut out = json!({
        "name": format!("{} {title}", requirement.id),
        "number": number.to_string(),
        "status": if requirement.outcome == "pass" { "passed" } else { "failed" },
        "output": output(grade, requirement, lang),
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

fn output(grade: &Grade, requirement: &JsonRequirement, lang: Lang) -> String {
    let mut lines = Vec::new();
    if let Some(why) = grade.reason(requirement, lang) {
        lines.extend(super::page::reason(why, lang));
        let hint = Words(lang).text(&requirement.hint);
        if !hint.is_empty() && requirement.outcome == "fail" {
            lines.push(format!("{}: {hint}", phrases(lang).hint()));
        }
    }
    lines.join("\n")
}
