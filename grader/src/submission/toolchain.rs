//! The compilers and build tools of this machine.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

/// Where standard tools live; searched after the caller's `PATH`.
const STANDARD: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// Directories that every sandbox shows anyway.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc"];

/// Locals that nobody initialised hold a pattern, not what happens to be on the stack: a forgotten
/// `memset` fails each time, not once a week. Since gcc 12 and clang 16.
const PATTERN: &str = "-ftrivial-auto-var-init=pattern";

/// Nobody reads more of them, and a file that includes itself twice makes them without end. clang
/// has a limit of its own, under another name.
const ERRORS: &str = "-fmax-errors=50";

/// Whether a plain `char` has a sign is the architecture's. On x86-64 it has, and a program that keeps what
/// getchar(3) returns in one comes to its end there: the verdict must not depend on the laptop.
#[cfg(target_arch = "x86_64")]
const CHARS: &[&str] = &[];
/// As on x86-64, where a plain `char` has a sign: the verdict must not depend on the laptop.
#[cfg(not(target_arch = "x86_64"))]
const CHARS: &[&str] = &["-fsigned-char"];

/// What was a warning for decades: functions that are not declared, `main` without a type, pointers of other types.
/// gcc 14 and clang 16 refuse it unless they are told otherwise, and a verdict must not depend on that.
const LENIENT: [&[&str]; 2] = [
    &["-fpermissive"],
    &[
        // clang's own name; gcc knows no such option, nor does it need the others.
        "-Wno-error=incompatible-function-pointer-types",
        "-Wno-error=implicit-function-declaration",
        "-Wno-error=implicit-int",
        "-Wno-error=int-conversion",
    ],
];

/// What builds programs here. Found by name only; nothing is run before it is needed.
#[derive(Clone, Debug, Default)]
pub struct Toolchain {
    /// The C compiler.
    pub cc: Option<Tool>,
    /// The C++ compiler.
    pub cxx: Option<Tool>,
    /// `make`.
    pub make: Option<Tool>,
    /// `cargo`.
    pub cargo: Option<Tool>,
    /// The compiler of Java, where programs can be run with the `java` beside it.
    pub javac: Option<Tool>,
    /// `go`.
    pub go: Option<Tool>,
    /// `CARGO_HOME`: where crates fetched before are.
    pub cargo_home: Option<PathBuf>,
    /// Of the flags that not every compiler knows those that ours know; asked once.
    c_known: OnceLock<Vec<&'static str>>,
    cxx_known: OnceLock<Vec<&'static str>>,
    sysroot: OnceLock<Option<PathBuf>>,
    identities: OnceLock<[String; 6]>,
    /// Why the C compiler builds nothing; asked once, whatever it is told to optimise.
    useless: Arc<OnceLock<Option<String>>>,
    optimisation: Optimisation,
}

/// How far C and C++ are optimised where the submission's own build does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimisation {
    /// `-O0`, what a plain `cc` does: where a signal handler writes a plain variable.
    None,
    /// `-O1`, the usual level.
    #[default]
    Some,
    /// `-O2`.
    Full,
}

impl Optimisation {
    /// The compiler's flag.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::None => "-O0",
            Self::Some => "-O1",
            Self::Full => "-O2",
        }
    }
}

/// A program with the arguments that belong to its name (`CC="ccache gcc"`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Absolute path.
    pub path: PathBuf,
    /// Further words of the variable that named it.
    pub lead: Vec<String>,
}

