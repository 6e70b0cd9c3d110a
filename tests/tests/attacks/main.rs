//! The attack suite: every program, build, submission and archive below `fixtures/attacks` is graded, and
//! what must happen is compared with what happened. Afterwards nothing may be left of them.
//!
//! With a word as argument only the attacks whose names contain it are made. With `--rounds=50` two
//! neighbours are graded so often, and the attacks made again and again meanwhile (`benches/attacks`).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod archives;
mod attack;
mod grading;
mod leftovers;
mod neighbours;
mod outside;
mod pack;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use attack::{Attack, Rung};
use leftovers::Before;
use neighbours::Neighbours;
use outside::Outside;

/// Held by who attacks on the reduced rung.
static ONE_USER: Mutex<()> = Mutex::new(());

/// Attacks made at the same time.
const AT_ONCE: usize = 2;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let listed = words.iter().any(|word| word == "--list");
    let rounds = words.iter().find_map(|word| word.strip_prefix("--rounds="));
    let rounds: Option<usize> = rounds.map(|number| number.parse().unwrap());
    let wanted: Vec<&String> = words.iter().filter(|w| !w.starts_with('-')).collect();
    let mut attacks = attack::all();
    attacks.retain(|a| wanted.is_empty() || wanted.iter().any(|w| a.name().contains(*w)));
    let archives = archives::all();
    let mut archives: Vec<_> = archives.iter().collect();
    archives.retain(|a| wanted.is_empty() || wanted.iter().any(|w| a.name().contains(*w)));
    if attacks.is_empty() && archives.is_empty() {
        println!("there is no such attack");
        return ExitCode::FAILURE;
    }
    if listed {
        let names = attacks.iter().map(Attack::name);
        for name in names.chain(archives.iter().map(|archive| archive.name())) {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    // Whoever loses its parent becomes our child, and is found.
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let before = Before::now();
    let outside = Outside::new();
    let neighbours = Neighbours::alone(&outside);

    let next = AtomicUsize::new(0);
    // The archives are one class, graded like one attack.
    let jobs = attacks.len() + usize::from(!archives.is_empty());
    // Only where rounds were asked for the attacks begin anew.
    let over = AtomicBool::new(rounds.is_none());
    let (mut passed, mut failed) = (0, 0);
    let results = std::thread::scope(|scope| {
        let attackers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        if number >= jobs && over.load(Ordering::SeqCst) {
                            return done;
                        }
                        let Some(attack) = attacks.get(number % jobs) else {
                            done.extend(archives::grade(&archives));
                            continue;
                        };
                        // Without namespaces all programs are one user's, who may have so many
                        // processes: next to a fork bomb another one's forks fail.
                        let _turn =
                            (attack.rung == Rung::Reduced).then(|| ONE_USER.lock().unwrap());
                        done.push(made(attack, &outside));
                    }
                })
            })
            .collect();
        let meanwhile = scope.spawn(|| {
            let result = neighbours.again(&outside, rounds);
            over.store(true, Ordering::SeqCst);
            result
        });
        let mut results: Vec<_> = attackers
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        results.push((
            "two neighbours meanwhile".to_owned(),
            meanwhile.join().unwrap(),
        ));
        results
    });
    let untouched = outside.untouched();
    drop(outside);
    let after = [
        ("what is outside was not touched".to_owned(), untouched),
        ("nothing is left".to_owned(), before.nothing_is_left()),
        (
            "the machine is responsive".to_owned(),
            leftovers::responsive(),
        ),
    ];
    for (name, result) in results.into_iter().chain(after) {
        match result {
            Ok(()) => passed += 1,
            Err(why) => {
                failed += 1;
                println!("---- {name} ----\n{why}\n");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Makes one attack and tells how it went.
fn made(attack: &Attack, outside: &Outside) -> (String, Result<(), String>) {
    let began = Instant::now();
    let name = attack.name();
    let result = grading::grade(attack, outside);
    let word = if result.is_ok() { "ok" } else { "FAILED" };
    println!(
        "test {name} ... {word} ({:.1} s)",
        began.elapsed().as_secs_f32()
    );
    (name, result)
}
