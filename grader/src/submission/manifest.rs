//! `grader.toml`: the submission itself says which file is which program.
//!
//! ```toml
//! [programs.server]
//! sources = ["srv/main.c", "srv/net.c"]   # compiled together, nothing else
//! flags   = ["-O2", "-lrt"]               # after the grader's own
//!
//! [programs.client]
//! make       = "client"                   # a target of the Makefile
//! executable = "bin/client"               # where it is then; default: the target's name
//! run        = ["{client}", "--talk", "{args}"]   # {args}: the lab's own arguments, {socket}
//! ```
//!
//! `argv = ["/tmp/sock"]` is short for `run = ["{client}", "/tmp/sock"]`.
//!
//! Instead of `sources` or `make`, `cargo = "NAME"` names a binary of the package, and
//! `executable` alone a script that is handed in as it is.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::SubmissionError;
use crate::lab;

/// The manifest's file name.
pub const MANIFEST: &str = "grader.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    programs: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    sources: Option<Vec<String>>,
    make: Option<String>,
    cargo: Option<String>,
    executable: Option<String>,
    run: Option<Vec<String>>,
    argv: Option<Vec<String>>,
    #[serde(default)]
    flags: Vec<String>,
}

/// What the manifest says about one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// How it is built; `None` where the manifest only says how it is run.
    pub way: Option<Way>,
    /// Arguments of its own.
    pub run: Option<Vec<String>>,
}

/// How one program is built, by the manifest's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Sources {
        sources: Vec<String>,
        flags: Vec<String>,
    },
    Make {
        target: String,
        executable: String,
    },
    Cargo {
        binary: String,
    },
    Script {
        file: String,
    },
}

/// Reads the manifest's text.
///
/// # Errors
/// Not TOML, unknown keys, a role the lab does not have, a path that leaves the submission.
pub(super) fn parse(
    text: &str,
    programs: &[lab::Program],
) -> Result<BTreeMap<String, Settled>, SubmissionError> {
    let document: Document = toml::from_str(text)
        .map_err(|error| SubmissionError::Manifest(format!("{MANIFEST}: {error}")))?;
    let mut out = BTreeMap::new();
    for (name, entry) in document.programs {
        if !programs.iter().any(|p| p.name == name) {
            let known: Vec<&str> = programs.iter().map(|p| p.name.as_str()).collect();
            return Err(wrong(
                &name,
                &format!("this lab has no such program; it has {}", known.join(", ")),
            ));
        }
        let settled = settle(&name, entry)?;
        out.insert(name, settled);
    }
    Ok(out)
}

fn settle(name: &str, entry: Entry) -> Result<Settled, SubmissionError> {
    let Entry {
        sources,
        make,
        cargo,
        executable,
        run,
        argv,
        flags,
    } = entry;
    let run = match (run, argv) {
        (Some(_), Some(_)) => {
            return Err(wrong(name, "`run` and `argv` say the same thing: keep one"));
        }
        (None, Some(mut argv)) => {
            argv.insert(0, format!("{{{name}}}"));
            Some(argv)
        }
        (run, None) => run,
    };
    for path in sources.iter().flatten().chain(&executable) {
        if !stays_inside(path) {
            return Err(wrong(
                name,
                &format!("`{path}`: give a path inside the submission, relative to {MANIFEST}"),
            ));
        }
    }
    if !flags.is_empty() && sources.is_none() {
        return Err(wrong(name, "`flags` belong to `sources`"));
    }
    let way = match (sources, make, cargo, executable) {
        (Some(sources), None, None, None) if !sources.is_empty() => {
            Some(Way::Sources { sources, flags })
        }
        (Some(_), None, None, None) => {
            return Err(wrong(name, "`sources` is empty; name at least one file"));
        }
        (None, Some(target), None, executable) => {
            if target.is_empty() || target.starts_with('-') || target.contains('=') {
                return Err(wrong(
                    name,
                    &format!("`{target}` is no target of a Makefile"),
                ));
            }
            let executable = executable.unwrap_or_else(|| target.clone());
            Some(Way::Make { target, executable })
        }
        (None, None, Some(binary), None) => Some(Way::Cargo { binary }),
        (None, None, None, Some(file)) => Some(Way::Script { file }),
        (None, None, None, None) if run.is_some() => None,
        (None, None, None, None) => {
            return Err(wrong(
                name,
                "say how it is built: `sources`, `make`, `cargo` or `executable`",
            ));
        }
        _ => {
            return Err(wrong(
                name,
                "`sources`, `make` and `cargo` exclude each other, and `executable` goes with `make` or alone",
            ));
        }
    };
    if let Some(run) = &run {
        let itself = format!("{{{name}}}");
        if run.first() != Some(&itself) {
            return Err(wrong(
                name,
                &format!("`run` must begin with \"{itself}\", the program itself"),
            ));
        }
        if run.iter().any(|arg| arg.contains('\0')) {
            return Err(wrong(name, "`run`: an argument cannot contain NUL"));
        }
    }
    Ok(Settled { way, run })
}