impl Toolchain {
    /// Looks the tools up: `CC` and `CXX` first, then the usual names on `PATH`.
    #[must_use]
    pub fn from_env() -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = || var("HOME").map(|home| PathBuf::from(home).join(".cargo"));
        Self::look_up(
            &var("PATH").unwrap_or_default(),
            var("CC").as_deref(),
            var("CXX").as_deref(),
            var("CARGO_HOME").map(PathBuf::from).or_else(home),
        )
    }

    /// The same from given values.
    #[must_use]
    pub fn look_up(
        path: &OsStr,
        cc: Option<&OsStr>,
        cxx: Option<&OsStr>,
        cargo_home: Option<PathBuf>,
    ) -> Self {
        let mut dirs: Vec<PathBuf> = std::env::split_paths(path)
            .filter(|dir| dir.is_absolute())
            .collect();
        for dir in STANDARD {
            if !dirs.iter().any(|d| d == Path::new(dir)) {
                dirs.push(dir.into());
            }
        }
        Self::in_directories(&dirs, cc, cxx, cargo_home)
    }

    fn in_directories(
        dirs: &[PathBuf],
        cc: Option<&OsStr>,
        cxx: Option<&OsStr>,
        cargo_home: Option<PathBuf>,
    ) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| tool(dirs, name));
        let named =
            |value: Option<&OsStr>| value.and_then(OsStr::to_str).and_then(|v| tool(dirs, v));
        Self {
            cc: named(cc).or_else(|| first(&["cc", "gcc", "clang"])),
            cxx: named(cxx).or_else(|| first(&["c++", "g++", "clang++"])),
            make: first(&["make", "gmake"]),
            cargo: first(&["cargo"]),
            javac: first(&["javac"]),
            go: first(&["go"]),
            cargo_home,
            c_known: OnceLock::new(),
            cxx_known: OnceLock::new(),
            sysroot: OnceLock::new(),
            identities: OnceLock::new(),
            useless: Arc::default(),
            optimisation: Optimisation::default(),
        }
    }

    /// How far C and C++ are optimised.
    pub(super) fn optimisation(&self) -> Optimisation {
        self.optimisation
    }

    /// What was found out about the C compiler, and why it builds nothing.
    pub(super) fn useless(&self) -> &OnceLock<Option<String>> {
        &self.useless
    }

    /// Whether nobody has said how far to optimise.
    #[must_use]
    pub(super) fn is_usual(&self) -> bool {
        self.optimisation == Optimisation::default()
    }

    /// The same tools, told to optimise otherwise.
    #[must_use]
    pub fn optimising(&self, optimisation: Optimisation) -> Self {
        Self {
            optimisation,
            ..self.clone()
        }
    }

    /// Flags for C: the standard of the course with the GNU names visible (`-std=gnu11`, so that
    /// `strdup`, `sigaction` or `usleep` need no feature macro), some optimisation so that busy
    /// waiting on a plain variable shows, lines for traces, all warnings, threads.
    #[must_use]
    pub fn c_flags(&self) -> Vec<&'static str> {
        let known = self.c_known.get_or_init(|| known(self.cc.as_ref(), "c"));
        self.flags("-std=gnu11", known)
    }

    /// The same for C++.
    #[must_use]
    pub fn cxx_flags(&self) -> Vec<&'static str> {
        let known = self
            .cxx_known
            .get_or_init(|| known(self.cxx.as_ref(), "c++"));
        self.flags("-std=gnu++17", known)
    }

    fn flags(&self, standard: &'static str, known: &[&'static str]) -> Vec<&'static str> {
        let mut flags = vec![
            standard,
            self.optimisation.flag(),
            "-g",
            "-Wall",
            "-Wextra",
            "-pthread",
        ];
        flags.extend(known);
        flags
    }

    /// What tells these tools from others, without running any of them: one line each, empty for
    /// one that is missing. Asked once: a class is graded with one compiler, or its keys lie.
    #[must_use]
    pub fn identities(&self) -> &[String; 6] {
        self.identities.get_or_init(|| {
            [
                &self.cc,
                &self.cxx,
                &self.make,
                &self.cargo,
                &self.javac,
                &self.go,
            ]
            .map(|tool| tool.as_ref().map(Tool::identity).unwrap_or_default())
        })
    }

    /// What the C compiler calls itself: the first line of `cc --version`.
    #[must_use]
    pub fn c_version(&self) -> Option<String> {
        let cc = self.cc.as_ref()?;
        let said = Command::new(&cc.path)
            .args(&cc.lead)
            .arg("--version")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&said.stdout);
        text.lines().next().map(|line| line.trim().to_owned())
    }

    /// The directory of the Rust toolchain behind `cargo`, which may be rustup's proxy; asked once.
    pub(super) fn rust_sysroot(&self) -> Option<&Path> {
        self.sysroot
            .get_or_init(|| {
                let rustc = self.cargo.as_ref()?.path.with_file_name("rustc");
                let said = Command::new(rustc)
                    .args(["--print", "sysroot"])
                    .stdin(Stdio::null())
                    .stderr(Stdio::null())
                    .output()
                    .ok()?;
                let root = PathBuf::from(String::from_utf8(said.stdout).ok()?.trim_end());
                root.join("bin/cargo").is_file().then_some(root)
            })
            .as_deref()
    }
}

