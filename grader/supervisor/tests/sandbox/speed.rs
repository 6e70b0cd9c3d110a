//! What isolation costs. It prints figures and judges none: machines differ.

use std::time::Instant;

use supervisor::plan::{Image, Isolation};

use crate::Test;
use crate::harness::{plan, program, run, worker};

pub(crate) const TESTS: &[Test] = &[("figures", figures)];

fn figures() {
    let one = || vec![program(Image::File("/bin/true".into()), &["true"])];
    let nothing = plan(Vec::new());
    let full = plan(one());
    let mut reduced = plan(one());
    reduced.isolation = Isolation::Reduced;
    let begin = Instant::now();
    let mut worker = worker();
    run(&mut worker, &nothing);
    println!(
        "  first empty scenario of a worker: {} us",
        begin.elapsed().as_micros()
    );
    for (name, plan) in [
        ("empty scenario", &nothing),
        ("one dynamic program", &full),
        ("the same, reduced", &reduced),
    ] {
        run(&mut worker, plan);
        let mut times: Vec<_> = (0..100)
            .map(|_| {
                let begin = Instant::now();
                run(&mut worker, plan);
                begin.elapsed().as_micros()
            })
            .collect();
        times.sort_unstable();
        println!(
            "  {name}: p10 {} p50 {} p90 {} us",
            times[10], times[50], times[90]
        );
    }
}
