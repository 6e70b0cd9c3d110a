//! What a store costs for each submission, without the grading: claim, start, commit, give back.
//!
//! `cargo bench -p grader --bench store [-- ITEMS [WORKERS]]`; the directory is below `$TMPDIR`.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use grader::store::{Declined, Grade, Key, Store, Worker, work};

/// As large as the record of a submission with a failure or two.
const RECORD: usize = 20_000;

/// Grades in no time.
struct AtOnce(Vec<u8>);

impl Grade for AtOnce {
    fn grade(&mut self, _: &Key, _: &[u8]) -> Result<Vec<u8>, Declined> {
        Ok(self.0.clone())
    }
    fn give_up(&mut self, _: &Key, _: &[u8], _: &[String]) -> Result<Vec<u8>, Declined> {
        Err(Declined::Item("nothing is ever given up here".to_owned()))
    }
    fn same(&self, one: &[u8], other: &[u8]) -> bool {
        one == other
    }
}

/// What a file of this size costs that is waited for, with so many side by side: the peer.
fn bare_fsync(dir: &Path, workers: usize) -> io::Result<Duration> {
    const FILES: u32 = 100;
    let one = |worker: usize| -> io::Result<Duration> {
        let began = Instant::now();
        for n in 0..FILES {
            let mut file = File::create(dir.join(format!("bare.{worker}.{n}")))?;
            file.write_all(&[b'x'; RECORD])?;
            file.sync_all()?;
        }
        Ok(began.elapsed() / FILES)
    };
    thread::scope(|scope| {
        let hands: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || one(worker)))
            .collect();
        let times = hands.into_iter().map(|hand| {
            hand.join()
                .unwrap_or_else(|_| Err(io::Error::other("panic")))
        });
        let sum: Duration = times.sum::<Result<Duration, _>>()?;
        Ok(sum / u32::try_from(workers).unwrap_or(1).max(1))
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok());
    let items: usize = numbers.next().unwrap_or(2000);
    let workers: usize = numbers.next().unwrap_or(2);
    let dir = tempfile::TempDir::new()?;
    let store = Store::create(dir.path(), Duration::from_secs(60))?;
    let began = Instant::now();
    for n in 0..items {
        store.add(&Key::parse(&format!("{n:064x}"))?, &[b'x'; 500])?;
    }
    let filled = began.elapsed();
    let waited = bare_fsync(dir.path(), workers)?;
    let members = (0..workers)
        .map(|_| Worker::join(&store))
        .collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    let done: usize = thread::scope(|scope| {
        let hands: Vec<_> = members
            .iter()
            .zip(1_u64..)
            .map(|(member, number)| {
                let store = &store;
                scope.spawn(move || {
                    let (_keep, stop) = mpsc::channel();
                    let mut done = 0;
                    let mut grade = AtOnce(vec![b'x'; RECORD]);
                    let seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    work(store, member, &mut grade, seed, &stop, &mut |_| done += 1).map(|()| done)
                })
            })
            .collect();
        let counts = hands
            .into_iter()
            .map(|hand| hand.join().map_or(Ok(0), |done| done));
        counts.sum::<Result<usize, _>>()
    })?;
    let worked = began.elapsed();
    let began = Instant::now();
    let listed = store.finished()?.len();
    let listing = began.elapsed();
    assert_eq!((done, listed), (items, items), "each item has one result");
    let each = |time: Duration, of: usize| time.as_secs_f64() * 1e3 / of as f64;
    println!(
        "{items} items, {workers} workers: put in {:.2} ms each; claim, start and commit {:.2} ms each for its worker; \
         {:.0} a second together; all results listed in {:.1} ms; to write so much and wait for the disk alone takes {:.2} ms",
        each(filled, items),
        each(worked, items) * workers as f64,
        items as f64 / worked.as_secs_f64(),
        each(listing, 1),
        each(waited, 1)
    );
    Ok(())
}
