//! Two copies of a submission with the same address written into them, side by side: they never meet.

use std::path::Path;
use std::process::{Child, Stdio};

use crate::support::{Home, json, outcomes};

/// Runs of each scenario; two at a time.
const REPEATS: &str = "6";

fn started(home: &Home, submission: &Path) -> Child {
    end_to_end::grader(home.path())
        .args(["check", "us-upper"])
        .arg(submission)
        // One of them leaves before the other one comes only if they are not run at once.
        .args([
            "--scenario",
            "one-then-the-next",
            "--scenario",
            "listen-and-leave",
        ])
        .args(["--workers", "2", "--repeat", REPEATS, "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Two whole checks at once, each of them on two workers. A server that finds its address taken
/// does not serve, so `s-next` is lost as soon as two of them meet; a client that is led to the
/// other server's reply is seen there as well.
fn never_meet(fixture: &str) {
    let home = Home::new();
    let from = end_to_end::root()
        .join("fixtures/off-contract")
        .join(fixture);
    let copies = ["one", "two"].map(|name| home.copy_of(&from, name));
    let checks = copies.each_ref().map(|copy| started(&home, copy));
    for check in checks {
        let output = check.wait_with_output().unwrap();
        let report = json(&output.stdout);
        for (id, outcome) in outcomes(&report) {
            // The address is the program's own, each time; nothing differs between the runs.
            let due = if id == "s-address" { "fail" } else { "pass" };
            assert!(
                outcome == due || (id == "s-bye" && fixture.ends_with("tcp")),
                "{fixture}: {id} is {outcome}: {report:#}"
            );
        }
        let scenarios = report["scenarios"].as_array().unwrap();
        assert_eq!(
            scenarios.len(),
            12,
            "{fixture}: two scenarios, six times each"
        );
    }
}

#[test]
fn copies_with_the_same_absolute_path_never_meet() {
    let before = Path::new("/tmp/sock").exists();
    never_meet("address-server-absolute");
    let after = Path::new("/tmp/sock").exists();
    assert_eq!(before, after, "it is inside the sandbox only");
}

#[test]
fn copies_with_the_same_abstract_name_never_meet() {
    never_meet("address-server-abstract");
}

#[test]
fn copies_with_the_same_port_never_meet() {
    never_meet("address-server-tcp");
}