/// Those of [`PATTERN`], [`ERRORS`], [`CHARS`] and for C [`LENIENT`] that a compiler knows.
fn known(compiler: Option<&Tool>, language: &str) -> Vec<&'static str> {
    let knows = |compiler: &Tool, flags: &[&str]| {
        Command::new(&compiler.path)
            .args(&compiler.lead)
            .arg("-Werror")
            .args(flags)
            .args(["-fsyntax-only", "-x", language, "/dev/null"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let lenient = LENIENT.into_iter().filter(|_| language == "c");
    let flags = [&[PATTERN][..], &[ERRORS], CHARS];
    let flags = flags.into_iter().chain(lenient);
    let known = flags.filter(|flags| compiler.is_some_and(|compiler| knows(compiler, flags)));
    known.flatten().copied().collect()
}

impl Tool {
    /// What tells this version of the tool from another, without running it: where it is, and the
    /// time and size of what is there.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut out = format!("{}", self.path.display());
        for word in &self.lead {
            let _ = write!(out, " {word}");
        }
        let real = self.path.canonicalize().unwrap_or_default();
        if let Ok(meta) = fs::metadata(&real) {
            let _ = write!(
                out,
                " -> {} {} {}.{}",
                real.display(),
                meta.len(),
                meta.mtime(),
                meta.mtime_nsec()
            );
        }
        out
    }

    /// Directories the sandbox must show for it, if it lives outside the system's own.
    pub(super) fn homes(&self) -> BTreeSet<PathBuf> {
        let mut out = BTreeSet::new();
        let real = self.path.canonicalize().ok();
        for path in [Some(self.path.clone()), real].into_iter().flatten() {
            let Some(bin) = path.parent() else { continue };
            if SYSTEM.iter().any(|system| path.starts_with(system)) {
                continue;
            }
            // Libraries and headers stand beside `bin`; a home directory itself is not shown.
            let home = match bin.parent() {
                Some(prefix) if bin.ends_with("bin") && prefix.join("lib").is_dir() => prefix,
                _ => bin,
            };
            out.insert(home.to_path_buf());
        }
        out
    }
}

/// `PATH` inside the sandbox.
pub(super) fn path_with(tools: &[&Tool]) -> OsString {
    let mut dirs: Vec<&Path> = tools.iter().filter_map(|tool| tool.path.parent()).collect();
    dirs.extend(STANDARD.map(Path::new));
    let mut seen = BTreeSet::new();
    dirs.retain(|dir| seen.insert(*dir));
    std::env::join_paths(dirs).unwrap_or_else(|_| OsString::from(STANDARD.join(":")))
}

/// Where an interpreter is inside the sandbox of a scenario, which shows the system's own
/// directories only: `python3`, `/bin/sh`.
pub(super) fn in_sandbox(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        let path = Path::new(name);
        return is_shown(path).then(|| path.to_path_buf());
    }
    STANDARD
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| !name.is_empty() && is_shown(path))
}

/// An executable whose path, and where that leads, every sandbox shows.
fn is_shown(path: &Path) -> bool {
    let system = |path: &Path| SYSTEM.iter().any(|dir| path.starts_with(dir));
    system(path) && is_executable(path) && path.canonicalize().is_ok_and(|real| system(&real))
}

