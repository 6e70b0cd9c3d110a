//! A class in which all but two hand in a hostile archive: what each of them must come to, and what
//! it must not cost the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;

use crate::attack;
use crate::pack::{self, Entry, Format};

/// What is in an archive, and what must become of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[expect(dead_code, reason = "for whoever reads the file")]
    title: String,
    format: Format,
    /// `graded`, with full marks for the honest source that is in it as well; or `ungradable`.
    status: String,
    /// What its report or its note says.
    #[serde(default)]
    says: Vec<String>,
    /// An honest source comes first.
    #[serde(default = "yes")]
    honest: bool,
    /// Bytes that are missing at its end.
    #[serde(default)]
    cut: usize,
    #[serde(default, rename = "entry")]
    entries: Vec<Entry>,
}

fn yes() -> bool {
    true
}

/// A hostile archive.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    short: String,
    expected: Expected,
}

impl Archive {
    pub(crate) fn name(&self) -> String {
        format!("archive {}", self.short)
    }
}

/// All archives, by name.
pub(crate) fn all() -> Vec<Archive> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let expected =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Archive {
            short: path.file_stem().unwrap().to_string_lossy().into_owned(),
            expected,
        }
    };
    let all: Vec<_> = attack::entries(&attack::home().join("archives"))
        .into_iter()
        .map(read)
        .collect();
    assert!(all.len() >= 20, "only {} archives", all.len());
    all
}

/// Those who hand in honest work, first and last.
const HONEST: [&str; 2] = ["aaa", "zzz"];

/// Grades the class and compares.
pub(crate) fn grade(archives: &[&Archive]) -> Vec<(String, Result<(), String>)> {
    let began = Instant::now();
    let home = tempfile::Builder::new()
        .prefix("grader-attack-")
        .tempdir()
        .unwrap();
    let good = end_to_end::root().join("fixtures/pipe-upper/good-raw");
    let good = attack::entries(&good)
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "c"))
        .unwrap();
    let good = fs::read_to_string(good).unwrap();
    for student in HONEST {
        let bytes = pack::pack(Format::TarGz, &[Entry::file("attacker.c", &good)], &good);
        hand_in(home.path(), student, Format::TarGz, &bytes);
    }
    for archive in archives {
        let wanted = &archive.expected;
        let mut entries = wanted.entries.clone();
        if wanted.honest {
            entries.insert(0, Entry::file("attacker.c", &good));
        }
        let mut bytes = pack::pack(wanted.format, &entries, &good);
        bytes.truncate(bytes.len() - wanted.cut);
        hand_in(home.path(), &archive.short, wanted.format, &bytes);
    }
    let outside = listing(home.path());
    let said = batch(home.path());
    let grades = exported(home.path());
    let mut results: Vec<_> = archives
        .iter()
        .map(|archive| (archive.name(), judged(archive, &grades)))
        .collect();
    let mut others = Ok(());
    for student in HONEST {
        let row = row(&grades, student);
        if row["status"] != "graded" || row["score"] != 100.0 {
            others = Err(format!("{student}: {row:#}"));
        }
    }
    let code = said.status.code();
    let (out, err) = (&said.stdout, &said.stderr);
    let told = [out, err].map(|text| String::from_utf8_lossy(text).into_owned());
    if !matches!(code, Some(0 | 1)) {
        others = Err(format!("status {code:?}: {}", told.join("\n")));
    }
    if told.iter().any(|text| text.contains('\u{1b}')) {
        others = Err(format!("a terminal escape got through: {told:?}"));
    }
    let left = attack::entries(&home.path().join("tmp"));
    if !left.is_empty() {
        others = Err(format!("left behind: {left:?}"));
    }
    let mut now = listing(home.path());
    now.retain(|path| !outside.contains(path));
    if !now.is_empty() {
        others = Err(format!("written beside the archives: {now:?}"));
    }
    results.push(("archives cost nobody else anything".to_owned(), others));
    let seconds = began.elapsed().as_secs_f32();
    for (name, result) in &results {
        let word = if result.is_ok() { "ok" } else { "FAILED" };
        println!("test {name} ... {word}");
    }
    println!("a class of archives: {seconds:.1} s");
    results
}

fn hand_in(home: &Path, student: &str, format: Format, bytes: &[u8]) {
    let dir = home.join("class/g").join(student);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join(format!("lab30.{}", format.ending())), bytes).unwrap();
}

/// Everything below the class, and the home itself.
fn listing(home: &Path) -> Vec<PathBuf> {
    fs::create_dir_all(home.join("tmp")).unwrap();
    let students = attack::entries(&home.join("class/g"));
    let mut all = attack::entries(&home.join("class"));
    all.extend(students.iter().flat_map(|dir| attack::entries(dir)));
    all.extend(students);
    all
}

fn batch(home: &Path) -> Output {
    let lab = attack::home().join("lab");
    end_to_end::grader(home)
        .arg("batch")
        .arg(format!("{}=30", lab.display()))
        .args(["class", "--lang", "en"])
        .env("TMPDIR", home.join("tmp"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn exported(home: &Path) -> Value {
    let output = end_to_end::grader(home)
        .args(["results", "export", "json", "attacks"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

fn row<'a>(grades: &'a Value, student: &str) -> &'a Value {
    let mut rows = grades["students"].as_array().into_iter().flatten();
    rows.find(|row| row["student"] == student)
        .unwrap_or(&Value::Null)
}

fn judged(archive: &Archive, grades: &Value) -> Result<(), String> {
    let expected = &archive.expected;
    let row = row(grades, &archive.short);
    let mut wrong = Vec::new();
    if row["status"] != expected.status.as_str() {
        wrong.push(format!("{}, not {}", row["status"], expected.status));
    }
    if expected.status == "graded" && row["score"] != 100.0 {
        wrong.push(format!("{} points", row["score"]));
    }
    let result = &row["result"];
    let text = result["text"].as_str().unwrap_or_default();
    let message = result["message"].as_str().unwrap_or_default();
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for says in &expected.says {
        if !flat.contains(says) && !message.contains(says) {
            wrong.push(format!("it does not say {says:?}"));
        }
    }
    let lines = message.lines().count();
    if expected.status == "ungradable" && !(1..4).contains(&lines) {
        wrong.push(format!("not one clear message: {message:?}"));
    }
    let live = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    for text in [text, message, row["feedback"].as_str().unwrap_or_default()] {
        if text.contains(live) {
            wrong.push(format!("an escape got through: {text:?}"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n{text}\n{message}", wrong.join("\n")))
}
