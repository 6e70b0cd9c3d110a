//! Grades an attack and compares what happened with what must happen.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::attack::{self, Attack, Code, Kind, Rung};
use crate::outside::{Outside, TOKEN};

/// The reports that are asked for, each into a file.
const FORMATS: [&str; 5] = ["human", "json", "junit", "github", "jsonl"];

/// Everything that a check has said.
struct Said {
    output: Output,
    reports: Vec<(&'static str, String)>,
}

impl Said {
    fn report(&self, format: &str) -> &str {
        let found = self.reports.iter().find(|(name, _)| *name == format);
        found.map_or("", |(_, text)| text)
    }

    fn everything(&self) -> String {
        let mut all = String::from_utf8_lossy(&self.output.stdout).into_owned();
        all.push_str(&String::from_utf8_lossy(&self.output.stderr));
        for (_, text) in &self.reports {
            all.push_str(text);
        }
        all
    }

    fn json(&self) -> Value {
        serde_json::from_str(self.report("json")).unwrap_or(Value::Null)
    }
}

pub(crate) fn grade(attack: &Attack, outside: &Outside) -> Result<(), String> {
    let home = tempfile::Builder::new()
        .prefix("grader-attack-")
        .tempdir()
        .unwrap();
    let work = home.path().join("work");
    fs::create_dir(&work).unwrap();
    prepare(attack, outside, &work);
    let said = check(attack, home.path(), &work);
    let mut wrong = Vec::new();
    let mut must = |so: bool, what: String| {
        if !so {
            wrong.push(what);
        }
    };
    judged(attack, &said, &mut must);
    clean(attack, &said, &mut must);
    unlock(home.path());
    if wrong.is_empty() {
        return Ok(());
    }
    let human = said.report("human");
    let (out, err) = (&said.output.stdout, &said.output.stderr);
    Err(format!(
        "{}\n\nstatus {}\n{human}{}{}",
        wrong.join("\n"),
        said.output.status,
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    ))
}

/// Puts the submission together, with the places of this run written into it.
fn prepare(attack: &Attack, outside: &Outside, work: &Path) {
    let places = outside.places();
    let fill = |text: &str| {
        let mut text = text.to_owned();
        for (name, value) in &places {
            text = text.replace(&format!("@{name}@"), value);
        }
        text
    };
    match &attack.kind {
        Kind::Program(path) => {
            let source = fs::read_to_string(path).unwrap();
            fs::write(work.join("attacker.c"), source).unwrap();
            let header = fs::read(path.with_file_name("attack.h")).unwrap();
            fs::write(work.join("attack.h"), header).unwrap();
            let mut text = String::from("#include <stddef.h>\n");
            for (name, value) in &places {
                match value.parse::<u16>() {
                    Ok(number) => text.push_str(&format!("#define {name} {number}\n")),
                    Err(_) => text.push_str(&format!("#define {name} \"{value}\"\n")),
                }
            }
            fs::write(work.join("where.h"), text).unwrap();
        }
        Kind::Build(path) => {
            for entry in fs::read_dir(path).unwrap() {
                let entry = entry.unwrap();
                if entry.file_name() != "attack.toml" {
                    let text = fs::read_to_string(entry.path()).unwrap();
                    fs::write(work.join(entry.file_name()), fill(&text)).unwrap();
                }
            }
        }
        Kind::Submission(path) => {
            let done = Command::new("sh")
                .arg(path.join("make.sh"))
                .current_dir(work)
                .envs(places)
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert!(done.success(), "{}", path.display());
        }
    }
}

fn check(attack: &Attack, home: &Path, work: &Path) -> Said {
    let mut command = end_to_end::grader(home);
    command
        .arg("check")
        .arg(attack::home().join("lab"))
        .arg(work);
    command.args(["--workers", "1"]);
    command.args(match attack.rung {
        Rung::Full => ["--isolation", "required"],
        Rung::Reduced => ["--isolation", "reduced"],
    });
    let file = |format: &str| home.join(format!("report.{format}"));
    for format in FORMATS {
        command.arg("--format");
        command.arg(format!("{format}={}", file(format).display()));
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let read = |format| fs::read(file(format)).unwrap_or_default();
    let reports =
        FORMATS.map(|format| (format, String::from_utf8_lossy(&read(format)).into_owned()));
    Said {
        output,
        reports: reports.into(),
    }
}

/// The status, the verdicts, and what is named.
fn judged(attack: &Attack, said: &Said, must: &mut impl FnMut(bool, String)) {
    let expected = &attack.expected;
    let status = said.output.status;
    must(
        status.signal().is_none(),
        format!("the grader was killed: {status}"),
    );
    let code = status.code().unwrap_or(-1);
    match &expected.code {
        Some(Code::Number(number)) => must(code == *number, format!("status {code}, not {number}")),
        _ => must([0, 1, 2].contains(&code), format!("status {code}")),
    }
    if matches!(expected.code, Some(Code::Number(2))) {
        must(
            !said.output.stderr.is_empty(),
            "it does not say what is wrong".to_owned(),
        );
        return;
    }
    let report = said.json();
    for (id, outcome) in [("text", &expected.text), ("end", &expected.end)] {
        let requirements = report["requirements"].as_array().into_iter().flatten();
        let mut found = requirements.filter(|r| r["id"] == id);
        let came = found
            .next()
            .map_or("none", |r| r["outcome"].as_str().unwrap_or("none"));
        must(
            outcome == "any" || came == outcome,
            format!("{id}: {came}, not {outcome}"),
        );
    }
    let human = said.report("human");
    let flat: String = human.split_whitespace().collect::<Vec<_>>().join(" ");
    for name in expected.named.iter().chain(&expected.says) {
        must(
            flat.contains(name),
            format!("the report does not say {name:?}"),
        );
    }
    if let Kind::Program(_) = attack.kind {
        let rung = match attack.rung {
            Rung::Full => "isolation full",
            Rung::Reduced => "isolation reduced",
        };
        must(
            flat.contains(rung),
            format!("it was not graded with {rung}"),
        );
        if expected.tried {
            must(
                errors(said.report("jsonl")).contains("tried\n"),
                "the attack was not made".to_owned(),
            );
        }
    }
}

/// What the programs wrote on standard error, from the recording.
fn errors(recording: &str) -> String {
    let mut all = String::new();
    for line in recording.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or(Value::Null);
        let output = &event["what"]["Output"];
        if output["stream"] == "Err" {
            let text = output["bytes"].as_str().unwrap_or_default();
            all.push_str(&text.replace("\\n", "\n"));
        }
    }
    all
}

/// Nothing of an attack's success, and nothing that takes effect where a report is shown.
fn clean(attack: &Attack, said: &Said, must: &mut impl FnMut(bool, String)) {
    let everything = said.everything();
    for line in everything.lines().filter(|line| line.contains("ESCAPED:")) {
        // A Makefile is quoted where it fails; what it would print is in it.
        let quoted = line.contains("echo") || line.contains("dprintf");
        let allowed = attack.rung == Rung::Reduced
            && attack
                .expected
                .reduced_allows
                .iter()
                .any(|way| line.contains(way));
        must(quoted || allowed, format!("the attack succeeded: {line}"));
    }
    must(!everything.contains(TOKEN), format!("{TOKEN} was read"));
    must(
        !everything.contains("root:$"),
        "/etc/shadow was read".to_owned(),
    );
    must(
        !everything.contains('\u{1b}'),
        "a terminal escape got through".to_owned(),
    );
    let live = [
        "::set-output name=points",
        "::add-mask::100",
        "::error file=x",
        "::error::FAKE",
        "##[error]",
    ];
    for text in [&String::from_utf8_lossy(&said.output.stdout).into_owned()]
        .into_iter()
        // On a runner what goes to standard output is fenced in; the report for people is a file here.
        .chain(
            said.reports
                .iter()
                .filter(|(name, _)| *name != "human")
                .map(|(_, text)| text),
        )
    {
        for line in text.lines() {
            let line = line.trim_start();
            must(
                !live.iter().any(|start| line.starts_with(start)),
                format!("a workflow command got through: {line}"),
            );
        }
    }
}

/// Lets the temporary directory be removed, whatever the submission is made of.
fn unlock(home: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o700));
        }
    }
}
