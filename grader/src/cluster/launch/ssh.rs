//! ssh(1): one connection for each host, which holds a worker with as many slots as wanted.
//!
//! A worker lives as long as its connection: it ends when its standard input does. So nothing is
//! left behind when this machine dies, and a batch that is begun again starts afresh.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{Lang, Text};

use super::{LaunchError, Launcher, Presence, last_words, place_and_last};

/// A host whose worker ended within this time is not asked again for as long.
const REST: Duration = Duration::from_secs(5);

/// What workers need.
#[derive(Clone, Debug)]
pub struct SshOptions {
    /// The store, as every host sees it.
    pub store: PathBuf,
    /// The grader, as every host sees it.
    pub grader: PathBuf,
    /// The hosts, as ssh(1) knows them, and how many submissions each grades at once.
    pub hosts: Vec<(String, usize)>,
    /// The command that connects, with its options: `ssh -F config`.
    pub command: Vec<String>,
    /// The language of news and advice.
    pub lang: Lang,
}

/// Starts workers with ssh(1).
#[derive(Debug)]
pub struct Ssh {
    options: SshOptions,
    hosts: Vec<Host>,
    news: Vec<String>,
}

#[derive(Debug)]
struct Host {
    name: String,
    slots: usize,
    connection: Option<Child>,
    begun: Option<Instant>,
    /// Where in its log this connection begins.
    from: u64,
    /// What was told of its end.
    told: Option<String>,
}

impl Ssh {
    /// A launcher for one store.
    ///
    /// # Errors
    /// A host's name would be an option of ssh, or a path is no text: hosts are told it as such.
    pub fn new(options: SshOptions) -> Result<Self, LaunchError> {
        if options.hosts.is_empty() {
            return Err(LaunchError::Name(Text::both(
                "no host is named",
                "не назван ни один хост",
            )));
        }
        for path in [&options.store, &options.grader] {
            if path.to_str().is_none() {
                let shown = path.display();
                let why = Text::both(
                    "hosts can be told a path of UTF-8 only",
                    "хостам можно назвать только путь в UTF-8",
                );
                return Err(LaunchError::Name(why.behind(format!("{shown}: "))));
            }
        }
        let mut hosts = Vec::new();
        for (name, slots) in &options.hosts {
            if name.is_empty() || name.starts_with('-') {
                return Err(LaunchError::Name(Text::both(
                    format!("`{name}` is no name of a host"),
                    format!("`{name}` — не имя хоста"),
                )));
            }
            hosts.push(Host {
                name: name.clone(),
                slots: (*slots).max(1),
                connection: None,
                begun: None,
                from: 0,
                told: None,
            });
        }
        Ok(Self {
            options,
            hosts,
            news: Vec::new(),
        })
    }

    /// How many submissions are graded at once on all hosts.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.hosts.iter().map(|host| host.slots).sum()
    }

    /// The command for one host.
    #[must_use]
    pub fn command(&self, host: &str, slots: usize) -> Vec<String> {
        let options = &self.options;
        let remote = shell_words::join([
            "exec",
            &options.grader.to_string_lossy(),
            "worker",
            "--store",
            &options.store.to_string_lossy(),
            "--slots",
            &slots.to_string(),
            "--while-stdin",
        ]);
        let mut command = options.command.clone();
        if command.is_empty() {
            command.push("ssh".to_owned());
        }
        for option in [
            "BatchMode=yes",
            "ConnectTimeout=30",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=3",
        ] {
            command.extend(["-o".to_owned(), option.to_owned()]);
        }
        command.extend(["-T".to_owned(), "--".to_owned(), host.to_owned(), remote]);
        command
    }

    fn logs(&self) -> PathBuf {
        self.options.store.join("log")
    }

    /// A host's name may have a slash in it, a file's not.
    fn log_of(&self, host: &str) -> PathBuf {
        self.logs().join(format!("{}.log", host.replace('/', "_")))
    }

    /// A connection, and where in its log it begins.
    fn connect(&self, host: &Host) -> Result<(Child, u64), LaunchError> {
        let command = self.command(&host.name, host.slots);
        let (program, arguments) = command.split_first().ok_or_else(|| {
            LaunchError::Name(Text::both(
                "no command that connects is named",
                "не названа команда, которая соединяет",
            ))
        })?;
        let path = self.log_of(&host.name);
        let unwritten = |error: io::Error| LaunchError::unwritten(&path, &error);
        fs::create_dir_all(self.logs()).map_err(unwritten)?;
        let log = File::options().create(true).append(true).open(&path);
        let log = log.map_err(unwritten)?;
        let from = log.metadata().map_err(unwritten)?.len();
        let connection = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(unwritten)?)
            .stderr(log)
            .spawn()
            .map_err(|error| LaunchError::Command {
                program: program.clone(),
                error,
            })?;
        Ok((connection, from))
    }

    /// Notes why a host's worker ended, once for each reason.
    fn ended(&mut self, number: usize, status: ExitStatus) {
        let host = &self.hosts[number];
        let log = self.log_of(&host.name);
        let lang = self.options.lang;
        let ended = lang.pick("its worker ended", "исполнитель закончил");
        let said = last_words(&log, host.from);
        let why = format!("{}: {ended} ({status}): {said}", host.name);
        let host = &mut self.hosts[number];
        if !status.success() && host.told.as_ref() != Some(&why) {
            host.told = Some(why.clone());
            self.news.push(why);
        }
    }
}

