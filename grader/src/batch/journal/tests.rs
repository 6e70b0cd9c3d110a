use super::*;
use crate::batch::{Inputs, MadeBy, Person, SCHEMA, Status};
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

fn sample(student: &str, text: &str) -> ResultRecord {
    let inputs = Inputs {
        sources: student.to_owned(),
        ..Inputs::default()
    };
    ResultRecord {
        schema: SCHEMA.to_owned(),
        key: inputs.key(),
        identity: Identity {
            group: "21214".into(),
            student: student.to_owned(),
            lab: "us-upper".into(),
            attempt: 1,
        },
        person: Person::default(),
        submitted: Some(7),
        place: format!("submissions/{student}"),
        inputs,
        made_by: MadeBy::default(),
        seed: 7,
        started: 1,
        seconds: 0.5,
        status: Status::Ungradable,
        message: Some(text.to_owned()),
        points: 0,
        of: 100,
        report: None,
        lang: Lang::En,
        translated: Default::default(),
        text: text.to_owned(),
        scenarios: Vec::new(),
    }
}

fn journal(dir: &TempDir) -> PathBuf {
    dir.path().join("grades.journal")
}

/// The students in a journal, and what is wrong with it.
fn students(path: &Path) -> (Vec<String>, Recovered) {
    let mut names = Vec::new();
    let (_, found) = Journal::open(path, &mut |r| names.push(r.identity.student)).unwrap();
    (names, found)
}

fn filled(path: &Path, names: &[&str]) -> Vec<u64> {
    let (journal, _) = Journal::open(path, &mut |_| {}).unwrap();
    let mut ends = vec![fs::metadata(path).unwrap().len()];
    for name in names {
        journal.append(&sample(name, "a\nb \u{fffd} é")).unwrap();
        ends.push(fs::metadata(path).unwrap().len());
    }
    ends
}

#[test]
fn what_was_appended_is_there_again() {
    let dir = TempDir::new().unwrap();
    let path = journal(&dir);
    filled(&path, &["a", "b"]);
    filled(&path, &["c"]);
    let (names, found) = students(&path);
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!((found.records, found.damage), (3, vec![]));
    let mut again = Vec::new();
    let (journal, _) = Journal::open(&path, &mut |_| {}).unwrap();
    journal.replay(&mut |r| again.push(r)).unwrap();
    assert_eq!(again[1].text, "a\nb \u{fffd} é");
    assert!(again[1].agrees_with(&sample("b", "")));
    journal.reset().unwrap();
    journal.append(&sample("d", "")).unwrap();
    drop(journal);
    assert_eq!(students(&path).0, ["d"]);
}

#[test]
fn cut_off_anywhere_it_loses_only_what_is_cut() {
    let dir = TempDir::new().unwrap();
    let path = journal(&dir);
    let names = ["a", "b", "c"];
    let ends = filled(&path, &names);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let left = ends[1..]
            .iter()
            .filter(|end| **end <= length as u64)
            .count();
        let (found, recovered) = students(&path);
        assert_eq!(found, names[..left], "cut at {length}");
        let on_a_border = length < HEADER.len() || ends.contains(&(length as u64));
        assert_eq!(
            recovered.damage.len(),
            usize::from(!on_a_border),
            "cut at {length}"
        );
        assert!(recovered.damage.iter().all(|d| d.torn));
        // It goes on as if nothing had been.
        filled(&path, &["z"]);
        let (found, recovered) = students(&path);
        assert_eq!(found.len(), left + 1, "cut at {length}");
        assert_eq!(found.last().unwrap(), "z");
        assert_eq!(recovered.damage, []);
    }
}

#[test]
fn a_damaged_line_is_named_and_costs_no_other() {
    let dir = TempDir::new().unwrap();
    let path = journal(&dir);
    let ends = filled(&path, &["a", "b", "c"]);
    let whole = fs::read(&path).unwrap();
    let (from, to) = (ends[1] as usize, ends[2] as usize - 1);
    for at in from..to {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        fs::write(&path, &bytes).unwrap();
        let (found, recovered) = students(&path);
        assert_eq!(found, ["a", "c"], "flipped at {at}");
        assert!(recovered.damage.iter().all(|d| !d.torn));
        assert_eq!(recovered.damage[0].line, 3);
        if at > from + 100 {
            assert_eq!(
                recovered.damage[0].whose.as_deref(),
                Some("21214/b/us-upper/1")
            );
        }
    }
    // Without its end a line runs into the next, and both are made again.
    let mut bytes = whole.clone();
    bytes[to] = b'x';
    fs::write(&path, &bytes).unwrap();
    assert_eq!(students(&path).0, ["a"]);
}

