//! The lower rung, without namespaces: a private directory stands in for `/lab`, `/tools` and
//! `/tmp`.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::SetupError;
use super::files::Owner;
use super::removal;
use crate::bytes::Bytes;
use crate::plan::{Act, Address, FileAct, Image, OwnName, Plan, Reach, TOOLS, WORKSPACE};

/// Where the workspace and the directory for temporary files really are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Stands in for [`WORKSPACE`].
    pub(crate) workspace: PathBuf,
    /// Stands in for `/tmp`.
    pub(crate) temporary: PathBuf,
    /// Stands in for [`TOOLS`].
    pub(crate) tools: PathBuf,
}

impl Places {
    /// The places below a private directory. Short: the path of a socket has 107 bytes.
    pub(crate) fn below(private: &Path) -> Self {
        Self {
            workspace: private.join("lab"),
            temporary: private.join("tmp"),
            tools: private.join("tools"),
        }
    }

    /// Makes them, empty, for `owner`.
    pub(crate) fn make(&self, (user, group): Owner) -> Result<(), SetupError> {
        for place in [&self.workspace, &self.temporary] {
            fs::create_dir(place)
                .and_then(|()| std::os::unix::fs::chown(place, Some(user), Some(group)))
                .map_err(|e| SetupError::NotSetUp(format!("{}: {e}", place.display())))?;
        }
        // Not the programs' own: where they have a user of theirs, they cannot write here.
        fs::create_dir(&self.tools)
            .map_err(|e| SetupError::NotSetUp(format!("{}: {e}", self.tools.display())))
    }

    /// Removes them with all they contain, however deep, directories without permissions included.
    pub(crate) fn remove(&self) {
        for place in [&self.workspace, &self.temporary, &self.tools] {
            // What is left now is left: the directory is private, and nobody waits for it.
            let _ = removal::remove(place);
        }
    }

    /// The plan with its paths led to these places: in images, arguments, environments, addresses
    /// and acts on files. Other text (what a program is sent, the content of files) is untouched.
    pub(crate) fn rewrite(&self, plan: &mut Plan) {
        for program in &mut plan.programs {
            if let Image::File(path) = &mut program.image {
                self.lead(path);
            }
            program
                .argv
                .iter_mut()
                .for_each(|argument| self.lead(argument));
            program
                .env
                .iter_mut()
                .for_each(|(_, value)| self.lead(value));
            if let Some(Address::Path(path)) = &mut program.address {
                self.lead(path);
            }
        }
        for act in plan.steps.iter_mut().flat_map(|step| &mut step.acts) {
            match act {
                Act::Listen {
                    address: Address::Path(path),
                    ..
                }
                | Act::Desk {
                    address: Address::Path(path),
                    ..
                }
                | Act::Reach {
                    how:
                        Reach {
                            name: OwnName::At(Address::Path(path)),
                            ..
                        },
                    ..
                }
                | Act::File(
                    FileAct::Write { path, .. }
                    | FileAct::Chmod { path, .. }
                    | FileAct::Fifo { path, .. }
                    | FileAct::Directory { path, .. }
                    | FileAct::StaleSocket(path)
                    | FileAct::Remove(path),
                )
                | Act::Open { path, .. } => self.lead(path),
                _ => {}
            }
        }
    }

    fn lead(&self, text: &mut Bytes) {
        let [lab, tools, tmp] =
            [&self.workspace, &self.tools, &self.temporary].map(|p| p.as_os_str().as_bytes());
        *text = Bytes(replace(
            text,
            &[
                (WORKSPACE.as_bytes(), lab),
                (TOOLS.as_bytes(), tools),
                (b"/tmp", tmp),
            ],
        ));
    }
}

/// Replaces directories by others, in one pass, wherever a path begins with one: at the beginning, after a
/// separator (`=`, `:`, a quote, a blank…), or after the letter of an option such as `-I`.
fn replace(text: &[u8], directories: &[(&[u8], &[u8])]) -> Vec<u8> {
    let separates = |byte: &u8| byte.is_ascii_whitespace() || b"=:,;'\"()<>|&`@{}[]".contains(byte);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let (before, rest) = text.split_at(at);
        let after_option = matches!(before, [b'-', letter] if letter.is_ascii_alphabetic());
        let begins = before.last().is_none_or(separates) || after_option;
        let ends = |next: Option<&u8>| next.is_none_or(|b| *b == b'/' || separates(b));
        let found = directories
            .iter()
            .find(|(from, _)| begins && rest.starts_with(from) && ends(rest.get(from.len())));
        if let Some((from, to)) = found {
            out.extend_from_slice(to);
            at += from.len();
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    out
}

/// How many tasks of this process's user there are: they count against the same limit.
pub(crate) fn tasks_of_this_user() -> u64 {
    let own = nix::unistd::getuid().as_raw().to_string();
    let Ok(entries) = fs::read_dir("/proc") else {
        return 0;
    };
    let threads = entries.flatten().filter_map(|entry| {
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let field = |name: &str| {
            let mut lines = status.lines().filter_map(|line| line.strip_prefix(name));
            lines.next()?.split_whitespace().next().map(str::to_owned)
        };
        (field("Uid:")? == own).then(|| field("Threads:")?.parse::<u64>().ok())?
    });
    threads.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn led(text: &str) -> String {
        let places = Places::below(Path::new("/tmp/g-1"));
        let mut bytes = Bytes::from(text);
        places.lead(&mut bytes);
        String::from_utf8(bytes.0).unwrap()
    }

    #[test]
    fn the_directories_are_replaced_where_a_path_begins() {
        for (text, expected) in [
            ("/lab", "/tmp/g-1/lab"),
            ("/lab/sock", "/tmp/g-1/lab/sock"),
            ("./sock", "./sock"),
            ("/tmp/sock", "/tmp/g-1/tmp/sock"),
            ("A=/lab/x:/lab/y", "A=/tmp/g-1/lab/x:/tmp/g-1/lab/y"),
            ("-I/lab/include", "-I/tmp/g-1/lab/include"),
            (
                "echo >/lab/x; ls '/lab'",
                "echo >/tmp/g-1/lab/x; ls '/tmp/g-1/lab'",
            ),
            ("/tools:/bin", "/tmp/g-1/tools:/bin"),
            ("/usr/tools", "/usr/tools"),
            ("/labour", "/labour"),
            ("/my/lab", "/my/lab"),
            ("x/lab/y", "x/lab/y"),
            ("/usr/tmp", "/usr/tmp"),
        ] {
            assert_eq!(led(text), expected, "{text}");
        }
    }

    #[test]
    fn both_directories_in_one_text() {
        assert_eq!(led("/lab:/tmp"), "/tmp/g-1/lab:/tmp/g-1/tmp");
    }

    #[test]
    fn a_directory_without_permissions_is_removed() {
        let temp = tempfile::tempdir().unwrap();
        let places = Places::below(temp.path());
        places
            .make((
                nix::unistd::getuid().as_raw(),
                nix::unistd::getgid().as_raw(),
            ))
            .unwrap();
        let locked = places.workspace.join("locked");
        fs::create_dir_all(locked.join("deep")).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
        places.remove();
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
    }
}
