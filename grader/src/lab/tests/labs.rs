//! The labs that come with the program.

use std::path::Path;

use super::{REFERENCES, built_in, lint};
use crate::lab::catalog::{self, LabError};
use crate::lab::{DisturbOn, Effect, Inspection, Nth, Stimulus, StreamMode};

#[test]
fn every_lab_is_good_and_without_warnings() {
    let ids: Vec<&str> = catalog::embedded().iter().map(|lab| lab.id).collect();
    assert!(ids.is_sorted());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs");
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.join("lab.toml").is_file() {
            let id = path.file_name().unwrap().to_str().unwrap();
            assert!(ids.contains(&id), "{id}");
        }
    }
    for lab in catalog::embedded() {
        let found = lint(lab.id, lab.toml, REFERENCES);
        assert!(found.is_empty(), "{}", found.render(false));
        let source = lab.load(REFERENCES).unwrap();
        assert_eq!(source.lab.id, lab.id);
        assert_eq!(
            source
                .lab
                .requirements
                .iter()
                .map(|r| r.points)
                .sum::<u32>(),
            100
        );
    }
}

#[test]
fn a_lab_reads_as_its_author_meant_it() {
    let lab = catalog::load(Path::new("us-upper"), REFERENCES)
        .unwrap()
        .lab;
    let server = &lab.programs[0];
    assert_eq!(
        (server.name.as_str(), server.executable.as_str()),
        ("server", "us-server")
    );
    assert_eq!(server.stdout, StreamMode::Free);
    let rude = lab
        .scenarios
        .iter()
        .find(|s| s.id == "rude-clients")
        .unwrap();
    assert_eq!(rude.students, ["server"]);
    assert_eq!(rude.peers.get("carol"), Some(&StreamMode::Some));
    let disturbance = rude
        .steps
        .iter()
        .flat_map(|s| &s.stimuli)
        .find_map(|s| match s {
            Stimulus::Disturb { disturbance, .. } => Some(disturbance),
            _ => None,
        });
    let disturbance = disturbance.unwrap();
    assert_eq!(disturbance.effect, Effect::Fail("EIO".to_owned()));
    assert_eq!(
        (disturbance.on, disturbance.nth),
        (DisturbOn::Socket, Nth::Every)
    );
    let next = lab
        .scenarios
        .iter()
        .find(|s| s.id == "one-then-the-next")
        .unwrap();
    let looks = next.steps.iter().flat_map(|s| &s.stimuli);
    assert_eq!(
        looks
            .filter(|s| matches!(
                s,
                Stimulus::Inspect {
                    what: Inspection::Descriptors,
                    ..
                }
            ))
            .count(),
        2
    );
}

#[test]
fn the_arguments_of_two_labs_are_only_offered() {
    let offered: Vec<&str> = catalog::embedded()
        .iter()
        .filter(|lab| {
            let lab = lab.load(REFERENCES).unwrap().lab;
            lab.programs.iter().any(|program| program.args_offered)
        })
        .map(|lab| lab.id)
        .collect();
    assert_eq!(offered, ["course-25", "course-26"]);
}

#[test]
fn unknown_labs_get_a_suggestion() {
    let error = catalog::load(Path::new("us-uper"), REFERENCES).unwrap_err();
    let ids: Vec<String> = catalog::embedded()
        .iter()
        .map(|lab| format!("`{}`", lab.id))
        .collect();
    let (last, others) = ids.split_last().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "there is no lab `us-uper`: did you mean `us-upper`?; built in are {} and {last}; a directory with a \
             lab.toml works as well",
            others.join(", ")
        )
    );
}

#[test]
fn a_lab_on_disk_is_loaded_with_what_belongs_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let lab = dir.path().join("mine");
    std::fs::create_dir_all(lab.join("snapshots")).unwrap();
    std::fs::write(lab.join("lab.toml"), built_in("pipe-upper")).unwrap();
    std::fs::write(lab.join("handout.ru.md"), "# Задание\n").unwrap();
    std::fs::write(lab.join("snapshots/text.snap"), "---\n---\nx\n").unwrap();
    std::fs::write(lab.join("snapshots/text.snap.new"), "no").unwrap();
    for path in [lab.clone(), lab.join("lab.toml")] {
        let source = catalog::load(&path, REFERENCES).unwrap();
        assert_eq!(source.lab.id, "pipe-upper");
        assert_eq!(source.dir.as_deref(), Some(lab.as_path()));
        assert_eq!(source.snapshots_dir(), Some(lab.join("snapshots")));
        assert_eq!(source.snapshots.keys().collect::<Vec<_>>(), ["text"]);
        assert_eq!(source.handout(crate::lab::Lang::En), Some("# Задание\n"));
    }
}

#[test]
fn hostile_lab_directories_get_one_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let message = |path: &Path| catalog::load(path, REFERENCES).unwrap_err().to_string();
    let root = dir.path().display();
    assert_eq!(message(dir.path()), format!("{root} has no lab.toml"));
    std::fs::write(dir.path().join("lab.toml"), b"[lab]\nid = \"\xff\"\n").unwrap();
    assert_eq!(
        message(dir.path()),
        format!("{root}/lab.toml: not UTF-8 in line 2")
    );
    std::fs::write(dir.path().join("lab.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(
        message(dir.path()),
        format!("{root}/lab.toml: longer than 1024 KiB")
    );
    std::fs::write(dir.path().join("lab.toml"), "[lab]\nid = 3\n").unwrap();
    assert!(
        matches!(catalog::load(dir.path(), REFERENCES), Err(LabError::Invalid(d)) if d.errors() > 1)
    );
    std::fs::write(dir.path().join("lab.toml"), built_in("pipe-upper")).unwrap();
    std::fs::create_dir_all(dir.path().join("snapshots/text.snap")).unwrap();
    assert_eq!(
        message(dir.path()),
        format!("{root}/snapshots/text.snap: not a regular file")
    );
}

#[test]
fn handouts_name_every_requirement_with_its_points() {
    for lab in catalog::embedded() {
        assert_eq!(
            lab.handouts
                .iter()
                .map(|(lang, _)| *lang)
                .collect::<Vec<_>>(),
            ["en", "ru"],
            "{}",
            lab.id
        );
        let requirements = lab.load(REFERENCES).unwrap().lab.requirements;
        for (lang, text) in lab.handouts {
            let rows = text.lines().filter(|line| line.starts_with("| `")).count();
            assert_eq!(rows, requirements.len(), "{} {lang}", lab.id);
            for requirement in &requirements {
                let row = format!("| `{}` | {} | ", requirement.id, requirement.points);
                assert!(text.contains(&row), "{} {lang}: {row}", lab.id);
            }
        }
    }
}
