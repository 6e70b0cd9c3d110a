//! Facts about real programs.

use crate::support::{Case, PROGRAMS, scene};
use supervisor::event::{Fact, WaitState};
use supervisor::inspect;
use supervisor::plan::ProgramId;
use supervisor::scene::Scene;
use supervisor::waits::Classifier;

fn at_rest<T>(name: &str, processes: usize, look: impl Fn(&mut Scene<'_>) -> T) -> T {
    let mut case = Case::start(name);
    let still = case.still(processes, processes);
    let programs = PROGRAMS.map(str::to_owned);
    look(&mut scene(&mut case, &still, &programs, Vec::new()))
}

fn facts(
    name: &str,
    processes: usize,
    inspect: impl Fn(&mut Scene<'_>) -> Vec<Fact>,
) -> Vec<String> {
    at_rest(name, processes, inspect)
        .into_iter()
        .map(|fact| format!("{} | {}", fact.channel, fact.text))
        .collect()
}

fn tree(name: &str, processes: usize) -> Vec<String> {
    facts(name, processes, |scene| inspect::tree(scene, ProgramId(0)))
}

#[test]
fn pipes_between_processes_are_drawn() {
    // Child 1's copy of the second pipe's write end makes it the writer.
    let honest = [
        "tree | processes: 3",
        "tree | root -> child 1",
        "tree | child 1 -> child 2",
    ];
    assert_eq!(tree("tree_clean", 3), honest);
}

#[test]
fn ends_kept_in_spare_are_named() {
    assert_eq!(
        tree("tree_child_keeps", 3)[3..],
        ["spare | child 1 keeps the write end of the pipe it reads"]
    );
    assert_eq!(
        tree("tree_root_keeps", 3)[3..],
        ["spare | root keeps the read end of the pipe it writes"]
    );
    assert_eq!(
        tree("tree_both_keep", 3)[1..],
        [
            "tree | root -> child 1",
            "tree | child 1 -> root",
            "tree | child 1 -> child 2",
            "spare | child 1 keeps the write end of the pipe it reads",
            "spare | root holds both ends of a pipe"
        ]
    );
    assert_eq!(
        tree("tree_alone", 1),
        [
            "tree | processes: 1",
            "spare | root holds both ends of a pipe"
        ]
    );
}

#[test]
fn zombies_and_the_graders_pipes_do_not_count() {
    assert_eq!(tree("zombie", 2), ["tree | processes: 1"]);
    assert_eq!(tree("wait_any", 3), ["tree | processes: 3"]);
}

#[test]
fn descriptors_above_the_standard_ones_are_counted() {
    let open = |name| at_rest(name, 1, |scene| inspect::descriptors(scene, ProgramId(0)));
    assert_eq!(open("read_stdin_once"), Some(0));
    assert_eq!(open("accept_one"), Some(1));
    assert_eq!(open("tree_alone"), Some(2));
}

#[test]
fn idleness_is_judged_by_the_worst_thread() {
    let idle = |name| {
        facts(name, 1, |scene| {
            inspect::idle(scene, ProgramId(0), &mut Classifier::new())
        })
    };
    assert_eq!(idle("accept_one"), ["idle | waits"]);
    assert_eq!(idle("inet"), ["idle | waits"]);
    assert_eq!(idle("sleep_long"), ["idle | waits"]);
    let hinted = |hint: WaitState| {
        facts("accept_one", 1, |scene| {
            scene.processes[0].threads[0].state_hint = Some(hint.clone());
            inspect::idle(scene, ProgramId(0), &mut Classifier::new())
        })
    };
    assert_eq!(hinted(WaitState::Polling(50)), ["idle | polls"]);
    assert_eq!(hinted(WaitState::Polling(1000)), ["idle | waits"]);
    assert_eq!(
        hinted(WaitState::Spinning {
            calls: 9,
            repeats: None
        }),
        ["idle | spins"]
    );
    assert_eq!(
        hinted(WaitState::Spinning {
            calls: 0,
            repeats: None
        }),
        ["idle | computes"]
    );
    // A child that waits does not hide a root that has ended.
    assert_eq!(
        facts("accept_one", 1, |scene| inspect::idle(
            scene,
            ProgramId(1),
            &mut Classifier::new()
        )),
        Vec::<String>::new()
    );
}

#[test]
fn signals_are_read_from_the_kernel() {
    assert_eq!(
        facts("signals", 1, |scene| inspect::signals(scene, ProgramId(0))),
        [
            "signals | caught: INT QUIT RTMIN RTMIN+2",
            "signals | ignored: PIPE",
            "signals | blocked: TERM"
        ]
    );
}
