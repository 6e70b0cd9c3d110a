//! Several states of one work beside each other: `v1` and `v2`, `lab30` and `lab30_old`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::tree::Tree;
use super::super::words;
use super::names::stem;
use super::patterns;
use super::sources::language_in;

/// What says that a directory is an earlier state of another one: `lab30_old`, `lab30.bak`.
const EARLIER: [&str; 11] = [
    "old",
    "bak",
    "backup",
    "copy",
    "draft",
    "prev",
    "previous",
    "копия",
    "старый",
    "старая",
    "старое",
];

/// What stands before the number of a version.
const VERSION: [&str; 9] = [
    "v",
    "ver",
    "version",
    "rev",
    "attempt",
    "try",
    "версия",
    "вариант",
    "попытка",
];

/// The newest of several directories by what their names say, each with its name: the only one that
/// is not called an earlier state, or the highest of versions of the same thing.
pub(super) fn newest_of<'t>(all: &BTreeSet<(&'t str, &'t str)>) -> Option<&'t str> {
    if let [(only, _)] = Vec::from_iter(all)[..] {
        return Some(only);
    }
    let current: Vec<_> = all.iter().filter(|(_, name)| !is_earlier(name)).collect();
    if let [(only, _)] = current[..] {
        return Some(only);
    }
    let numbered = current.iter().map(|(path, name)| {
        let (what, number) = version(name);
        (what, number, *path)
    });
    let numbered: Vec<_> = numbered.collect();
    let (what, ..) = numbered.first()?;
    let parent = |path: &'t str| path.rsplit_once('/').map(|(parent, _)| parent);
    let numbers: BTreeSet<u32> = numbered.iter().map(|(_, number, _)| *number).collect();
    let alike = numbered.iter().all(|(other, ..)| other == what)
        && numbered
            .windows(2)
            .all(|two| parent(two[0].2) == parent(two[1].2))
        && numbers.len() == numbered.len();
    let newest = numbered.iter().max_by_key(|(_, number, _)| *number);
    newest.filter(|_| alike).map(|(_, _, path)| *path)
}

/// The newest of the directories just below `home` that hold programs, where all programs are in
/// such: `src` beside `old`, `v2` beside `v1`.
pub(super) fn newest<'t>(tree: &'t Tree, home: Option<&str>) -> Option<&'t str> {
    let start = home.map_or(0, |home| home.len() + 1);
    let mut mains: BTreeMap<(&'t str, &'t str), usize> = BTreeMap::new();
    for file in patterns::mains(tree, home) {
        let (name, _) = file.path.get(start..)?.split_once('/')?;
        let path = &file.path[..start + name.len()];
        *mains.entry((path, name)).or_default() += 1;
    }
    if mains.len() < 2 {
        return None;
    }
    let newest = newest_of(&mains.keys().copied().collect())?;
    let (name, count) = mains
        .iter()
        .find_map(|((path, name), count)| (*path == newest).then_some((*name, *count)))?;
    // `client` beside `server_old` is one of two programs, and no newer state.
    let of_a_role = ["server", "client"]
        .iter()
        .any(|role| words::rank(role, name).is_some());
    (!of_a_role && mains.values().all(|other| *other <= count)).then_some(newest)
}

/// Programs whose names say that they are earlier states, beside one that does the same: `old_server.c` and
/// another source that listens. Of a `lone` program any other one does.
pub(super) fn earlier(
    tree: &Tree,
    home: Option<&str>,
    claimed: &BTreeSet<String>,
    lone: bool,
) -> Vec<String> {
    let programs = programs(tree, home, claimed);
    let (earlier, current): (Vec<_>, Vec<_>) =
        programs.partition(|(path, _)| is_earlier(stem(path)));
    let replaced = |does: &(bool, bool)| {
        let mut current = current.iter();
        current.any(|(_, other)| lone || does != &(false, false) && does == other)
    };
    let replaced = earlier.into_iter().filter(|(_, does)| replaced(does));
    replaced.map(|(path, _)| (*path).to_owned()).collect()
}

/// Programs that listen, or connect, as one of the `taken` does, each with that one.
pub(super) fn others(
    tree: &Tree,
    home: Option<&str>,
    claimed: &BTreeSet<String>,
    taken: &BTreeSet<&str>,
) -> Vec<(String, String)> {
    let (taken, others): (Vec<_>, Vec<_>) =
        programs(tree, home, claimed).partition(|(path, _)| taken.contains(path));
    let same = |does: (bool, bool)| {
        let same = taken.iter().find(|(_, other)| *other == does);
        same.filter(|_| does != (false, false))
    };
    let others = others.into_iter();
    others
        .filter_map(|(path, does)| Some((path.to_owned(), same(does)?.0.to_owned())))
        .collect()
}

