//! What the units' builds come to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::beside::{self, Beside};
use super::super::cache::{ProgramRecord, Stored};
use super::super::find::{Layout, Unit};
use super::super::hints;
use super::super::note::Note;
use super::super::tree::Tree;
use super::report::{BuildReport, Tried};
use super::{BuildOptions, Built, BuiltProgram, Finished};
use crate::lab::{AddressMode, Lab, Lang};

pub(super) fn collect(
    lab: &Lab,
    tree: Tree,
    layout: Layout,
    results: Vec<Finished>,
    flags: Vec<Note>,
    options: &BuildOptions<'_>,
    fingerprint: String,
) -> Built {
    let lang = options.lang;
    let mut programs = BTreeMap::new();
    let mut unavailable = BTreeMap::new();
    let mut reports = BTreeMap::new();
    let mut caches = Vec::new();
    let sends_a_file = |role: &str| {
        let program = lab.programs.iter().find(|p| p.name == role);
        // Any address is right there, so nobody need take one.
        role == "client" && program.is_some_and(|p| p.address == AddressMode::Discover)
    };
    // Most units are at home in the same directory.
    let mut opened: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut said: Vec<Note> = layout.notes;
    let plain_flags = !flags.is_empty();
    said.extend(flags);
    let executable = |role: &str| {
        let program = lab.programs.iter().find(|p| p.name == role);
        program.map_or_else(|| role.to_owned(), |p| p.executable.clone())
    };
    for (unit, finished) in layout.units.iter().zip(results) {
        let Finished {
            stored,
            cached,
            cache,
        } = finished;
        caches.push(cache);
        let Stored {
            record,
            executables,
            others,
        } = stored;
        let beside = beside(&tree, unit, others, &mut said);
        let base = base_of(unit);
        let opens = opened.entry(base);
        let opens = opens.or_insert_with(|| beside::opened(&tree, base));
        let asks = beside::asks(&tree, base, opens);
        said.extend(record.notes);
        for (program, path) in record.programs.into_iter().zip(executables) {
            if let Some(path) = path {
                let run = layout.runs.get(&program.role);
                let mut run = run.map(|run| run.iter().skip(1).cloned().collect());
                let mut beside = beside.clone();
                if run.is_none()
                    && sends_a_file(&program.role)
                    && let Some(file) = beside::sent_file(&tree, base)
                {
                    run = Some(vec![file.name.clone()]);
                    beside.push(file);
                }
                programs.insert(
                    program.role.clone(),
                    BuiltProgram {
                        executable: path,
                        run,
                        env: layout.env.get(&program.role).cloned().unwrap_or_default(),
                        address: layout.addresses.get(&program.role).cloned(),
                        beside,
                        opens: opens.clone(),
                        asks,
                    },
                );
            }
            let name = executable(&program.role);
            let report = report(name, program, cached, lang);
            if let Some(why) = &report.unavailable {
                unavailable.insert(report.program.clone(), why.clone());
            }
            reports.insert(report.program.clone(), report);
        }
    }
    for (role, names) in layout.missing {
        let missing = ProgramRecord {
            role: role.clone(),
            failure: Some(format!("no source found: looked for {names}")),
            ..ProgramRecord::default()
        };
        reports.insert(
            role.clone(),
            report(executable(&role), missing, false, lang),
        );
    }
    let notes = tree.notes.into_iter();
    let mut notes: Vec<String> = notes.map(|note| note.told(lang)).collect();
    for note in said {
        let text = note.text(lang);
        if !notes.contains(&text) {
            notes.push(text);
        }
    }
    let reports = lab
        .programs
        .iter()
        .filter_map(|program| reports.remove(&program.name))
        .collect();
    Built {
        programs,
        unavailable,
        reports,
        notes,
        plain_flags,
        fingerprint,
        _caches: caches,
    }
}

/// The directory in which the programs of a unit are at home.
fn base_of(unit: &Unit) -> &str {
    let file = match unit {
        Unit::Sources(sources) => sources.files.first().map_or("", String::as_str),
        Unit::Make(make) => make.file.as_str(),
        Unit::Cargo(_) => "",
    };
    file.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// What lies beside the programs of a unit: what the build made before what was handed in.
fn beside(
    tree: &Tree,
    unit: &Unit,
    others: Vec<(String, PathBuf)>,
    said: &mut Vec<Note>,
) -> Vec<Beside> {
    let base = base_of(unit);
    let (mut files, mut passed_over) = beside::handed_in(tree, base);
    // `src/lab26.c` may be started from the directory above.
    if let Some((above, _)) = base
        .rsplit_once('/')
        .or((!base.is_empty()).then_some(("", base)))
    {
        let (more, left_out) = beside::handed_in(tree, above);
        files.extend(more);
        passed_over = passed_over.max(left_out);
    }
    if passed_over > 0 {
        said.push(Note::NotBeside(passed_over));
    }
    let made = others.into_iter().map(|(name, path)| Beside {
        name,
        what: beside::What::Program(path),
    });
    made.chain(files).collect()
}

fn report(executable: String, program: ProgramRecord, cached: bool, lang: Lang) -> BuildReport {
    let said = program.tried.iter().map(|attempt| attempt.output.as_str());
    let hint = hints::advice(said.chain(program.failure.as_deref()), lang);
    let tried = program
        .tried
        .iter()
        .map(|attempt| Tried {
            rung: attempt.rung,
            how: attempt.rung.words(&attempt.from, lang),
            why: attempt.why.text(lang),
        })
        .collect();
    let unavailable = program
        .unavailable
        .map(|tool| unavailable(&program.from, &tool, lang));
    BuildReport {
        executable,
        program: program.role,
        from: program.from,
        rung: program.rung,
        tried,
        cached,
        warnings: program.warnings,
        failure: program.failure,
        hint: if unavailable.is_some() { None } else { hint },
        unavailable,
    }
}

/// `server.go: there is no `go` on this machine`.
fn unavailable(from: &str, tool: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{from} needs `{tool}`, which is not here"),
        Lang::Ru => format!("для {from} нужен `{tool}`, а его здесь нет"),
    }
}
