//! Writes recordings of real runs as a corpus to begin with: `recordings GRADER SUBMISSION OUT`.

use std::path::PathBuf;

use grader::lab::catalog;
use grader::run::{Cast, Engine, EngineOptions, run_scenario};
use grader::submission::{BuildOptions, build};
use supervisor::plan::Isolation;
use supervisor::wire::{self, Kind};

fn main() {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(Into::into).collect();
    let [grader, submission, out] = &arguments[..] else {
        panic!("usage: recordings GRADER SUBMISSION OUT");
    };
    let options = EngineOptions {
        exe: Some(grader.clone()),
        ..EngineOptions::default()
    };
    let engine = Engine::new(&options).expect("an engine");
    let lab = catalog::load("us-upper".as_ref(), reference::NAMES)
        .expect("the lab")
        .lab;
    let options = BuildOptions {
        cache: engine.cache(),
        toolchain: engine.toolchain(),
        lang: grader::lab::Lang::En,
        isolation: Isolation::BestEffort,
    };
    let built = build(&engine, &lab, submission, &options).expect("a build");
    for scenario in &lab.scenarios {
        let cast = Cast::of(scenario);
        let run = run_scenario(&engine, &lab, scenario, &cast, &built.programs, 7).expect("a run");
        let mut bytes = Vec::new();
        let mut kept = 0;
        for event in &run.events {
            if bytes.len() < 6000 && kept < 64 {
                wire::encode(&mut bytes, Kind::Event, event).expect("a frame");
                kept += 1;
            }
        }
        std::fs::write(out.join(&scenario.id), bytes).expect("a file");
    }
}
