//! What is done with noise, for cargo-fuzz. The tests run it over the kept corpus on every
//! machine (`tests/tests/corpus.rs`).
//!
//! Nothing here may panic, hang, or take memory out of proportion; what is read must come back
//! the same where it is written again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use grader::lab::{Lab, catalog};
use grader::run::{Cast, RunEvent, Setting};
use grader::submission::{Content, File, Tree, find};
use grader::transcript::{Context, Names};
use grader::verdict::{Ran, ScenarioOutcome, ScenarioResult};
use grader::{report, run, transcript, verdict};
use supervisor::event::Event;
use supervisor::plan::{Isolation, Observation, Plan};
use supervisor::wire;

/// A lab of this repository, by its name.
fn known(id: &str) -> &'static Lab {
    static LABS: OnceLock<BTreeMap<String, Lab>> = OnceLock::new();
    let labs = LABS.get_or_init(|| {
        let load = |embedded: &catalog::EmbeddedLab| {
            let source = embedded.load(reference::NAMES).expect("a lab of ours");
            (source.lab.id.clone(), source.lab)
        };
        catalog::embedded().iter().map(load).collect()
    });
    labs.get(id).expect("a lab of ours")
}

/// `lab.toml`: every error has its place, and what is accepted can be planned and explained.
pub fn lab(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else {
        return;
    };
    let diagnostics = grader::lab::lint("lab.toml", source, reference::NAMES);
    let _ = diagnostics.to_string();
    let Ok(lab) = grader::lab::parse("lab.toml", source, reference::NAMES) else {
        return;
    };
    let programs = BTreeMap::new();
    for scenario in &lab.scenarios {
        let setting = Setting {
            cast: &Cast::reference(),
            programs: &programs,
            rungs: &run::Rungs::default(),
            shim: Some(Path::new("/shim.so")),
            tools: &BTreeMap::new(),
            seed: 1,
            observation: Observation::Full,
            isolation: Isolation::Required,
        };
        let _ = run::plan(&lab, scenario, &setting);
        for step in &scenario.steps {
            let _ = transcript::step_title(step);
        }
    }
}

/// `grader.toml` among a submission's files, and the names of those files: the noise up to the
/// first zero byte is the manifest, what follows are names.
pub fn manifest(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == 0);
    let mut files = BTreeMap::new();
    let mut add = |path: &str, bytes: &[u8]| {
        let file = File {
            path: path.to_owned(),
            content: Content::Bytes(bytes.to_vec()),
            executable: false,
        };
        files.insert(path.to_owned(), file);
    };
    add("us-server.c", b"int main(void) { return 0; }");
    add(
        "us-client.c",
        b"#include \"us.h\"\nint main(void) { return 0; }",
    );
    add("Makefile", b"us-server: us-server.c\n");
    let text = parts.next().unwrap_or_default();
    for name in parts.take(16) {
        match std::str::from_utf8(name) {
            // A tree has no other names: they are refused while it is read.
            Ok(name) if !name.is_empty() && !name.starts_with('/') => add(name, text),
            _ => {}
        }
    }
    add(grader::submission::MANIFEST, text);
    let tree = Tree {
        root: PathBuf::from("work"),
        files: files.into_values().collect(),
        notes: Vec::new(),
    };
    let lab = known("us-upper");
    match find::find(&tree, &lab.programs, find::home(&tree, lab), &lab.numbers()) {
        Ok(layout) => {
            let _ = format!("{layout:?}");
        }
        Err(error) => {
            let _ = error.to_string();
        }
    }
}

/// A stored transcript: what is read is written back as it was read.
pub fn snapshot(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match run::parse_snapshot(text, Path::new("x.snap")) {
        Ok(read) => {
            let written = read.to_string();
            let again = transcript::parse(&written).expect("what was written is read");
            assert_eq!(again, read, "{written}");
            let _ = transcript::compare(&read, &again, &transcript::Selection::Reaction);
        }
        Err(error) => {
            let _ = error.to_string();
        }
    }
}