/// The same spelling as the paths of a [`Tree`](super::Tree): no `..`, no `./`, no root.
fn stays_inside(path: &str) -> bool {
    !path.is_empty()
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.chars().any(char::is_control)
}

fn wrong(program: &str, what: &str) -> SubmissionError {
    SubmissionError::Manifest(format!("{MANIFEST}: [programs.{program}]: {what}"))
}

#[cfg(test)]
mod tests {
    use super::super::find::tests::program;
    use super::*;

    fn roles() -> Vec<lab::Program> {
        vec![
            program("server", "us-server", &["server.c"]),
            program("client", "us-client", &["client.c"]),
        ]
    }

    fn ok(text: &str) -> BTreeMap<String, Settled> {
        parse(text, &roles()).unwrap()
    }

    fn error(text: &str) -> String {
        parse(text, &roles()).unwrap_err().to_string()
    }

    #[test]
    fn argv_is_what_follows_the_program() {
        let short = ok("[programs.server]\nargv = [\"{socket}\", \"-v\"]\n");
        let run = ok("[programs.server]\nrun = [\"{server}\", \"{socket}\", \"-v\"]\n");
        assert_eq!(short, run);
        let none = ok("[programs.server]\nargv = []\n");
        assert_eq!(none["server"].run, Some(vec!["{server}".to_owned()]));
        let both = error("[programs.server]\nargv = []\nrun = [\"{server}\"]\n");
        assert!(both.contains("keep one"), "{both}");
    }

    #[test]
    fn every_way_is_read() {
        let all = ok(r#"
            [programs.server]
            sources = ["srv/main.c", "srv/net.c"]
            flags = ["-lrt"]
            [programs.client]
            make = "client"
            executable = "bin/client"
            run = ["{client}", "--talk", "{args}"]
        "#);
        assert_eq!(
            all["server"].way,
            Some(Way::Sources {
                sources: vec!["srv/main.c".into(), "srv/net.c".into()],
                flags: vec!["-lrt".into()],
            })
        );
        assert_eq!(
            all["client"].way,
            Some(Way::Make {
                target: "client".into(),
                executable: "bin/client".into(),
            })
        );
        assert_eq!(all["client"].run.as_ref().unwrap()[1], "--talk");
        assert_eq!(
            ok("[programs.server]\ncargo = 'srv'")["server"].way,
            Some(Way::Cargo {
                binary: "srv".into()
            })
        );
        assert_eq!(
            ok("[programs.server]\nexecutable = 'srv.py'")["server"].way,
            Some(Way::Script {
                file: "srv.py".into()
            })
        );
        let only_run = ok("[programs.server]\nrun = ['{server}', '-p', '{socket}']");
        assert_eq!(only_run["server"].way, None);
    }

    #[test]
    fn errors_name_the_place_and_the_fix() {
        let unknown = error("[programs.server]\nsourcs = ['a.c']");
        assert!(unknown.contains("grader.toml"), "{unknown}");
        assert!(unknown.contains("line 2"), "{unknown}");
        assert!(unknown.contains("sourcs"), "{unknown}");
        for (text, part) in [
            ("[programs.sever]\nmake = 'x'", "it has server, client"),
            (
                "[programs.server]\nsources = ['../x.c']",
                "inside the submission",
            ),
            (
                "[programs.server]\nsources = ['/etc/passwd']",
                "inside the submission",
            ),
            ("[programs.server]\nsources = []", "is empty"),
            ("[programs.server]\nmake = '-f/etc/x'", "no target"),
            ("[programs.server]\nmake = 'CC=evil'", "no target"),
            (
                "[programs.server]\nmake = 'a'\ncargo = 'b'",
                "exclude each other",
            ),
            ("[programs.server]", "say how it is built"),
            ("[programs.server]\nmake = 'a'\nflags = ['-g']", "belong to"),
            (
                "[programs.server]\nrun = ['/bin/cat']",
                "must begin with \"{server}\"",
            ),
            ("programs = 3", "grader.toml"),
        ] {
            let message = error(text);
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
