//! A command of a scheduler, which may never answer.

use std::io::{self, Write as _};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// A command that was begun; one whose answer nobody waits for any more is killed.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    since: Instant,
    said: Receiver<(Vec<u8>, Vec<u8>)>,
}

impl Running {
    /// Begins a command, with this on its standard input.
    pub(super) fn begin(command: &mut Command, input: String) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (send, said) = mpsc::channel();
        thread::spawn(move || {
            let errors = thread::spawn(move || all_of(stderr));
            if let Some(mut stdin) = stdin {
                // Where it has ended already, its status says why.
                let _ = stdin.write_all(input.as_bytes());
            }
            let output = all_of(stdout);
            // Nobody may be waiting any more.
            let _ = send.send((output, errors.join().unwrap_or_default()));
        });
        Ok(Self {
            child,
            since: Instant::now(),
            said,
        })
    }

    /// Since when it is under way.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// What came of it, if that is known within this time.
    pub(super) fn within(&mut self, time: Duration) -> Option<io::Result<Output>> {
        let (stdout, stderr) = self.said.recv_timeout(time).ok()?;
        Some(self.child.wait().map(|status| Output {
            status,
            stdout,
            stderr,
        }))
    }

    /// Kills it, and gives what it has said on standard error.
    pub(super) fn given_up(mut self) -> Vec<u8> {
        let _ = self.child.kill();
        // Whoever it has started may hold the pipes still.
        let said = self.said.recv_timeout(Duration::from_secs(1));
        said.map(|(_, stderr)| stderr).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Of one that has ended nothing is left to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn all_of(pipe: Option<impl io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What was read until it broke is what is known.
        let _ = pipe.read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn shell(script: &str, input: &str) -> Running {
        Running::begin(Command::new("sh").args(["-c", script]), input.to_owned()).unwrap()
    }

    /// It says something, then that it has said it, and waits for a line that never comes.
    fn waiting(dir: &tempfile::TempDir) -> (PathBuf, Running) {
        let [said, never] = ["said", "never"].map(|name| dir.path().join(name));
        for fifo in [&said, &never] {
            nix::unistd::mkfifo(fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }
        let (to, from) = (said.display(), never.display());
        let script = format!("echo later >&2; : >'{to}'; exec cat '{from}'");
        (said, shell(&script, ""))
    }

    #[test]
    fn an_answer_is_waited_for_as_long_as_one_likes() {
        let mut fast = shell("cat; echo no >&2; exit 3", "text");
        let output = fast.within(Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(
            (&*output.stdout, &*output.stderr),
            (&b"text"[..], &b"no\n"[..])
        );
        let dir = tempfile::TempDir::new().unwrap();
        let (_, mut never) = waiting(&dir);
        assert!(never.within(Duration::from_millis(1)).is_none());
        let pid = i32::try_from(never.child.id()).unwrap();
        drop(never);
        assert!(nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_err());
    }

    #[test]
    fn who_is_given_up_has_said_why_it_waits() {
        let dir = tempfile::TempDir::new().unwrap();
        let (said, waits) = waiting(&dir);
        std::fs::read(said).unwrap();
        assert_eq!(waits.given_up(), b"later\n");
    }

    #[test]
    fn a_long_answer_is_read_while_it_comes() {
        let mut long = shell("yes | head -c 1000000", "");
        let output = long.within(Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!(output.stdout.len(), 1_000_000);
    }
}