#[test]
fn threads_share_a_write_to_the_disk_and_lose_nothing() {
    let dir = TempDir::new().unwrap();
    let path = journal(&dir);
    let (journal, _) = Journal::open(&path, &mut |_| {}).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let journal = &journal;
            scope.spawn(move || {
                for i in 0..25 {
                    journal
                        .append(&sample(&format!("{thread}-{i}"), ""))
                        .unwrap();
                }
            });
        }
    });
    let state = journal.lock();
    assert_eq!(state.durable, state.written);
    drop(state);
    drop(journal);
    let (mut names, found) = students(&path);
    names.sort();
    names.dedup();
    assert_eq!(
        (names.len(), found.records, found.damage.len()),
        (200, 200, 0)
    );
}

#[test]
fn one_batch_at_a_time_and_no_other_file() {
    let dir = TempDir::new().unwrap();
    let path = journal(&dir);
    let (_held, _) = Journal::open(&path, &mut |_| {}).unwrap();
    assert!(matches!(
        Journal::open(&path, &mut |_| {}),
        Err(JournalError::Busy(_))
    ));
    let other = dir.path().join("essay.txt");
    fs::write(&other, "my essay\n").unwrap();
    assert!(matches!(
        Journal::open(&other, &mut |_| {}),
        Err(JournalError::Foreign(_))
    ));
    assert_eq!(fs::read_to_string(&other).unwrap(), "my essay\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_name_is_one_word(group in ".{0,6}", student in ".{1,12}") {
        let mut record = sample("x", "");
        record.identity.group = group;
        record.identity.student = student;
        let bytes = line(&record);
        prop_assert_eq!(bytes.iter().filter(|c| **c == b'\n').count(), 1);
        let body = &bytes[..bytes.len() - 1];
        let name = record.identity.clone();
        let name = format!("{}/{}/{}/{}", name.group, name.student, name.lab, name.attempt);
        prop_assert_eq!(whose(body), Some(crate::text::clean(&name)));
        let read = super::record(body).unwrap();
        prop_assert_eq!(read.identity, record.identity);
    }

    #[test]
    fn no_bytes_confuse_it(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let dir = TempDir::new().unwrap();
        let path = journal(&dir);
        filled(&path, &["a"]);
        let mut whole = fs::read(&path).unwrap();
        whole.extend(&bytes);
        fs::write(&path, &whole).unwrap();
        filled(&path, &["b"]);
        prop_assert_eq!(students(&path).0, ["a", "b"]);
    }
}

#[test]
fn a_journal_of_another_time_is_told_from_another_file() {
    let dir = TempDir::new().unwrap();
    let path = journal(&dir);
    let open = |text: &str| {
        fs::write(&path, text).unwrap();
        let error = Journal::open(&path, &mut |_| {}).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        error
    };
    let later = open("grader-journal/2\nwhatever\n");
    assert!(matches!(&later, JournalError::Version { version, .. } if version == "2"));
    for other in ["grader-journal/x\n", "grader-journal/1 \n\n", "os,lab\n"] {
        assert!(!matches!(open(other), JournalError::Io { .. }), "{other}");
    }
    assert!(matches!(open("os,lab\n"), JournalError::Foreign(_)));
}

#[test]
fn who_is_forgotten_leaves_no_word_and_the_others_stay() {
    let dir = TempDir::new().unwrap();
    let path = journal(&dir);
    filled(&path, &["anna", "src", "boris", "src"]);
    let before = fs::metadata(&path).unwrap().len();
    let forget = |name: &str| {
        let (journal, _) = Journal::open(&path, &mut |_| {}).unwrap();
        journal.forget(&|identity| identity.student == name)
    };
    assert_eq!(forget("src").unwrap(), 2);
    assert_eq!(fs::metadata(&path).unwrap().len(), before);
    assert!(!fs::read_to_string(&path).unwrap().contains("src"));
    let (names, found) = students(&path);
    assert_eq!(
        (names, found.damage),
        (vec!["anna".into(), "boris".into()], vec![])
    );
    assert_eq!(forget("src").unwrap(), 0);
    // What is written behind blanks is read, and the last one to go leaves an empty journal.
    filled(&path, &["clara"]);
    assert_eq!(students(&path).0, ["anna", "boris", "clara"]);
    for name in ["anna", "boris", "clara"] {
        assert_eq!(forget(name).unwrap(), 1);
    }
    assert!(!Journal::holds_results(&path));
}

#[test]
fn whoever_is_killed_while_forgetting_has_forgotten() {
    let dir = TempDir::new().unwrap();
    let path = journal(&dir);
    let ends = filled(&path, &["anna", "src", "boris"]);
    let whole = fs::read(&path).unwrap();
    let line = usize::try_from(ends[1]).unwrap()..usize::try_from(ends[2]).unwrap() - 1;
    for blank in [
        line.start..line.start + 1,
        line.start..line.end - 1,
        line.start + 70..line.end,
    ] {
        let mut bytes = whole.clone();
        bytes[blank].fill(BLANK);
        fs::write(&path, bytes).unwrap();
        assert_eq!(students(&path).0, ["anna", "boris"]);
    }
}
