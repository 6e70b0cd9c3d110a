use std::fs;

use tempfile::TempDir;

use super::record::hidden;
use super::*;
use crate::batch::{Identity, Person, Place};
use crate::run::EngineOptions;
use crate::submission::CacheMode;

/// An engine whose workers die at once.
pub(crate) fn engine() -> Engine {
    Engine::new(&EngineOptions {
        exe: Some("/bin/false".into()),
        cache: CacheMode::Off,
        workers: Some(1),
        ..EngineOptions::default()
    })
    .unwrap()
}

pub(crate) fn lab() -> PreparedLab {
    let source = crate::lab::catalog::load(Path::new("us-upper"), reference::NAMES);
    PreparedLab::new(source.unwrap()).unwrap()
}

pub(crate) fn item(dir: &TempDir) -> Item {
    Item {
        identity: Identity {
            group: String::new(),
            student: "s07".into(),
            lab: "us-upper".into(),
            attempt: 1,
        },
        person: Person::default(),
        submitted: None,
        place: Place::Directory(dir.path().to_owned()),
        origin: None,
    }
}

#[test]
fn what_cannot_be_graded_has_no_points_and_the_machines_fault_is_none_of_the_students() {
    let engine = engine();
    let grader = Grader::new(&engine, Options::default()).unwrap();
    let (lab, dir) = (lab(), TempDir::new().unwrap());
    let empty = grader.grade(&lab, &item(&dir));
    assert_eq!(empty.status, Status::Ungradable);
    assert!(empty.message.as_deref().unwrap().contains("is empty"));
    // What was passed over in an archive may be why.
    let mut linked = item(&dir);
    let path = dir.path().join("a.zip");
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    zip.add_symlink("server.c", "../anna/server.c", options)
        .unwrap();
    zip.finish().unwrap();
    linked.place = Place::Archive(path);
    let linked = grader.grade(&lab, &linked);
    let why = linked.message.unwrap();
    assert!(
        why.ends_with("\n  skipped server.c: it is a link or a device, not a file"),
        "{why}"
    );
    fs::remove_file(dir.path().join("a.zip")).unwrap();
    fs::write(
        dir.path().join("us-server.c"),
        "int main(void) { return 0; }",
    )
    .unwrap();
    let broken = grader.grade(&lab, &item(&dir));
    assert_eq!(broken.status, Status::Error, "{:?}", broken.message);
    for record in [&empty, &broken] {
        assert_eq!((record.points, record.of), (0, 100));
        assert!(record.requirements().is_empty());
        let again = ResultRecord::from_json(record.to_json().as_bytes()).unwrap();
        assert!(again.agrees_with(record));
        assert_eq!(again.identity, record.identity);
    }
    assert!(!empty.agrees_with(&broken));
    assert_ne!(empty.key, broken.key);
}

#[test]
fn a_key_is_known_before_anything_is_built() {
    let engine = engine();
    let grader = Grader::new(&engine, Options::default()).unwrap();
    let (lab, dir) = (lab(), TempDir::new().unwrap());
    fs::write(dir.path().join("us-server.c"), "a").unwrap();
    let inputs = grader.inputs(&lab, dir.path());
    assert_eq!(inputs, grader.inputs(&lab, dir.path()));
    // Where the files are is no matter, what is in them is.
    let other = TempDir::new().unwrap();
    fs::write(other.path().join("us-server.c"), "a").unwrap();
    assert_eq!(inputs, grader.inputs(&lab, other.path()));
    fs::write(other.path().join("us-server.c"), "b").unwrap();
    let changed = grader.inputs(&lab, other.path());
    assert_ne!(inputs.sources, changed.sources);
    assert_eq!(
        Inputs {
            sources: inputs.sources.clone(),
            ..changed
        },
        inputs
    );
    let options = Options {
        repeat: 5,
        ..Options::default()
    };
    let more = Grader::new(&engine, options).unwrap();
    assert_ne!(inputs.key(), more.inputs(&lab, dir.path()).key());
    // Who reads it changes nothing: a batch by night may have another locale.
    let options = Options {
        lang: Lang::Ru,
        ..Options::default()
    };
    let read = Grader::new(&engine, options).unwrap();
    assert_eq!(inputs, read.inputs(&lab, dir.path()));
    // On a machine that grants less it is another result; where all is granted, the same.
    let mut granted = Enforced {
        isolation: "full".into(),
        observation: "full".into(),
        active: Vec::new(),
        missing: Vec::new(),
        lacks: Vec::new(),
    };
    let on = |granted: &Enforced| {
        let grader = Grader::new(&engine, Options::default()).unwrap();
        grader.on(granted).inputs(&lab, dir.path()).key()
    };
    assert_eq!(inputs.key(), on(&granted));
    granted.missing.push("IPv6".into());
    let without = on(&granted);
    assert_ne!(inputs.key(), without);
    granted.isolation = "reduced".into();
    assert_ne!(without, on(&granted));
}

#[test]
fn what_a_machine_lacks_makes_another_result_of_labs_that_need_it_and_of_no_others() {
    let engine = |without: &[Means]| {
        Engine::new(&EngineOptions {
            exe: Some("/bin/false".into()),
            cache: CacheMode::Off,
            without: without.iter().copied().collect(),
            ..EngineOptions::default()
        })
        .unwrap()
    };
    let named = |name: &str| {
        let source = crate::lab::catalog::load(Path::new(name), reference::NAMES);
        PreparedLab::new(source.unwrap()).unwrap()
    };
    let dir = TempDir::new().unwrap();
    let (plain, asked) = (engine(&[]), engine(&[Means::OtherUser]));
    let grader = |engine| Grader::new(engine, Options::default()).unwrap();
    let granted = Enforced {
        isolation: "full".into(),
        observation: "full".into(),
        active: Vec::new(),
        missing: Vec::new(),
        lacks: vec![Means::OtherUser],
    };
    for (lab, needs) in [("us-upper", false), ("us-name", true)] {
        let lab = named(lab);
        let key = |grader: Grader<'_>| grader.inputs(&lab, dir.path()).key();
        let all = key(grader(&plain));
        let here = key(grader(&plain).on(&granted));
        assert_eq!(all != here, needs);
        // To be asked to do without is as good as to lack it.
        assert_eq!(here, key(grader(&asked)));
        assert_eq!(here, key(grader(&asked).on(&granted)));
    }
    assert!(named("inet-upper").source.lab.needs(Means::Ipv6));
}

#[test]
fn a_private_directory_has_the_name_that_people_know() {
    let dir = Path::new("/tmp/grader-x1");
    assert_eq!(
        hidden("/tmp/grader-x1: empty", dir, "g1/anna.zip"),
        "g1/anna.zip: empty"
    );
}
