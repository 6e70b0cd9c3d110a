//! Puts what belongs beside a submission's programs into the workspace of a scenario.

use std::collections::BTreeSet;

use supervisor::plan as sv;

use crate::submission::{Beside, What};

/// Adds `beside` to `files`, the first of one name and none whose first part is `spoken_for`: the
/// scenario's own files come first.
pub(super) fn place(
    beside: &[&Beside],
    spoken_for: &BTreeSet<String>,
    files: &mut Vec<sv::PlacedFile>,
) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut directories: BTreeSet<String> = BTreeSet::new();
    for one in beside {
        let name = one.name.as_str();
        let first = name.split('/').next().unwrap_or(name);
        let above: Vec<&str> = name.match_indices('/').map(|(at, _)| &name[..at]).collect();
        if spoken_for.contains(first)
            || taken.contains(name)
            || directories.contains(name)
            || above.iter().any(|directory| taken.contains(*directory))
            || !is_plain(name)
        {
            continue;
        }
        directories.extend(above.into_iter().map(str::to_owned));
        taken.insert(name.to_owned());
        let (source, executable) = match &one.what {
            What::Program(path) => (sv::FileSource::Host(path.clone()), true),
            What::File(bytes, executable) => {
                let bytes = supervisor::Bytes::from(&bytes[..]);
                (sv::FileSource::Bytes(bytes), *executable)
            }
        };
        files.push(sv::PlacedFile {
            name: name.into(),
            source,
            mode: if executable { 0o755 } else { 0o644 },
        });
    }
}

/// Every part of the path is a name that a file can have: who makes names longer than that, or
/// paths that leave the workspace, does without them.
fn is_plain(name: &str) -> bool {
    name.len() < 1024
        && name.split('/').all(|part| {
            !matches!(part, "" | "." | "..") && part.len() <= 255 && !part.contains('\0')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(name: &str) -> Beside {
        Beside {
            name: name.to_owned(),
            what: What::File(name.as_bytes().into(), false),
        }
    }

    fn placed(names: &[&str], spoken_for: &[&str]) -> Vec<String> {
        let all: Vec<Beside> = names.iter().map(|name| text(name)).collect();
        let all: Vec<&Beside> = all.iter().collect();
        let spoken_for = spoken_for.iter().map(|name| (*name).to_owned()).collect();
        let mut files = Vec::new();
        place(&all, &spoken_for, &mut files);
        files.iter().map(|file| file.name.escaped()).collect()
    }

    #[test]
    fn the_scenarios_own_names_are_left_alone() {
        let names = ["socket", "notes", "notes/1", "text.txt", "sub/socket"];
        assert_eq!(
            placed(&names, &["socket", "notes"]),
            ["text.txt", "sub/socket"]
        );
    }

    #[test]
    fn a_name_is_either_a_file_or_a_directory() {
        assert_eq!(placed(&["a", "a/b", "a"], &[]), ["a"]);
        assert_eq!(placed(&["a/b", "a", "a/c"], &[]), ["a/b", "a/c"]);
        let long = "x".repeat(256);
        assert_eq!(placed(&[&long, "../x", "/x", "a//b", "b\0"], &[]), [""; 0]);
    }

    proptest! {
        /// Whatever the names are, a plan of them can be carried out: no file lies in a file.
        #[test]
        fn any_names_can_be_placed(names in proptest::collection::vec("[ab./]{0,6}", 0..12)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let out = placed(&names, &[]);
            for one in &out {
                let inside = format!("{one}/");
                prop_assert!(!out.iter().any(|other| other.starts_with(&inside)));
                prop_assert_eq!(out.iter().filter(|other| *other == one).count(), 1);
            }
        }
    }
}