/// The programs that nobody has yet, and whether each listens and connects.
fn programs<'t>(
    tree: &'t Tree,
    home: Option<&str>,
    claimed: &BTreeSet<String>,
) -> impl Iterator<Item = (&'t str, (bool, bool))> {
    let open = patterns::mains(tree, home).filter(|file| !claimed.contains(&file.path));
    open.filter_map(|file| {
        let (bytes, language) = (file.bytes()?, language_in(file)?);
        let does = (language.listens(bytes), language.connects(bytes));
        Some((file.path.as_str(), does))
    })
}

fn is_earlier(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut words = name.split(|c: char| !c.is_alphabetic());
    words.any(|word| EARLIER.contains(&word))
}

/// What a name is a version of, and which: `lab30_v2` is the second of `lab30`, `lab30` the first.
fn version(name: &str) -> (String, u32) {
    let name = name.to_lowercase();
    let rest = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name[rest.len()..].parse().ok();
    let rest = rest.trim_end_matches(|c: char| !c.is_alphabetic());
    let what = rest.trim_end_matches(char::is_alphabetic);
    match number {
        Some(number) if VERSION.contains(&&rest[what.len()..]) => {
            let what = what.trim_end_matches(|c: char| !c.is_alphanumeric());
            (what.to_owned(), number)
        }
        _ => (name, 1),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::tests::{MAIN, tree};

    #[test]
    fn an_earlier_program_gives_way_to_one_that_does_the_same() {
        const SERVER: &str = "int main(void) { listen(3, 1); }";
        const CLIENT: &str = "int main(void) { connect(3, 0, 0); }";
        let earlier = |files: &[(&str, &str)], lone| {
            super::earlier(&tree(files), None, &BTreeSet::new(), lone)
        };
        let beside = [
            ("main.c", SERVER),
            ("old_server.c", SERVER),
            ("client.c", CLIENT),
        ];
        assert_eq!(earlier(&beside, false), ["old_server.c"]);
        // Nobody else is a server.
        assert!(earlier(&beside[1..], false).is_empty());
        assert_eq!(
            earlier(&[("a.c", MAIN), ("a (copy).c", MAIN)], true),
            ["a (copy).c"]
        );
        assert!(earlier(&[("a.c", MAIN), ("threshold.c", MAIN)], true).is_empty());
        assert!(earlier(&[("a_old.c", MAIN)], true).is_empty());
    }

    #[test]
    fn the_newest_state_is_told_by_the_names() {
        let newest = |names: &[&str]| {
            let files: Vec<String> = names.iter().map(|name| format!("{name}/x.c")).collect();
            let files: Vec<(&str, &str)> = files.iter().map(|f| (f.as_str(), MAIN)).collect();
            super::newest(&tree(&files), None).map(str::to_owned)
        };
        for (names, wanted) in [
            (&["v1", "v2"][..], Some("v2")),
            (&["v9", "v10", "v2"], Some("v10")),
            (&["version 1", "version 2"], Some("version 2")),
            (&["work", "work_v2", "work v3"], Some("work v3")),
            (&["attempt-1", "attempt-2"], Some("attempt-2")),
            (&["src", "old"], Some("src")),
            (&["v1", "v2", "v3 (copy)"], Some("v2")),
            (&["v1", "w2"], None),
            (&["v1", "ver01"], None),
            (&["v2"], None),
            (&["server", "client"], None),
            (&["server_old", "client"], None),
            (&["lab25", "lab30"], None),
        ] {
            assert_eq!(newest(names).as_deref(), wanted, "{names:?}");
        }
        let beside = tree(&[
            ("server.c", MAIN),
            ("v1/server.c", MAIN),
            ("v2/server.c", MAIN),
        ]);
        assert_eq!(super::newest(&beside, None), None);
        let below = tree(&[
            ("lab30/v1/s.c", MAIN),
            ("lab30/v2/s.c", MAIN),
            ("x/y.c", MAIN),
        ]);
        assert_eq!(super::newest(&below, Some("lab30")), Some("lab30/v2"));
        let fewer = tree(&[("v1/a.c", MAIN), ("v1/b.c", MAIN), ("v2/a.c", MAIN)]);
        assert_eq!(super::newest(&fewer, None), None);
    }
}
