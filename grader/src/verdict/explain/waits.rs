//! Who waits for whom, and what ended or crashed, in sentences.

use supervisor::event::{Ender, ExitStatus, Lock, Object, Wait, WaitState, What};
use supervisor::plan::{Address, ProcessId};

use super::Scene;
use crate::lab::Stimulus;
use crate::transcript::{Op, PhaseDifference, errno_name, signal_name};
use crate::verdict::evidence::is_end;
use crate::verdict::phrases::Phrase;

/// Sentences that are said.
const MOST: usize = 12;

/// Causes first, then who waits for whom where something expected did not come.
pub(super) fn waits(scene: &Scene<'_>, found: &PhaseDifference, hung: bool) -> Vec<String> {
    let mut said = Vec::new();
    let mut say = |sentence: String| {
        if !said.contains(&sentence) {
            said.push(sentence);
        }
    };
    causes(scene, &mut say);
    ended(scene, &mut say);
    peers(scene, found, &mut say);
    if hung && let Some(settled) = scene.settled() {
        for wait in &settled.waits {
            say(sentence(scene, wait));
        }
    }
    said.truncate(MOST);
    said
}

/// Failures told by events: exec, bind, limits, signals that kill children.
fn causes(scene: &Scene<'_>, say: &mut impl FnMut(String)) {
    for event in &scene.case.ran.events {
        if event.step > scene.step {
            break;
        }
        match &event.what {
            What::ExecFailed { process, errno } if scene.is_students(*process) => {
                say(scene.say(Phrase::ExecFailed {
                    who: &scene.who(*process),
                    error: &errno_name(*errno),
                }));
            }
            What::BindFailed {
                process,
                address,
                errno,
            } if scene.is_students(*process) => say(scene.say(Phrase::BindFailed {
                who: &scene.who(*process),
                address: &address.to_string(),
                error: &errno_name(*errno),
            })),
            &What::Limit {
                program,
                limit,
                most,
            } => {
                let role = program.map(|program| ProcessId { program, number: 0 });
                say(match role {
                    Some(role) => scene.say(Phrase::LimitReached {
                        who: scene.role(role),
                        limit,
                        most,
                    }),
                    None => scene.say(Phrase::RunLimit { limit, most }),
                });
            }
            What::Exited {
                process,
                status: ExitStatus::Signal(signal),
            } if process.number > 0 && scene.is_students(*process) && event.step == scene.step => {
                say(killed(scene, &scene.who(*process), *signal));
            }
            What::ActFailed { error, .. } if event.step == scene.step => {
                say(scene.say(Phrase::ActFailed(error)));
            }
            _ => {}
        }
    }
}

fn killed(scene: &Scene<'_>, who: &str, signal: i32) -> String {
    scene.say(Phrase::Killed {
        who,
        signal: &signal_name(signal),
        meaning: &scene.say(Phrase::SignalMeaning(signal)),
    })
}

/// Programs of the submission that ended although they should not, or otherwise than they should.
fn ended(scene: &Scene<'_>, say: &mut impl FnMut(String)) {
    let ran = scene.case.ran;
    for (phase, expected) in ran.actual.phases.iter().zip(&ran.expected.phases) {
        if phase.number == 0 || phase.number > scene.step {
            continue;
        }
        for line in phase.lines.iter().filter(|line| is_end(line)) {
            let student = scene.case.scenario.students.contains(&line.lane);
            if !student || expected.lines.contains(line) {
                continue;
            }
            let signal = ran.events.iter().find_map(|event| match &event.what {
                What::Exited {
                    process,
                    status: ExitStatus::Signal(signal),
                } if process.number == 0 && scene.role(*process) == line.lane => Some(*signal),
                _ => None,
            });
            if let Some(signal) = signal {
                say(killed(scene, &line.lane, signal));
            }
            let started = !line.payload.starts_with("exec");
            if phase.number < scene.step && started {
                say(scene.say(Phrase::EndedEarlier {
                    who: &line.lane,
                    step: phase.number,
                    how: &line.payload,
                }));
            }
        }
    }
}

/// Peers that were not served.
fn peers(scene: &Scene<'_>, found: &PhaseDifference, say: &mut impl FnMut(String)) {
    let lines = found.streams.iter().flat_map(|stream| &stream.yours);
    for line in lines.filter(|line| line.op == Op::Life && line.channel.is_empty()) {
        let Some(server) = connects_to(scene, &line.lane) else {
            continue;
        };
        if line.payload.starts_with("queued") {
            say(scene.say(Phrase::InQueue {
                peer: &line.lane,
                server,
            }));
        } else if line.payload.starts_with("refused") && !has_listened(scene, server) {
            say(scene.say(Phrase::NeverListened(server)));
        }
    }
    // A start that should have led to listening and did not.
    let lines = found.streams.iter().flat_map(|stream| {
        let listens = |line: &&crate::transcript::Line| line.payload.starts_with("listen ");
        stream.expected.iter().filter(listens)
    });
    for line in lines {
        if line.op == Op::Life && !has_listened(scene, &line.lane) {
            say(scene.say(Phrase::NeverListened(&line.lane)));
        }
    }
}

fn connects_to<'a>(scene: &Scene<'a>, name: &str) -> Option<&'a str> {
    let steps = &scene.case.scenario.steps;
    steps
        .iter()
        .flat_map(|step| &step.stimuli)
        .find_map(|stimulus| match stimulus {
            Stimulus::Connect { peer, to, .. } if peer == name => Some(to.as_str()),
            _ => None,
        })
}

