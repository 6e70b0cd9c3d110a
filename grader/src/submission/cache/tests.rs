use super::*;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;

fn record() -> Record {
    Record {
        programs: vec![
            ProgramRecord {
                role: "server".into(),
                from: "server.c".into(),
                ..ProgramRecord::default()
            },
            ProgramRecord {
                role: "client".into(),
                failure: Some("error".into()),
                ..ProgramRecord::default()
            },
        ],
        notes: vec![Note::Compiled("a".into())],
        ..Record::default()
    }
}

fn cache(dir: &TempDir) -> Cache {
    Cache::open(&CacheMode::At(dir.path().to_path_buf())).unwrap()
}

#[test]
fn a_directory_below_the_current_one_is_named_from_the_root() {
    let dir = TempDir::new().unwrap();
    let up = std::env::current_dir()
        .unwrap()
        .components()
        .skip(1)
        .map(|_| "..")
        .collect::<PathBuf>();
    let relative = up.join(dir.path().strip_prefix("/").unwrap());
    let cache = Cache::open(&CacheMode::At(relative)).unwrap();
    let stored = put(&cache);
    let programs: Vec<_> = stored.executables.iter().flatten().collect();
    assert!(
        programs
            .iter()
            .all(|path| path.is_absolute() && path.exists())
    );
    assert!(!programs.is_empty());
}

fn put(cache: &Cache) -> Stored {
    cache
        .put(
            "k",
            record(),
            &[Some(b"program".to_vec()), None],
            &[("upper".to_owned(), b"helper".to_vec())],
        )
        .unwrap()
}

/// How many files each part has.
fn files(dir: &TempDir) -> [usize; 2] {
    [RECORDS, PROGRAMS].map(|part| fs::read_dir(dir.path().join(part)).unwrap().count())
}

#[test]
fn what_was_stored_comes_back() {
    let dir = TempDir::new().unwrap();
    let cache = cache(&dir);
    assert!(cache.get("k").is_none());
    put(&cache);
    let stored = cache.get("k").unwrap();
    assert_eq!(stored.record.programs[1].failure.as_deref(), Some("error"));
    assert_eq!(stored.record.notes, [Note::Compiled("a".into())]);
    let path = stored.executables[0].as_ref().unwrap();
    assert_eq!(fs::read(path).unwrap(), b"program");
    assert_eq!(
        fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o755
    );
    assert!(stored.executables[1].is_none());
    let [(name, other)] = stored.others.as_slice() else {
        panic!("{:?}", stored.others);
    };
    assert_eq!(name, "upper");
    assert_eq!(fs::read(other).unwrap(), b"helper");
    assert_eq!(files(&dir), [1, 2]);
}

#[test]
fn a_damaged_entry_is_noticed_and_replaced() {
    let dir = TempDir::new().unwrap();
    let cache = cache(&dir);
    let stored = put(&cache);
    let path = stored.executables[0].clone().unwrap();
    fs::write(&path, b"prograM").unwrap();
    assert!(cache.get("k").is_none());
    put(&cache);
    let entry = dir.path().join("records/k");
    let text = fs::read_to_string(&entry).unwrap();
    fs::write(
        &entry,
        text.replace("\"failure\":\"error\"", "\"failure\":null"),
    )
    .unwrap();
    assert!(cache.get("k").is_none());
    put(&cache);
    fs::write(&stored.others[0].1, b"helpeR").unwrap();
    assert!(cache.get("k").is_none());
    put(&cache);
    fs::remove_file(&path).unwrap();
    assert!(cache.get("k").is_none());
    put(&cache);
    assert!(cache.get("k").is_some());
    assert_eq!(files(&dir), [1, 2]);
}

#[test]
fn a_program_that_several_builds_have_is_stored_once() {
    let dir = TempDir::new().unwrap();
    let cache = cache(&dir);
    let build = |key: &str| {
        let executables = [Some(b"program".to_vec()), None];
        cache.put(key, record(), &executables, &[]).unwrap()
    };
    assert_eq!(build("k").executables, build("l").executables);
    assert_eq!(files(&dir), [2, 1]);
}

#[test]
fn graders_that_store_at_once_agree() {
    let dir = TempDir::new().unwrap();
    let cache = cache(&dir);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let stored = put(&cache);
                    let path = stored.executables[0].as_ref().unwrap();
                    assert_eq!(fs::read(path).unwrap(), b"program");
                }
            });
        }
    });
    assert_eq!(files(&dir), [1, 2]);
}

#[test]
fn a_file_is_made_once() {
    let dir = TempDir::new().unwrap();
    let cache = cache(&dir);
    let made = cache.keep(&[b"a"], || Ok(b"one".to_vec())).unwrap();
    assert_eq!(fs::read(&made).unwrap(), b"one");
    let again = cache.keep(&[b"a"], || panic!("it is there"));
    assert_eq!(again, Some(made));
    let other = cache.keep(&[b"b"], || Err(io::Error::other("no compiler")));
    assert_eq!(other, None);
}

#[test]
fn nothing_is_kept_when_it_is_off() {
    let cache = Cache::open(&CacheMode::Off).unwrap();
    assert!(!cache.is_kept());
    let path = put(&cache).executables[0].clone().unwrap();
    assert!(path.exists());
    drop(cache);
    assert!(!path.exists());
}

#[test]
fn a_place_that_cannot_be_used_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Cache::open(&CacheMode::At(file.clone())).unwrap_err();
    assert!(error.to_string().contains(file.to_str().unwrap()));
}

proptest! {
    #[test]
    fn fields_do_not_run_into_each_other(a in ".{0,8}", b in ".{1,8}") {
        let key = |fields: &[&str]| {
            let mut key = Key::default();
            for field in fields {
                key.add(field.as_bytes());
            }
            key.finish()
        };
        let joined = format!("{a}{b}");
        prop_assert_ne!(key(&[&a, &b]), key(&[&joined]));
        prop_assert_ne!(key(&[&a, &b]), key(&[&joined, ""]));
    }
}
