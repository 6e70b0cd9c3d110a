//! What lies in the workspace of a scenario: programs, what belongs beside them, and the names
//! that are taken.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;

use supervisor::plan as sv;

use super::{PlanError, Planner, SOCKET};
use crate::lab::{DataSource, FileStep, Program, Stimulus};
use crate::run::beside;
use crate::submission::{Beside, BuiltProgram, Declared};

/// Where the handler audit's library lies.
pub(super) const SHIM: &str = ".grader/handlers.so";

/// The files of a scenario's programs.
#[derive(Default)]
pub(super) struct Workspace<'a> {
    files: Vec<sv::PlacedFile>,
    beside: Vec<&'a Beside>,
}

impl<'a> Workspace<'a> {
    /// Puts one of the submission's programs there.
    pub(super) fn put(&mut self, program: &Program, built: &'a BuiltProgram) {
        // Where the submission's address lies in a directory of its own, that is there.
        if let Some(Declared::Socket(own)) = &built.address
            && let Some((directory, _)) = relative(own.as_str()).rsplit_once('/')
        {
            self.files.push(sv::PlacedFile {
                name: directory.into(),
                source: sv::FileSource::Directory,
                mode: 0o777,
            });
        }
        self.put_once(host(&program.executable, &built.executable));
        self.beside.extend(&built.beside);
    }

    /// Puts the handler audit's library there, and says where it is.
    pub(super) fn put_shim(&mut self, shim: &Path) -> String {
        self.put_once(host(SHIM, shim));
        format!("{}/{SHIM}", sv::WORKSPACE)
    }

    /// Two roles may be played by one program.
    fn put_once(&mut self, file: sv::PlacedFile) {
        if !self.files.iter().any(|known| known.name == file.name) {
            self.files.push(file);
        }
    }

    /// All files; of what belongs beside the programs none under a name that is spoken for.
    pub(super) fn files(mut self, spoken_for: &BTreeSet<String>) -> Vec<sv::PlacedFile> {
        beside::place(&self.beside, spoken_for, &mut self.files);
        self.files
    }
}

impl Planner<'_> {
    /// Names in the workspace that the scenario itself gives a meaning: what was handed in under
    /// them would be in its way.
    pub(super) fn spoken_for(&self) -> BTreeSet<String> {
        let mut words: Vec<String> = vec![SOCKET.to_owned(), SHIM.to_owned()];
        for program in &self.lab.programs {
            words.push(program.executable.clone());
            words.extend(program.args.iter().cloned());
            words.extend(program.env.iter().map(|(_, value)| value.clone()));
        }
        for setup in self.scenario.setup.values() {
            words.extend(setup.args.iter().flatten().cloned());
        }
        for stimulus in self.scenario.steps.iter().flat_map(|step| &step.stimuli) {
            match stimulus {
                Stimulus::File(
                    FileStep::Write { path, .. }
                    | FileStep::Stale { path }
                    | FileStep::Fifo { path, .. }
                    | FileStep::Directory { path, .. }
                    | FileStep::Chmod { path, .. }
                    | FileStep::Remove { path },
                )
                | Stimulus::Open { path, .. } => words.push(path.clone()),
                _ => {}
            }
        }
        for built in self.setting.programs.values() {
            if let Some(Declared::Socket(own)) = &built.address {
                words.push(own.clone());
            }
        }
        let top = |word: &String| {
            let path = self.fill(word);
            relative(&path).split('/').next().map(str::to_owned)
        };
        words.iter().filter_map(top).collect()
    }

    /// A file that the lab lets a program read, under the names that the submission has built in.
    pub(super) fn under_other_names(&self, stimulus: &Stimulus) -> Vec<sv::Act> {
        let Stimulus::File(FileStep::Write {
            path,
            content,
            mode,
        }) = stimulus
        else {
            return Vec::new();
        };
        let taken = self.spoken_for();
        let readers = self.lab.programs.iter().filter(|program| {
            let students = &self.setting.cast.students;
            program.reads.as_ref() == Some(path) && students.contains(&program.name)
        });
        let names = readers
            .filter_map(|program| self.setting.programs.get(&program.name))
            .flat_map(|built| &built.opens)
            .filter(|name| !taken.contains(*name));
        let acts = names.map(|name| {
            sv::Act::File(sv::FileAct::Write {
                path: self.path(name),
                content: self.fill(content).as_str().into(),
                // A name that the program writes a result to may be taken for one of these.
                mode: *mode | 0o222,
            })
        });
        acts.collect()
    }

    /// What is typed first to a program that asks for the name of the file that the lab lets it
    /// read: that name, unless the scenario gives one itself.
    pub(super) fn name_of_its_file(
        &self,
        stimulus: &Stimulus,
    ) -> Result<Option<sv::Act>, PlanError> {
        let Stimulus::Start(role) = stimulus else {
            return Ok(None);
        };
        let program = self.lab.programs.iter().find(|p| p.name == *role);
        let Some(file) = program.and_then(|program| program.reads.as_ref()) else {
            return Ok(None);
        };
        let built = self.setting.programs.get(role);
        let student = self.setting.cast.students.contains(role);
        let setup = self.scenario.setup.get(role);
        let stimuli = self.scenario.steps.iter().flat_map(|step| &step.stimuli);
        let typed = |stimulus: &Stimulus| match stimulus {
            Stimulus::Type { program, data } if program == role => {
                matches!(&data.source, DataSource::Text(text) if text.contains(file.as_str()))
            }
            _ => false,
        };
        let named =
            setup.is_some_and(|setup| setup.args.is_some()) || stimuli.into_iter().any(typed);
        if named || !student || !built.is_some_and(|built| built.asks) {
            return Ok(None);
        }
        Ok(Some(sv::Act::Type {
            program: self.role(role)?,
            bytes: format!("{file}\n").as_str().into(),
            pieces: Vec::new(),
        }))
    }
}

/// A path below the workspace as one relative to it; nothing of other paths.
fn relative(path: &str) -> &str {
    let path = path.strip_prefix("/lab/").unwrap_or(path);
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.starts_with('/') { "" } else { path }
}

/// What a submission declares, as an address.
pub(in crate::run) fn declared(address: &Declared) -> sv::Address {
    match address {
        Declared::Socket(path) => sv::Address::Path(path.as_str().into()),
        Declared::Port(port) => sv::Address::Inet((Ipv4Addr::LOCALHOST, *port).into()),
    }
}

/// A program of the machine's under a name in the sandbox.
pub(super) fn host(name: &str, path: &Path) -> sv::PlacedFile {
    sv::PlacedFile {
        name: name.into(),
        source: sv::FileSource::Host(path.to_path_buf()),
        mode: 0o755,
    }
}
