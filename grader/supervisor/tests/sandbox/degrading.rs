//! Machines that refuse something, imitated by a filter as containers have it.

use std::process::ExitCode;

use supervisor::plan::{Isolation, Observation};
use supervisor::probe::probe;
use supervisor::worker::WorkerError;

use crate::Test;
use crate::harness::{again, exe, plan, run, shell, try_run, worker};
use crate::refusing::refuse;

pub(crate) const TESTS: &[Test] = &[
    ("without_user_namespaces", no_namespaces),
    ("without_mounts", no_mounts),
    ("without_pivot_root", no_pivot),
    ("without_ptrace", no_ptrace),
];

/// Runs plans where the named calls are refused, and prints what came of it.
pub(crate) fn without(calls: &[String]) -> ExitCode {
    for call in calls {
        refuse(match call.as_str() {
            "unshare" => libc::SYS_unshare,
            "mount" => libc::SYS_mount,
            "pivot_root" => libc::SYS_pivot_root,
            "ptrace" => libc::SYS_ptrace,
            other => panic!("{other} is not known here"),
        });
    }
    let mut worker = worker();
    let mut plan = plan(vec![shell("echo ran; exit 3")]);
    let (_, required) = try_run(&mut worker, &plan);
    match required {
        Err(WorkerError::Refused(reason)) => println!("required: refused: {reason}"),
        other => println!("required: {other:?}"),
    }
    plan.isolation = Isolation::BestEffort;
    plan.observation = Observation::Bare;
    for _ in 0..2 {
        let ran = run(&mut worker, &plan);
        println!("best effort: {} {:?}", ran.out().trim_end(), ran.ends());
        println!("isolation: {}", ran.enforced().isolation);
    }
    // With nothing to start, so that the helper here needs no tracer.
    plan.observation = Observation::Full;
    plan.programs.clear();
    plan.steps.clear();
    let ran = run(&mut worker, &plan);
    println!("observation: {}", ran.enforced().observation);
    println!("missing: {}", ran.enforced().missing.join("; "));
    plan.isolation = Isolation::Required;
    match try_run(&mut worker, &plan).1 {
        Err(WorkerError::Refused(reason)) => println!("traced: refused: {reason}"),
        other => println!("traced: {other:?}"),
    }
    for check in probe(&exe()) {
        println!("probe: {} {}", check.name, check.ok);
    }
    ExitCode::SUCCESS
}

fn said(calls: &[&str]) -> String {
    let output = again("without").args(calls).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaints}");
    said
}

fn degraded(calls: &[&str], reason: &str, probe: &str) {
    let said = said(calls);
    let has = |line: &str| assert!(said.contains(line), "no {line:?} in\n{said}");
    has(&format!("required: refused: {reason}"));
    has("best effort: ran [Code(3)]\nisolation: reduced\nbest effort: ran [Code(3)]");
    has("observation: full\n");
    has(&format!("missing: namespaces: {reason}"));
    has(&format!("probe: {probe} false\n"));
    has("probe: a whole scenario false\n");
}

fn no_namespaces() {
    degraded(
        &["unshare"],
        "a user namespace: Operation not permitted",
        "user namespace",
    );
}

fn no_mounts() {
    degraded(
        &["mount"],
        "leaving the host's mounts in the new root",
        "mount namespace",
    );
}

fn no_pivot() {
    let said = said(&["pivot_root"]);
    assert!(
        said.contains("required: refused: taking its place in the new root"),
        "{said}"
    );
    assert!(said.contains("isolation: reduced"), "{said}");
}

fn no_ptrace() {
    let said = said(&["ptrace"]);
    let has = |line: &str| assert!(said.contains(line), "no {line:?} in\n{said}");
    has("required: Ok(())\n");
    has("isolation: full\n");
    has("observation: bare\nmissing: ptrace: refused");
    has("traced: refused: ptrace: refused, so calls are not seen\n");
    has("probe: ptrace false\n");
}