fn has_listened(scene: &Scene<'_>, role: &str) -> bool {
    scene.case.ran.events.iter().any(|event| match &event.what {
        What::Listening { process, .. } => event.step <= scene.step && scene.role(*process) == role,
        _ => false,
    })
}

fn sentence(scene: &Scene<'_>, wait: &Wait) -> String {
    let who = &who(scene, wait);
    let call = &wait.call;
    match &wait.state {
        WaitState::Blocked => {
            let ends: Vec<String> = wait
                .enders
                .iter()
                .filter_map(|ender| end(scene, wait, ender))
                .collect();
            scene.say(Phrase::Waits {
                who,
                call,
                what: &what(scene, wait),
                ends: &ends.join("; "),
            })
        }
        WaitState::Timed(ms) => scene.say(Phrase::WaitsAtMost {
            who,
            call,
            what: &what(scene, wait),
            ms: *ms,
        }),
        WaitState::Polling(ms) => scene.say(Phrase::Polls { who, call, ms: *ms }),
        WaitState::Spinning { calls: 0, .. } => scene.say(Phrase::Computes(who)),
        WaitState::Spinning {
            repeats: Some(repeats),
            ..
        } => {
            let call = repeats.split(" = ").next().unwrap_or(repeats);
            scene.say(Phrase::SpinsBetween { who, call })
        }
        WaitState::Spinning { .. } => scene.say(Phrase::SpinsInCall { who, call }),
        WaitState::Stopped => scene.say(Phrase::IsStopped(who)),
        WaitState::Zombie => scene.say(Phrase::IsZombie(who)),
        WaitState::Unknown => scene.say(Phrase::CannotBeSeen(who)),
    }
}

/// The process, and which of its threads if it is not the first.
fn who(scene: &Scene<'_>, wait: &Wait) -> String {
    let process = scene.who(wait.process);
    match wait.thread {
        0 => process,
        thread => scene.say(Phrase::ThreadOf(&process, thread)),
    }
}

fn what(scene: &Scene<'_>, wait: &Wait) -> String {
    match &wait.on {
        Object::Pipe { name, writing } if *writing => scene.say(Phrase::PipeToWrite(name)),
        Object::Pipe { name, .. } => scene.say(Phrase::PipeToRead(name)),
        Object::Socket { peer, writing } if *writing => scene.say(Phrase::SocketToWrite(peer)),
        Object::Socket { peer, .. } => scene.say(Phrase::SocketToRead(peer)),
        Object::Listener(Address::Inet(address)) => {
            scene.say(Phrase::Connection(&address.to_string()))
        }
        Object::Listener(_) => scene.say(Phrase::Connection("<socket>")),
        Object::Several(things) => scene.say(Phrase::OneOf(&things.join(", "))),
        Object::Children => scene.say(Phrase::AnyChild),
        Object::Signal => scene.say(Phrase::ASignal),
        Object::Lock(lock) => held(scene, wait, lock),
        Object::Other(words) => words.clone(),
        Object::Fifo(path) => scene.say(Phrase::FifoEnd(&path.escaped())),
        Object::Terminal => scene.say(Phrase::ATerminal),
        Object::Time => scene.say(Phrase::TimeOnly),
    }
}

fn held(scene: &Scene<'_>, wait: &Wait, lock: &Lock) -> String {
    let thread = |number: u16| scene.say(Phrase::Thread(number));
    match lock {
        Lock::Join(number) => scene.say(Phrase::EndOf(&thread(*number))),
        Lock::Mutex {
            process,
            thread: number,
        } => {
            let holder = match (*process == wait.process, number) {
                (true, _) => thread(*number),
                (false, 0) => scene.who(*process),
                (false, _) => scene.say(Phrase::ThreadOf(&scene.who(*process), *number)),
            };
            scene.say(Phrase::MutexOf(&holder))
        }
        Lock::Orphan => scene.say(Phrase::MutexOfNobody),
        Lock::Stream(number) => scene.say(Phrase::StreamOf(&thread(*number))),
        Lock::File(path) => scene.say(Phrase::FileLock(&path.escaped())),
        Lock::Unowned => scene.say(Phrase::SomeLock),
    }
}

fn end(scene: &Scene<'_>, wait: &Wait, ender: &Ender) -> Option<String> {
    let phrase = match ender {
        Ender::Process {
            process,
            fd,
            itself,
        } => {
            let who = &scene.who(*process);
            let fd = *fd;
            return Some(scene.say(match (&wait.on, itself) {
                (Object::Pipe { writing: false, .. }, true) => Phrase::WriteEndInItself { who, fd },
                (Object::Pipe { writing: true, .. }, true) => Phrase::ReadEndInItself { who, fd },
                (Object::Pipe { writing: false, .. }, false) => Phrase::WriteEndIn { who, fd },
                (Object::Pipe { writing: true, .. }, false) => Phrase::ReadEndIn { who, fd },
                (Object::Children, false) => Phrase::EndedBy(who),
                (_, true) => Phrase::HeldByItself { who, fd },
                (_, false) => Phrase::HeldBy { who, fd },
            }));
        }
        Ender::Grader => match &wait.on {
            Object::Socket { peer, .. } => Phrase::ByPeer(peer),
            Object::Pipe { .. } => Phrase::ByGrader,
            Object::Fifo(_) => Phrase::GraderOpens,
            // That the grader connects, signals or lets time pass next is plain.
            _ => return None,
        },
        Ender::Nobody => Phrase::ByNobody,
        Ender::Unknown(_) if wait.on == Object::Lock(Lock::Unowned) => Phrase::ByUnowned,
        Ender::Unknown(reason) => Phrase::ByUnknown(reason),
    };
    Some(scene.say(phrase))
}
