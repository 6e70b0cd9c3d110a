//! What the fuzzers keep, run through the same functions on every machine: see `fuzz/`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use supervisor::event::{Event, ExitStatus, Stream, What};
use supervisor::plan::{ProcessId, ProgramId};
use supervisor::wire::{self, Kind};

#[expect(unreachable_pub, reason = "it is a library of its own elsewhere")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// Runs everything kept for a target.
fn all_of(name: &str, target: fn(&[u8])) {
    let directory = end_to_end::root().join("fuzz/corpus").join(name);
    let mut ran = 0;
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        target(&std::fs::read(&path).unwrap());
        ran += 1;
    }
    assert!(ran > 0, "{} is empty", directory.display());
}

/// The bytes, cut at every place, and with every bit of the beginning turned.
fn damaged(bytes: &[u8], target: fn(&[u8])) {
    target(bytes);
    for cut in 0..bytes.len() {
        target(&bytes[..cut]);
    }
    for bit in 0..bytes.len().min(200) * 8 {
        let mut other = bytes.to_vec();
        other[bit / 8] ^= 1 << (bit % 8);
        target(&other);
    }
}

#[test]
fn lab_files() {
    all_of("lab", targets::lab);
}

#[test]
fn manifests() {
    all_of("manifest", targets::manifest);
}

#[test]
fn snapshots() {
    all_of("snapshot", targets::snapshot);
}

#[test]
fn recordings() {
    all_of("recording", targets::recording);
    let program = ProgramId(0);
    let process = ProcessId { program, number: 0 };
    let events = [
        What::StepBegan,
        What::Started { process, pid: 1234 },
        What::Output {
            program,
            stream: Stream::Out,
            bytes: "\u{1b}[2J::error::\nlanes/1\n--- 1\n".into(),
        },
        What::Exited {
            process,
            status: ExitStatus::Signal(9),
        },
        What::Ended,
    ];
    let mut bytes = Vec::new();
    for (at, what) in (0..).zip(events) {
        wire::encode(&mut bytes, Kind::Event, &Event { at, step: 1, what }).unwrap();
    }
    damaged(&bytes, targets::recording);
}

#[test]
fn archives() {
    all_of("archive", targets::archive);
    // A zip with one stored file `a.c` of one byte, as `zip -0` writes it.
    let zip = b"PK\x03\x04\x0a\0\0\0\0\0\0\0!\0\xf4\xdf[\x8d\x01\0\0\0\x01\0\0\0\x03\0\0\0a.cx\
        PK\x01\x02\x1e\x03\x0a\0\0\0\0\0\0\0!\0\xf4\xdf[\x8d\x01\0\0\0\x01\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\
        \xa4\x81\0\0\0\0a.cPK\x05\x06\0\0\0\0\x01\0\x01\x001\0\0\0\x22\0\0\0\0\0";
    damaged(zip, targets::archive);
}
