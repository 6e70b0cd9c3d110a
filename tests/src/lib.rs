//! Support for the end-to-end tests: the built executable, and submissions to give to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Once, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The root of the workspace.
#[must_use]
pub fn root() -> &'static Path {
    // `tests/` is a member of the workspace, right below its root.
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The executable, which cargo has built before the tests of its package.
///
/// # Panics
/// When it is not where cargo puts it, beside the directory of the tests: there is nothing to test then.
#[must_use]
pub fn executable() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let test = std::env::current_exe();
        let test = test.unwrap_or_else(|error| panic!("this test has no path: {error}"));
        let built = test.ancestors().nth(2).map(|dir| dir.join("grader"));
        let built = built.filter(|path| path.is_file());
        built.unwrap_or_else(|| panic!("no grader beside {}", test.display()))
    })
}

/// Who is started ignores what its parent ignores (a shell's `&`, nohup), and could not be told to end.
/// What is handled here, by doing nothing, it takes as it always is; execve(2).
fn take_back_signals() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            if ignored.is_none_or(|mask| mask >> (signal - 1) & 1 == 1) {
                signal_hook::flag::register(signal, Arc::default())
                    .unwrap_or_else(|error| panic!("signal {signal} cannot be handled: {error}"));
            }
        }
    });
}

/// The executable with a clean environment: no locale, no colour, no GitHub runner, no signal
/// ignored, and a cache of its own in `home`.
#[must_use]
pub fn grader(home: &Path) -> Command {
    take_back_signals();
    let mut command = Command::new(executable());
    command.env_clear();
    for name in ["PATH", "RUSTUP_HOME", "CARGO_HOME", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home.join("cache"))
        .current_dir(home);
    command
}

/// Whether this machine has a tool: only a C compiler and git are asked for.
#[must_use]
pub fn on_path(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(tool).is_file())
}

/// Whether a directory has a source in C++ and this machine no compiler for it.
///
/// # Panics
/// If the directory cannot be read.
#[must_use]
pub fn lacks_cxx(directory: &Path) -> bool {
    let is_cxx = |path: &Path| {
        path.extension()
            .is_some_and(|end| ["cpp", "cc", "cxx"].iter().any(|cxx| end == *cxx))
    };
    let mut entries = std::fs::read_dir(directory).expect("a directory");
    !["c++", "g++", "clang++"].into_iter().any(on_path)
        && entries.any(|entry| is_cxx(&entry.expect("an entry").path()))
}

/// The names of all labs, in order.
///
/// # Panics
/// When their directory cannot be read.
#[must_use]
pub fn labs() -> Vec<String> {
    let dir = root().join("labs");
    let entries = std::fs::read_dir(&dir);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut all: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("lab.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    all.sort();
    all
}

/// The fixtures of a lab: name, directory, and the requirements that each must fail.
///
/// # Panics
/// When one of them cannot be read.
#[must_use]
pub fn fixtures(lab: &str) -> Vec<(String, PathBuf, BTreeSet<String>)> {
    let lab = root().join("fixtures").join(lab);
    let mut all = Vec::new();
    for dir in [lab.clone(), lab.join("mutants")] {
        for entry in
            std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        {
            let path = entry
                .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
                .path();
            let Ok(text) = std::fs::read_to_string(path.join("fixture.toml")) else {
                continue;
            };
            let table: toml::Table = text
                .parse()
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let fails = table
                .get("fails")
                .and_then(toml::Value::as_array)
                .cloned()
                .unwrap_or_default();
            let fails = fails
                .iter()
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            all.push((name, path, fails));
        }
    }
    all.sort();
    all
}

/// The directory of one fixture.
///
/// # Panics
/// When there is none of that name.
#[must_use]
pub fn fixture(lab: &str, name: &str) -> PathBuf {
    let found = fixtures(lab)
        .into_iter()
        .find(|(known, _, _)| known == name);
    found.map_or_else(
        || panic!("{lab} has no fixture {name}"),
        |(_, path, _)| path,
    )
}
