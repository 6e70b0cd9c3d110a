//! Stimuli as the supervisor's acts.

use std::net::IpAddr;

use supervisor::plan as sv;

use super::{PlanError, Planner};
use crate::lab::{Data, DataSource, FileStep, Inspection, OwnName, Reach, SocketKind, Stimulus};

impl Planner<'_> {
    pub(super) fn act(&self, stimulus: &Stimulus) -> Result<sv::Act, PlanError> {
        Ok(match stimulus {
            Stimulus::Start(program) => sv::Act::Start(self.role(program)?),
            Stimulus::Type { program, data } => sv::Act::Type {
                program: self.role(program)?,
                bytes: self.bytes(data),
                pieces: data.pieces.clone(),
            },
            Stimulus::Eof(program) => sv::Act::Eof(self.role(program)?),
            Stimulus::LeaveOutput { program, after } => sv::Act::LeaveOutput {
                program: self.role(program)?,
                after: *after,
            },
            Stimulus::Connect {
                peer,
                to,
                stalled,
                reach: None,
                stranger,
            } => sv::Act::Connect {
                peer: self.peer(peer)?,
                to: self.role(to)?,
                stalled: *stalled,
                stranger: *stranger,
            },
            Stimulus::Connect {
                peer,
                to,
                stalled,
                reach: Some(how),
                ..
            } => sv::Act::Reach {
                peer: self.peer(peer)?,
                to: self.role(to)?,
                stalled: *stalled,
                how: reach_of(how),
            },
            Stimulus::Listen { peer, kind, host } => self.listen(peer, *kind, *host)?,
            Stimulus::Accept {
                peer,
                listener,
                stalled,
            } => sv::Act::Accept {
                listener: self.peer(listener)?,
                peer: self.peer(peer)?,
                stalled: *stalled,
            },
            Stimulus::Open {
                peer,
                path,
                writing,
                stalled,
                room,
            } => sv::Act::Open {
                peer: self.peer(peer)?,
                path: self.path(path),
                writing: *writing,
                stalled: *stalled,
                room: *room,
            },
            Stimulus::Send { peer, data } => self.send(peer, data)?,
            Stimulus::Shutdown(peer) => sv::Act::Shutdown(self.peer(peer)?),
            Stimulus::Close(peer) => sv::Act::Close(self.peer(peer)?),
            Stimulus::Reset(peer) => sv::Act::Reset(self.peer(peer)?),
            Stimulus::Stall(peer) => sv::Act::Stall(self.peer(peer)?),
            Stimulus::Thaw(program) => sv::Act::Thaw(self.role(program)?),
            Stimulus::Resume(peer) => sv::Act::Resume(self.peer(peer)?),
            Stimulus::Signal {
                program,
                process,
                signal,
                count,
            } => sv::Act::Signal {
                to: sv::ProcessId {
                    program: self.role(program)?,
                    number: *process,
                },
                signal: self.signal(signal)?,
                count: *count,
            },
            Stimulus::Advance { ms } => sv::Act::Advance(*ms),
            Stimulus::File(file) => sv::Act::File(self.file(file)),
            Stimulus::Inspect { program, what } => sv::Act::Inspect {
                program: self.role(program)?,
                what: inspection(*what),
            },
            Stimulus::Disturb {
                program,
                disturbance,
            } => sv::Act::Disturb {
                program: self.role(program)?,
                disturbance: self.disturbance(disturbance)?,
            },
        })
    }

    fn listen(
        &self,
        peer: &str,
        kind: SocketKind,
        host: Option<IpAddr>,
    ) -> Result<sv::Act, PlanError> {
        let (peer, address) = (self.peer(peer)?, self.place(Some(kind), host));
        Ok(match kind {
            SocketKind::Stream | SocketKind::Tcp => sv::Act::Listen { peer, address },
            SocketKind::Datagram | SocketKind::Seqpacket => sv::Act::Desk {
                peer,
                address,
                kind: carries(kind),
            },
        })
    }

    fn send(&self, peer: &str, data: &Data) -> Result<sv::Act, PlanError> {
        let peer = self.peer(peer)?;
        Ok(match &data.source {
            DataSource::Fill { text, fills } => sv::Act::Flood {
                peer,
                bytes: self.fill(text).as_str().into(),
                fills: *fills,
            },
            _ => sv::Act::Send {
                peer,
                bytes: self.bytes(data),
                pieces: data.pieces.clone(),
            },
        })
    }

    fn file(&self, file: &FileStep) -> sv::FileAct {
        match file {
            FileStep::Write {
                path,
                content,
                mode,
            } => sv::FileAct::Write {
                path: self.path(path),
                content: self.fill(content).as_str().into(),
                mode: *mode,
            },
            FileStep::Stale { path } => sv::FileAct::StaleSocket(self.path(path)),
            FileStep::Fifo { path, mode } => sv::FileAct::Fifo {
                path: self.path(path),
                mode: *mode,
            },
            FileStep::Directory { path, mode } => sv::FileAct::Directory {
                path: self.path(path),
                mode: *mode,
            },
            FileStep::Chmod { path, mode } => sv::FileAct::Chmod {
                path: self.path(path),
                mode: *mode,
            },
            FileStep::Remove { path } => sv::FileAct::Remove(self.path(path)),
        }
    }
}

fn reach_of(how: &Reach) -> sv::Reach {
    sv::Reach {
        kind: carries(how.kind),
        name: match &how.name {
            OwnName::None => sv::OwnName::None,
            OwnName::Auto => sv::OwnName::Auto,
            OwnName::Path(name) => {
                let path = format!("{}/{name}", sv::WORKSPACE);
                sv::OwnName::At(sv::Address::Path(path.as_str().into()))
            }
            OwnName::Abstract(name) => sv::OwnName::At(sv::Address::Abstract(name.as_str().into())),
        },
        unconnected: how.unconnected,
        host: how.host,
    }
}

fn carries(kind: SocketKind) -> sv::SocketKind {
    match kind {
        SocketKind::Stream | SocketKind::Tcp => sv::SocketKind::Stream,
        SocketKind::Datagram => sv::SocketKind::Datagram,
        SocketKind::Seqpacket => sv::SocketKind::SeqPacket,
    }
}

fn inspection(what: Inspection) -> sv::Inspection {
    match what {
        Inspection::Tree => sv::Inspection::Tree,
        Inspection::Descriptors => sv::Inspection::Descriptors,
        Inspection::Idle => sv::Inspection::Idle,
        Inspection::Family => sv::Inspection::Family,
        Inspection::Handlers => sv::Inspection::Handlers,
        Inspection::Signals => sv::Inspection::Signals,
        Inspection::Terminal => sv::Inspection::Terminal,
        Inspection::Files => sv::Inspection::Files,
        Inspection::Lines => sv::Inspection::Lines,
        Inspection::Counted => sv::Inspection::Counted,
        Inspection::Threads => sv::Inspection::Threads,
        Inspection::Children => sv::Inspection::Children,
    }
}