fn tool(dirs: &[PathBuf], words: &str) -> Option<Tool> {
    let mut words = words.split_whitespace();
    let name = words.next()?;
    let path = if name.contains('/') {
        let path = PathBuf::from(name);
        (path.is_absolute() && is_executable(&path)).then_some(path)
    } else {
        dirs.iter()
            .map(|dir| dir.join(name))
            .find(|p| is_executable(p))
    }?;
    Some(Tool {
        path,
        lead: words.map(str::to_owned).collect(),
    })
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn script(dir: &TempDir, name: &str, text: &str) -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn names_are_looked_up_in_order() {
        let dir = TempDir::new().unwrap();
        let gcc = script(&dir, "gcc", "#!/bin/sh\n");
        let mine = script(&dir, "mycc", "#!/bin/sh\n");
        let dirs = [dir.path().to_path_buf()];
        let found = Toolchain::in_directories(&dirs, None, None, None);
        assert_eq!(found.cc.unwrap().path, gcc);
        assert!(found.make.is_none());
        let named = Toolchain::in_directories(&dirs, Some(OsStr::new("mycc -m64")), None, None);
        let cc = named.cc.unwrap();
        assert_eq!((cc.path, cc.lead), (mine, vec!["-m64".to_owned()]));
        let wrong = Toolchain::in_directories(&dirs, Some(OsStr::new("nocc")), None, None);
        assert_eq!(wrong.cc.unwrap().path, gcc);
        assert!(
            Toolchain::in_directories(&[], None, None, None)
                .cc
                .is_none()
        );
    }

    #[test]
    fn another_version_is_another_identity() {
        let dir = TempDir::new().unwrap();
        script(&dir, "cc", "#!/bin/sh\n");
        let dirs = [dir.path().to_path_buf()];
        let tool = tool(&dirs, "cc").unwrap();
        let before = tool.identity();
        assert_eq!(before, tool.identity());
        script(&dir, "cc", "#!/bin/sh\nexit 1\n");
        assert_ne!(before, tool.identity());
    }

    #[test]
    fn a_flag_is_used_only_where_it_is_known() {
        let dir = TempDir::new().unwrap();
        let dirs = [dir.path().to_path_buf()];
        script(&dir, "cc", "#!/bin/sh\nexit 0\n");
        let new = Toolchain::in_directories(&dirs, None, None, None);
        assert!(new.c_flags().contains(&PATTERN));
        script(&dir, "cc", "#!/bin/sh\nexit 1\n");
        let old = Toolchain::in_directories(&dirs, None, None, None);
        assert!(!old.c_flags().contains(&PATTERN));
        // What one compiler knows says nothing about the other.
        script(&dir, "c++", "#!/bin/sh\nexit 0\n");
        let mixed = Toolchain::in_directories(&dirs, None, None, None);
        assert!(mixed.cxx_flags().contains(&ERRORS));
        assert!(!mixed.c_flags().contains(&ERRORS));
    }

    #[test]
    fn what_later_compilers_refuse_is_a_warning_for_them_too() {
        let dir = TempDir::new().unwrap();
        let dirs = [dir.path().to_path_buf()];
        let knowing = |pattern: &str| {
            let text = format!("#!/bin/sh\ncase \"$*\" in {pattern}) exit 0;; esac; exit 1\n");
            script(&dir, "cc", &text);
            Toolchain::in_directories(&dirs, None, None, None)
        };
        let gcc_14 = knowing("*-fpermissive*");
        assert!(gcc_14.c_flags().ends_with(LENIENT[0]));
        let clang_16 = knowing("*incompatible-function-pointer-types*");
        assert!(clang_16.c_flags().ends_with(LENIENT[1]));
        script(&dir, "c++", "#!/bin/sh\nexit 0\n");
        assert!(!clang_16.cxx_flags().contains(&"-fpermissive"));
    }

    #[test]
    fn tools_outside_the_system_bring_their_directory() {
        let dir = TempDir::new().unwrap();
        fs::create_dir_all(dir.path().join("llvm/bin")).unwrap();
        fs::create_dir_all(dir.path().join("llvm/lib")).unwrap();
        script(&dir, "llvm/bin/clang", "#!/bin/sh\n");
        let tool = tool(&[dir.path().join("llvm/bin")], "clang").unwrap();
        assert!(tool.homes().iter().any(|home| home.ends_with("llvm")));
        let system = Tool {
            path: "/usr/bin/env".into(),
            lead: Vec::new(),
        };
        assert!(system.homes().is_empty());
    }
}