impl Launcher for Ssh {
    /// Starts hosts until so many workers are there; a host counts with all its slots.
    fn start(&mut self, workers: usize) -> Result<usize, LaunchError> {
        let mut missing = workers;
        let mut started = 0;
        for i in 0..self.hosts.len() {
            if missing == 0 {
                break;
            }
            let host = &self.hosts[i];
            if host.connection.is_some() || host.begun.is_some_and(|at| at.elapsed() < REST) {
                continue;
            }
            let (connection, from) = self.connect(host)?;
            let host = &mut self.hosts[i];
            host.connection = Some(connection);
            host.from = from;
            host.begun = Some(Instant::now());
            started += host.slots;
            missing = missing.saturating_sub(host.slots);
        }
        Ok(started)
    }

    fn present(&mut self) -> Presence {
        let mut present = 0;
        for number in 0..self.hosts.len() {
            let host = &mut self.hosts[number];
            let Some(child) = &mut host.connection else {
                continue;
            };
            match child.try_wait() {
                Ok(None) => present += host.slots,
                Ok(Some(status)) => {
                    host.connection = None;
                    self.ended(number, status);
                }
                Err(_) => host.connection = None,
            }
        }
        Presence::Workers(present)
    }

    fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    fn cancel(&mut self) -> Result<(), String> {
        for host in &mut self.hosts {
            if let Some(mut child) = host.connection.take() {
                // Its standard input ends, and with it the worker there; ssh itself need not wait.
                drop(child.stdin.take());
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        Ok(())
    }

    fn log(&self) -> String {
        place_and_last(&self.logs(), self.options.lang)
    }

    fn advice(&self) -> String {
        let where_it_is = self.options.lang.pick(
            "what workers and hosts say is in",
            "что говорят исполнители и машины, записано в",
        );
        let begun = self.hosts.iter().filter(|host| host.connection.is_some());
        let names: Vec<&str> = begun.map(|host| host.name.as_str()).collect();
        let tried = match &names[..] {
            [] => String::new(),
            names => format!(
                "{}: {}; ",
                self.options.lang.pick("ssh has begun", "ssh начал"),
                names.join(", ")
            ),
        };
        format!("{tried}{where_it_is} {}", self.log())
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        let _ = self.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(hosts: &[(&str, usize)]) -> SshOptions {
        SshOptions {
            store: "/shared/it's here".into(),
            grader: "/opt/grader".into(),
            hosts: hosts.iter().map(|(h, n)| ((*h).to_owned(), *n)).collect(),
            command: vec!["ssh".into(), "-F".into(), "lab.conf".into()],
            lang: Lang::En,
        }
    }

    #[test]
    fn the_remote_command_survives_the_remote_shell() {
        let ssh = Ssh::new(options(&[("user@h1", 2)])).unwrap();
        let command = ssh.command("user@h1", 2);
        assert_eq!(command[..3], ["ssh", "-F", "lab.conf"]);
        assert!(command.contains(&"BatchMode=yes".to_owned()));
        let words = shell_words::split(command.last().unwrap()).unwrap();
        assert_eq!(
            words,
            [
                "exec",
                "/opt/grader",
                "worker",
                "--store",
                "/shared/it's here",
                "--slots",
                "2",
                "--while-stdin"
            ]
        );
    }

    #[test]
    fn a_path_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = SshOptions {
            store: std::ffi::OsString::from_vec(b"/shared/\xff".to_vec()).into(),
            ..options(&[("h1", 1)])
        };
        assert!(Ssh::new(odd).is_err());
    }

    #[test]
    fn a_host_that_would_be_an_option_is_refused() {
        for host in ["-oProxyCommand=reboot", ""] {
            assert!(Ssh::new(options(&[(host, 1)])).is_err(), "{host}");
        }
        assert!(Ssh::new(options(&[])).is_err());
    }
}
