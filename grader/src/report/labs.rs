//! The list of labs for programs: `grader-labs/1`. Fields may be added under the same version; none
//! is renamed or removed.

use serde::Serialize;

use crate::lab::Lab;

use super::json::Text;

#[derive(Serialize)]
struct Labs {
    schema: &'static str,
    grader: &'static str,
    labs: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    id: String,
    title: Text,
    level: u8,
    concepts: Vec<String>,
    programs: Vec<Program>,
    requirements: Vec<Requirement>,
    scenarios: usize,
}

#[derive(Serialize)]
struct Program {
    role: String,
    executable: String,
}

#[derive(Serialize)]
struct Requirement {
    id: String,
    points: u32,
    title: Text,
    needs: Vec<String>,
}

/// The labs as JSON, in the order given.
///
/// # Errors
/// Never with labs that were parsed; the type is that of the serializer.
pub fn labs_json<'a>(labs: impl IntoIterator<Item = &'a Lab>) -> serde_json::Result<String> {
    let labs = labs.into_iter().map(entry).collect();
    let list = Labs {
        schema: "grader-labs/1",
        grader: env!("CARGO_PKG_VERSION"),
        labs,
    };
    serde_json::to_string_pretty(&list).map(|text| text + "\n")
}

fn entry(lab: &Lab) -> Entry {
    let program = |program: &crate::lab::Program| Program {
        role: program.name.clone(),
        executable: program.executable.clone(),
    };
    let requirement = |requirement: &crate::lab::Requirement| Requirement {
        id: requirement.id.clone(),
        points: requirement.points,
        title: (&requirement.title).into(),
        needs: requirement.needs.clone(),
    };
    Entry {
        id: lab.id.clone(),
        title: (&lab.title).into(),
        level: lab.level,
        concepts: lab.concepts.clone(),
        programs: lab.programs.iter().map(program).collect(),
        requirements: lab.requirements.iter().map(requirement).collect(),
        scenarios: lab.scenarios.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_lab_is_told_with_all_that_a_page_needs() {
        let text = labs_json([&sample::lab()]).unwrap();
        let list: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(list["schema"], "grader-labs/1");
        let lab = &list["labs"][0];
        assert_eq!(lab["id"], "us-upper");
        assert_eq!(lab["requirements"].as_array().unwrap().len(), 4);
        assert!(
            lab["title"]["ru"].is_string() && lab["level"].is_u64(),
            "{text}"
        );
    }
}
