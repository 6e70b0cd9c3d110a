//! Tests of the whole way from text to lab or diagnostics.

mod guide;
mod labs;
mod messages;
mod notes;
mod random;
mod schemas;
mod sockets;

use super::{Diagnostics, Lab, lint, parse};

const REFERENCES: &[&str] = reference::NAMES;

/// The head of a good lab with one requirement `r` and the programs `server` (with an address) and
/// `filter`.
const HEAD: &str = r#"
[lab]
id = "tiny"
title = { en = "Tiny", ru = "Крошка" }
[programs.server]
reference = "us-server"
args = ["{socket}"]
address = "argv"
stdout = "free"
[programs.filter]
reference = "pipe-upper"
[[requirement]]
id = "r"
points = 100
title = { en = "It works", ru = "Работает" }
hint = { en = "Make it work", ru = "Почините" }
"#;

/// A lab with one scenario: the keys given, and these steps.
fn with(keys: &str, steps: &str) -> String {
    format!("{HEAD}\n[[scenario]]\nid = \"s\"\n{keys}\nsteps = [\n{steps}\n]\n")
}

fn good(source: &str) -> Lab {
    match parse("lab.toml", source, REFERENCES) {
        Ok(lab) => lab,
        Err(diagnostics) => panic!("{}", diagnostics.render(false)),
    }
}

fn bad(source: &str) -> Diagnostics {
    match parse("lab.toml", source, REFERENCES) {
        Ok(_) => panic!("no error was found"),
        Err(diagnostics) => diagnostics,
    }
}

/// The messages of the errors, in the order of their places.
fn errors(source: &str) -> Vec<String> {
    bad(source).iter().map(|d| d.message.clone()).collect()
}

/// The messages of the errors that steps give.
fn step_errors(steps: &str) -> Vec<String> {
    errors(&with("", steps))
}

fn warnings(source: &str) -> Vec<String> {
    lint("lab.toml", source, REFERENCES)
        .iter()
        .map(|d| d.message.clone())
        .collect()
}

/// The text of a lab inside the executable.
fn built_in(id: &str) -> &'static str {
    let mut labs = crate::lab::catalog::embedded().iter();
    labs.find(|lab| lab.id == id).unwrap().toml
}
