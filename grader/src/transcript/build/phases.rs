//! The transcript of the reactions: its phases, its lanes, the streams compared as a whole.

use supervisor::event::Event;
use supervisor::plan::ProgramId;

use super::Builder;
use crate::lab::{Property, StreamMode};
use crate::transcript::reaction::{STREAMS, Streams};
use crate::transcript::{
    CHECKS, END, Lane, Line, Op, Phase, Player, Transcript, among, check, frame, modes, step_title,
    title,
};

/// Lines of a stream compared as a whole, or shown at the end, that are kept.
const MOST_WHOLE: usize = 2000;

impl Builder<'_> {
    pub(super) fn finish(mut self, events: &[Event]) -> Transcript {
        for ((phase, lane), states) in std::mem::take(&mut self.states) {
            if let Some(reaction) = self.reactions[phase].get_mut(lane) {
                reaction.states.extend(states);
            }
        }
        self.connections();
        let mut phases = self.step_phases();
        phases.extend(self.end_phase());
        phases.extend(self.checks_phase(events));
        Transcript {
            lab: self.context.lab.id.clone(),
            scenario: self.context.scenario.id.clone(),
            lanes: self.lanes(),
            phases,
            free: self.whole_streams(|mode| matches!(mode, StreamMode::Free)),
        }
    }

    fn step_phases(&mut self) -> Vec<Phase> {
        let reactions = std::mem::take(&mut self.reactions);
        let steps = &self.context.scenario.steps;
        let mut phases = Vec::with_capacity(steps.len());
        for (index, (step, lanes)) in steps.iter().zip(reactions).enumerate() {
            let mut lines = Vec::new();
            for (lane, reaction) in lanes.into_iter().enumerate() {
                let programs = self.actors.programs.len();
                let scenario = self.context.scenario;
                let exact = &StreamMode::Exact;
                if let Some(role) = self.actors.programs.get(lane) {
                    let modes = modes::of(self.context.lab, scenario, role);
                    let streams = Streams {
                        data: exact,
                        out: modes.out,
                        err: modes.err,
                        ignore: modes.ignore,
                    };
                    lines.extend(reaction.lines(role, &streams, &self.binder));
                } else if let Some(peer) = self.actors.peers.get(lane - programs) {
                    let streams = Streams {
                        data: modes::of_peer(scenario, peer),
                        out: exact,
                        err: exact,
                        ignore: modes::in_scenario(scenario),
                    };
                    lines.extend(reaction.lines(peer, &streams, &self.binder));
                }
            }
            phases.push(Phase {
                number: u32::try_from(index + 1).unwrap_or(u32::MAX),
                title: step_title(step),
                lines,
            });
        }
        phases
    }

    /// Programs the grader had to kill, and streams compared as a whole.
    fn end_phase(&self) -> Option<Phase> {
        let mut lines = Vec::new();
        let mut whole = self.whole_streams(|mode| matches!(mode, StreamMode::LinesInOrder));
        for (index, role) in self.actors.programs.iter().enumerate() {
            let id = u16::try_from(index).map(ProgramId);
            if id.is_ok_and(|id| self.still_running.contains(&id)) {
                lines.push(Line {
                    lane: role.clone(),
                    channel: String::new(),
                    op: Op::Life,
                    payload: "still running".to_owned(),
                });
            }
            lines.extend(whole.extract_if(.., |line| line.lane == *role));
        }
        lines.extend(whole);
        (!lines.is_empty()).then(|| Phase {
            number: 0,
            title: END.to_owned(),
            lines,
        })
    }

    fn checks_phase(&self, events: &[Event]) -> Option<Phase> {
        let lines: Vec<Line> = self
            .context
            .scenario
            .checks
            .iter()
            .map(|check| {
                let said = match self.actors.program(&check.program) {
                    Some(_) if let Property::Among(among) = &check.property => {
                        among::judge(among, check.window, self.actors, events)
                    }
                    Some(id) => check::judge(check, ProgramId(id), events),
                    None => "no, it never ran".to_owned(),
                };
                Line {
                    lane: check.program.clone(),
                    channel: String::new(),
                    op: Op::Property,
                    payload: format!("{}: {said}", check.id),
                }
            })
            .collect();
        (!lines.is_empty()).then(|| Phase {
            number: 0,
            title: CHECKS.to_owned(),
            lines,
        })
    }

    fn whole_streams(&self, wanted: impl Fn(&StreamMode) -> bool) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut whole = |lane: &str, channel: &str, bytes: &[u8], ignore| {
            for (op, payload) in frame::lines(bytes, &self.binder, MOST_WHOLE, ignore) {
                lines.push(Line {
                    lane: lane.to_owned(),
                    channel: channel.to_owned(),
                    op,
                    payload,
                });
            }
        };
        for (role, streams) in self.actors.programs.iter().zip(&self.whole) {
            let modes = modes::of(self.context.lab, self.context.scenario, role);
            for (index, mode) in [modes.out, modes.err].into_iter().enumerate() {
                if wanted(mode) {
                    whole(role, STREAMS[index], &streams[index], modes.ignore);
                }
            }
        }
        for (peer, received) in self.actors.peers.iter().zip(&self.received) {
            if wanted(modes::of_peer(self.context.scenario, peer)) {
                let ignore = modes::in_scenario(self.context.scenario);
                whole(peer, "", received, ignore);
            }
        }
        lines
    }

    fn lanes(&self) -> Vec<Lane> {
        let program = |role: &String| Lane {
            name: role.clone(),
            command: self.command(role),
            player: if self.context.students.contains(role) {
                Player::Student
            } else {
                Player::Reference
            },
            ignore: modes::of(self.context.lab, self.context.scenario, role).ignore,
        };
        let peer = |name: &String| Lane {
            name: name.clone(),
            command: String::new(),
            player: Player::Peer,
            ignore: modes::in_scenario(self.context.scenario),
        };
        let programs = self.actors.programs.iter().map(program);
        programs.chain(self.actors.peers.iter().map(peer)).collect()
    }

    fn command(&self, role: &str) -> String {
        let Some(program) = modes::program(self.context.lab, role) else {
            return String::new();
        };
        let setup = self.context.scenario.setup.get(role);
        let args = setup.and_then(|setup| setup.args.as_ref());
        let mut command = format!("./{}", program.executable);
        for arg in args.unwrap_or(&program.args) {
            command.push(' ');
            if arg.is_empty() {
                command.push_str("''");
            }
            command.push_str(&title::named(arg).replace(' ', "\\x20"));
        }
        command
    }
}
