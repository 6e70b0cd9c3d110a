//! Workers that share a store: what each may and may not do.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;

const LONG: Duration = Duration::from_secs(3600);

fn key(n: u32) -> Key {
    Key::parse(&format!("{n:016x}")).unwrap()
}

fn store(items: u32) -> (TempDir, Store) {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), LONG).unwrap();
    for n in 0..items {
        store.add(&key(n), n.to_string().as_bytes()).unwrap();
    }
    (dir, store)
}

/// As if the worker's machine had lost its power an age ago.
fn power_cut(store: &Store, worker: &Worker) {
    let heart = store.root().join("beat").join(worker.name());
    let heart = File::options().write(true).open(heart).unwrap();
    heart.set_modified(SystemTime::now() - 2 * LONG).unwrap();
}

/// As if a worker had looked at an item's lease long ago, and looks at it again.
fn has_watched(store: &Store, key: &Key, worker: &Worker) {
    assert!(matches!(store.claim(key, worker).unwrap(), Claim::Taken));
    worker.let_pass(LONG);
}

/// Grades by saying who graded what.
struct Echo(&'static str);

impl Grade for Echo {
    fn grade(&mut self, key: &Key, item: &[u8]) -> Result<Vec<u8>, Declined> {
        match self.0 {
            "unfit" => return Err(Declined::Machine("no compiler".to_owned())),
            // Of three items the first is another version's.
            "newer" if *key == self::key(0) => {
                return Err(Declined::Item("another grader".to_owned()));
            }
            _ => {}
        }
        Ok([b"graded ", item].concat())
    }
    fn give_up(&mut self, _: &Key, _: &[u8], workers: &[String]) -> Result<Vec<u8>, Declined> {
        Ok(format!("{} given up after {}", self.0, workers.len()).into_bytes())
    }
    fn same(&self, one: &[u8], other: &[u8]) -> bool {
        one == other
    }
}

fn never() -> (mpsc::Sender<()>, Stop) {
    mpsc::channel()
}

#[test]
fn every_item_has_one_result_whoever_works() {
    let (_dir, store) = store(60);
    let handled = thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|n| {
                let store = &store;
                scope.spawn(move || {
                    let worker = Worker::join(store).unwrap();
                    let (_stop, stop) = never();
                    let mut seen = Vec::new();
                    work(store, &worker, &mut Echo(""), n * 7, &stop, &mut |h| {
                        seen.push(h);
                    })
                    .unwrap();
                    seen
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(store.finished().unwrap(), store.items().unwrap());
    // Nobody was gone, so nothing was done twice.
    let mut times: BTreeMap<Key, u32> = BTreeMap::new();
    for handled in &handled {
        assert_eq!(handled.commit, Commit::First);
        assert!(!handled.taken_over);
        *times.entry(handled.key.clone()).or_default() += 1;
    }
    assert_eq!(times.len(), 60);
    assert!(times.values().all(|n| *n == 1), "{times:?}");
    assert_eq!(store.result(&key(7)).unwrap().unwrap(), b"graded 7");
    // Leases and hearts are gone, and no half-written file is left.
    for name in ["lease", "beat"] {
        assert_eq!(
            fs::read_dir(store.root().join(name)).unwrap().count(),
            0,
            "{name}"
        );
    }
    assert_eq!(
        fs::read_dir(store.root().join("results")).unwrap().count(),
        60
    );
}

#[test]
fn a_living_workers_item_is_left_alone_and_a_dead_ones_is_taken_over() {
    let (_dir, store) = store(1);
    let (one, other) = (Worker::join(&store).unwrap(), Worker::join(&store).unwrap());
    let Claim::Granted(lease) = store.claim(&key(0), &one).unwrap() else {
        panic!("nobody had it");
    };
    assert!(matches!(
        store.claim(&key(0), &other).unwrap(),
        Claim::Taken
    ));
    power_cut(&store, &one);
    has_watched(&store, &key(0), &other);
    let Claim::Granted(taken) = store.claim(&key(0), &other).unwrap() else {
        panic!("its worker is gone");
    };
    assert!(taken.taken_over);
    // The first one comes back to life and gives up a lease that is not its own any more.
    drop(lease);
    assert!(matches!(store.claim(&key(0), &one).unwrap(), Claim::Taken));
    drop(taken);
    assert!(matches!(
        store.claim(&key(0), &one).unwrap(),
        Claim::Granted(_)
    ));
}

#[test]
fn clocks_of_machines_need_not_agree() {
    let (_dir, store) = store(1);
    let (one, other) = (Worker::join(&store).unwrap(), Worker::join(&store).unwrap());
    let lease = store.claim(&key(0), &one).unwrap();
    let heart = store.root().join("beat").join(one.name());
    let heart = File::options().write(true).open(heart).unwrap();
    let (now, mut beats) = (SystemTime::now(), Duration::ZERO);
    let mut beat = |clock: SystemTime| {
        beats += Duration::from_secs(1);
        heart.set_modified(clock + beats).unwrap();
    };
    let claim = || store.claim(&key(0), &other).unwrap();
    // Hours behind or ahead: while a heart beats its worker lives.
    for clock in [now - 9 * LONG, now + 9 * LONG] {
        for _ in 0..20 {
            beat(clock);
            assert!(matches!(claim(), Claim::Taken));
            other.let_pass(LONG / 5);
        }
    }
    // One that stands still does not, also if its time is still to come.
    assert!(matches!(claim(), Claim::Taken));
    other.let_pass(LONG / 2);
    assert!(matches!(claim(), Claim::Taken));
    other.let_pass(LONG / 2);
    assert!(matches!(claim(), Claim::Granted(_)));
    drop(lease);
}

#[test]
fn who_stood_still_too_long_gives_nothing_up_that_is_anothers() {
    let (_dir, store) = store(1);
    let (frozen, quick) = (Worker::join(&store).unwrap(), Worker::join(&store).unwrap());
    let Claim::Granted(old) = store.claim(&key(0), &frozen).unwrap() else {
        panic!("nobody had it");
    };
    power_cut(&store, &frozen);
    has_watched(&store, &key(0), &quick);
    let Claim::Granted(_new) = store.claim(&key(0), &quick).unwrap() else {
        panic!("its worker stands still");
    };
    // Revived, and told to end at once.
    frozen.abandon();
    drop(old);
    let third = Worker::join(&store).unwrap();
    assert!(matches!(
        store.claim(&key(0), &third).unwrap(),
        Claim::Taken
    ));
}

#[test]
fn a_revived_worker_cannot_replace_a_result() {
    let (_dir, store) = store(1);
    let (frozen, quick) = (Worker::join(&store).unwrap(), Worker::join(&store).unwrap());
    let _lease = store.claim(&key(0), &frozen).unwrap();
    power_cut(&store, &frozen);
    has_watched(&store, &key(0), &quick);
    let (_stop, stop) = never();
    let mut seen = Vec::new();
    work(&store, &quick, &mut Echo(""), 0, &stop, &mut |h| {
        seen.push(h);
    })
    .unwrap();
    assert!(seen[0].taken_over);
    let same = |a: &[u8], b: &[u8]| a == b;
    let late = |text: &[u8]| store.commit(&key(0), &frozen, text, &same).unwrap();
    assert_eq!(late(b"graded 0"), Commit::Same);
    assert_eq!(late(b"graded otherwise"), Commit::Disputed);
    assert_eq!(store.result(&key(0)).unwrap().unwrap(), b"graded 0");
    assert_eq!(store.disputes().unwrap().len(), 1);
}

#[test]
fn what_a_power_cut_leaves_of_a_result_is_graded_again() {
    let whole = |store: &Store| fs::read(store.result_path(&key(0))).unwrap();
    let damages: [fn(&mut Vec<u8>); 5] = [
        Vec::clear,
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.truncate(b"graded 0".len()),
        // A page that was never written reads as zeros, or as what was there before.
        |bytes| bytes[2..5].fill(0),
        |bytes| bytes[7] = b'1',
    ];
    for damage in damages {
        let (_dir, store) = store(1);
        let grade = || {
            let worker = Worker::join(&store).unwrap();
            let (_stop, stop) = never();
            let mut seen = Vec::new();
            let told = &mut |h: Handled| seen.push(h.commit);
            work(&store, &worker, &mut Echo(""), 0, &stop, told).unwrap();
            seen
        };
        assert_eq!(grade(), [Commit::First]);
        let mut bytes = whole(&store);
        damage(&mut bytes);
        fs::write(store.result_path(&key(0)), &bytes).unwrap();
        // Whoever collects finds out.
        assert_eq!(store.result(&key(0)).unwrap(), None);
        assert_eq!(store.finished().unwrap(), []);
        assert_eq!(grade(), [Commit::First]);
        assert_eq!(store.result(&key(0)).unwrap().unwrap(), b"graded 0");
        // So does whoever comes second.
        fs::write(store.result_path(&key(0)), &bytes).unwrap();
        let worker = Worker::join(&store).unwrap();
        let commit = store.commit(&key(0), &worker, b"graded 0", &|a, b| a == b);
        assert_eq!(commit.unwrap(), Commit::First);
        assert_eq!(store.result(&key(0)).unwrap().unwrap(), b"graded 0");
    }
}

#[test]
fn no_part_of_a_result_is_a_result() {
    let (_dir, store) = store(1);
    let worker = Worker::join(&store).unwrap();
    store
        .commit(&key(0), &worker, b"graded 0", &|a, b| a == b)
        .unwrap();
    let path = store.result_path(&key(0));
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(store.result(&key(0)).unwrap(), None, "{length}");
        assert!(!path.exists(), "it is graded again");
    }
    fs::write(&path, [&whole[..], b"\n"].concat()).unwrap();
    assert_eq!(store.result(&key(0)).unwrap(), None);
    fs::write(&path, &whole).unwrap();
    assert_eq!(store.result(&key(0)).unwrap().unwrap(), b"graded 0");
}

#[test]
fn what_ends_its_workers_is_given_up_and_stops_nobody() {
    let (_dir, store) = store(3);
    for n in 1..=MOST_STARTS {
        let doomed = Worker::join(&store).unwrap();
        if n > 1 {
            has_watched(&store, &key(1), &doomed);
        }
        let Claim::Granted(lease) = store.claim(&key(1), &doomed).unwrap() else {
            panic!("the one before is gone");
        };
        assert_eq!(store.start(&key(1), &doomed).unwrap(), Tally::Start(n));
        // Killed: its lease stays, its heart stops.
        std::mem::forget(lease);
        power_cut(&store, &doomed);
        std::mem::forget(doomed);
    }
    let last = Worker::join(&store).unwrap();
    has_watched(&store, &key(1), &last);
    let (_stop, stop) = never();
    let mut seen = Vec::new();
    work(&store, &last, &mut Echo("poison"), 1, &stop, &mut |h| {
        seen.push(h);
    })
    .unwrap();
    assert_eq!(store.finished().unwrap().len(), 3);
    let given_up: Vec<&Key> = seen.iter().filter(|h| h.given_up).map(|h| &h.key).collect();
    assert_eq!(given_up, [&key(1)]);
    assert_eq!(
        store.result(&key(1)).unwrap().unwrap(),
        b"poison given up after 3"
    );
}

#[test]
fn a_worker_that_is_told_to_stop_leaves_no_trace_of_what_it_began() {
    let (_dir, store) = store(1);
    let told = Worker::join(&store).unwrap();
    let _lease = store.claim(&key(0), &told).unwrap();
    assert_eq!(store.start(&key(0), &told).unwrap(), Tally::Start(1));
    assert_eq!(store.starts(&key(0)), [told.name()]);
    told.abandon();
    let next = Worker::join(&store).unwrap();
    let Claim::Granted(lease) = store.claim(&key(0), &next).unwrap() else {
        panic!("it was given up");
    };
    assert!(!lease.taken_over);
    assert_eq!(store.start(&key(0), &next).unwrap(), Tally::Start(1));
    // Whose heart is gone marks its starts all the same.
    fs::remove_file(store.root().join("beat").join(next.name())).unwrap();
    assert_eq!(store.start(&key(0), &next).unwrap(), Tally::Start(2));
    assert_eq!(store.starts(&key(0)), [next.name(), next.name()]);
}

#[test]
fn who_is_told_to_end_begins_nothing_more() {
    let (_dir, store) = store(2);
    let told = Worker::join(&store).unwrap();
    let _lease = store.claim(&key(0), &told).unwrap();
    told.abandon();
    // Its thread may not have noticed yet.
    assert_eq!(store.start(&key(0), &told).unwrap(), Tally::Start(1));
    assert!(matches!(store.claim(&key(1), &told).unwrap(), Claim::Taken));
    for name in ["lease", "starts", "beat"] {
        let left = fs::read_dir(store.root().join(name)).unwrap().count();
        assert_eq!(left, 0, "{name}");
    }
}

#[test]
fn a_stop_ends_the_work_between_items() {
    let (_dir, store) = store(5);
    let worker = Worker::join(&store).unwrap();
    let (stop, stopped) = never();
    let mut stop = Some(stop);
    let mut handled = 0;
    work(&store, &worker, &mut Echo(""), 0, &stopped, &mut |_| {
        handled += 1;
        drop(stop.take());
    })
    .unwrap();
    assert_eq!(handled, 1);
}

#[test]
fn blobs_are_what_was_kept() {
    let (_dir, store) = store(0);
    let name = store.keep(b"sources").unwrap();
    assert_eq!(store.keep(b"sources").unwrap(), name);
    assert_eq!(store.kept(&name).unwrap(), b"sources");
    fs::write(store.root().join("blobs").join(name.as_str()), "others").unwrap();
    let error = store.kept(&name).unwrap_err().to_string();
    assert!(error.contains("not those that were kept"), "{error}");
    assert_eq!(store.keep(b"sources").unwrap(), name);
    assert_eq!(store.kept(&name).unwrap(), b"sources");
}

#[test]
fn a_directory_of_something_else_is_refused() {
    let dir = TempDir::new().unwrap();
    let error = Store::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("no store of grader"), "{error}");
    fs::write(
        dir.path().join("store.json"),
        r#"{"format":"grader-store/9","lease_ms":1}"#,
    )
    .unwrap();
    let error = Store::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("grader-store/9"), "{error}");
}

#[test]
fn a_directory_with_something_in_it_is_left_as_it_is() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("thesis.tex"), "").unwrap();
    let error = Store::create(dir.path(), LONG).unwrap_err().to_string();
    assert!(error.contains("it holds thesis.tex"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    // What somebody has begun who makes the same store, and what is a file system's own, is no matter.
    fs::remove_file(dir.path().join("thesis.tex")).unwrap();
    fs::create_dir(dir.path().join("items")).unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    fs::write(dir.path().join(".snapshot"), "").unwrap();
    Store::create(dir.path(), LONG).unwrap();
}

#[test]
fn the_first_ones_lease_holds_for_all() {
    let dir = TempDir::new().unwrap();
    Store::create(dir.path(), Duration::from_secs(7)).unwrap();
    let again = Store::create(dir.path(), LONG).unwrap();
    assert_eq!(again.lease(), Duration::from_secs(7));
}

#[test]
fn a_lease_that_points_elsewhere_counts_as_nobodys() {
    let (_dir, store) = store(1);
    let lease = store.root().join("lease").join(key(0).as_str());
    std::os::unix::fs::symlink("../results/x", lease).unwrap();
    let worker = Worker::join(&store).unwrap();
    assert!(matches!(
        store.claim(&key(0), &worker).unwrap(),
        Claim::Granted(_)
    ));
}

#[test]
fn what_another_version_put_in_is_left_to_it_and_the_rest_is_graded() {
    let (_dir, store) = store(3);
    let newer = Worker::join(&store).unwrap();
    let (_stop, stop) = never();
    let mut seen = Vec::new();
    for _ in 0..=MOST_STARTS {
        let told = &mut |h: Handled| seen.push(h.key);
        let error = work(&store, &newer, &mut Echo("newer"), 0, &stop, told).unwrap_err();
        let WorkError::Unfit { why, left: 1, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(why.contains("another grader"), "{why}");
    }
    assert_eq!(seen, [key(1), key(2)]);
    // Nothing of it counts against the item.
    let older = Worker::join(&store).unwrap();
    work(&store, &older, &mut Echo(""), 0, &stop, &mut |h| {
        assert!(!h.taken_over && !h.given_up);
    })
    .unwrap();
    assert_eq!(store.finished().unwrap().len(), 3);
}

#[test]
fn a_result_that_the_store_does_not_take_is_no_fault_of_the_items() {
    /// Grades, and by then the store takes no results any more, as when its disk is full.
    struct Fills<'a>(&'a Store);
    impl Grade for Fills<'_> {
        fn grade(&mut self, _: &Key, item: &[u8]) -> Result<Vec<u8>, Declined> {
            let results = self.0.root().join("results");
            fs::rename(&results, results.with_extension("away")).unwrap();
            Ok(item.to_vec())
        }
        fn give_up(&mut self, _: &Key, _: &[u8], _: &[String]) -> Result<Vec<u8>, Declined> {
            panic!("its workers are well");
        }
        fn same(&self, _: &[u8], _: &[u8]) -> bool {
            true
        }
    }
    let (_dir, store) = store(1);
    let worker = Worker::join(&store).unwrap();
    let (_stop, stop) = never();
    for _ in 0..=MOST_STARTS {
        let error = work(&store, &worker, &mut Fills(&store), 0, &stop, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("cannot be written"), "{error}");
        let results = store.root().join("results");
        fs::rename(results.with_extension("away"), results).unwrap();
    }
    assert_eq!(store.starts(&key(0)), [""; 0]);
    work(&store, &worker, &mut Echo(""), 0, &stop, &mut |_| {}).unwrap();
}

#[test]
fn a_worker_that_is_not_fit_leaves_the_item_to_others() {
    let (_dir, store) = store(1);
    let (unfit, fit) = (Worker::join(&store).unwrap(), Worker::join(&store).unwrap());
    let (_stop, stop) = never();
    for _ in 0..=MOST_STARTS {
        let error = work(&store, &unfit, &mut Echo("unfit"), 0, &stop, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("no compiler"), "{error}");
    }
    let mut seen = Vec::new();
    work(&store, &fit, &mut Echo(""), 0, &stop, &mut |h| seen.push(h)).unwrap();
    assert_eq!(seen.len(), 1);
    assert!(!seen[0].taken_over && !seen[0].given_up);
}