/// Frames between helper and grader: decoded, made into a transcript, judged and reported.
pub fn recording(data: &[u8]) {
    let mut rest = data;
    let mut events: Vec<Event> = Vec::new();
    while let Ok(frame) = wire::receive(&mut rest) {
        let _ = frame.decode::<Plan>();
        let _ = frame.decode::<wire::HelperEnd>();
        let _ = frame.decode::<String>();
        if let Ok(event) = frame.decode::<Event>() {
            events.push(event);
        }
        if events.len() >= 64 {
            break;
        }
    }
    if events.is_empty() {
        return;
    }
    let lab = known("us-upper");
    let picked = usize::try_from(events[0].at).unwrap_or(0) % lab.scenarios.len();
    let scenario = &lab.scenarios[picked];
    let names = Names {
        socket: Some("/lab/socket".into()),
        nonce: Some("abcdef".to_owned()),
        ..Names::default()
    };
    let context = Context {
        lab,
        scenario,
        names: &names,
        students: &scenario.students,
    };
    let actual = transcript::build(&context, &events);
    assert_eq!(
        transcript::parse(&actual.to_string()).as_ref(),
        Ok(&actual),
        "a transcript is read as it was written"
    );
    let expected = transcript::build(&context, &[]);
    let outcome = ScenarioOutcome {
        scenario: scenario.id.clone(),
        result: ScenarioResult::Ran(Box::new(Ran {
            expected: expected.into(),
            actual,
            events,
        })),
    };
    let verdicts = verdict::judge(lab, &[outcome]);
    shown(lab, verdicts);
}

/// No report lets a terminal escape through.
fn shown(lab: &Lab, verdicts: Vec<verdict::Verdict>) {
    use report::Reporter;
    let summary = run::Summary {
        lab: lab.id.clone(),
        submission: "work".to_owned(),
        points: 0,
        of: 100,
        verdicts,
        took: std::time::Duration::ZERO,
        scenarios: 1,
        rungs: Vec::new(),
        notes: Vec::new(),
    };
    let context = || report::Context {
        lang: grader::lab::Lang::En,
        replay: report::Replay::default(),
    };
    let mut out = Vec::new();
    let mut human = report::Human::new(&mut out, context());
    let events = [
        RunEvent::Began {
            lab,
            submission: "work",
        },
        RunEvent::Finished(&summary),
    ];
    for event in &events {
        human.event(event).expect("memory can be written");
    }
    drop(human);
    let text = without_styles(&String::from_utf8(out).expect("a report is text"));
    let live = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(live), "{text:?}");
    assert!(
        text.lines()
            .all(|line| !line.trim_start().starts_with("::")),
        "{text}"
    );
}

/// The report's own colours, which are taken off where they are not wanted.
fn without_styles(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match rest.strip_prefix('m') {
            Some(rest) => out.push_str(rest),
            None => {
                out.push('\u{1b}');
                out.push_str(part);
            }
        }
    }
    out
}

/// What is handed in as an archive: nothing but files and directories comes out of it, all of them
/// below one directory, no more than the bounds allow.
pub fn archive(data: &[u8]) {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let path = temp.path().join("work.zip");
    std::fs::write(&path, data).expect("room for the archive");
    let bounds = grader::submission::ArchiveBounds::default();
    match grader::submission::unpack(&path, &bounds) {
        Ok(unpacked) => {
            let mut pending = vec![unpacked.path().to_owned()];
            let (mut total, mut entries) = (0, 0);
            while let Some(directory) = pending.pop() {
                for entry in std::fs::read_dir(directory).expect("a directory of ours") {
                    let entry = entry.expect("an entry");
                    let meta = entry.metadata().expect("it is there");
                    assert!(meta.is_file() || meta.is_dir(), "{entry:?}");
                    entries += 1;
                    total += if meta.is_file() { meta.len() } else { 0 };
                    if meta.is_dir() {
                        pending.push(entry.path());
                    }
                }
            }
            assert!(total <= bounds.total, "{total} bytes");
            assert!(entries <= bounds.entries * (bounds.depth + 1), "{entries}");
        }
        Err(error) => {
            let _ = error.to_string();
        }
    }
    assert_eq!(
        std::fs::read_dir(temp.path()).expect("it is there").count(),
        1,
        "something was written beside the archive"
    );
}
