//! A helper without a tracer: starts each program in turn, collects what it prints and how it
//! ended.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2, write};
use supervisor::bytes::Bytes;
use supervisor::event::{Event, ExitStatus, Stream, What};
use supervisor::launch::{Outcome, Stdio, outcome};
use supervisor::plan::{Act, Input, Output, Plan, ProcessId, ProgramId};
use supervisor::worker::HelperContext;

pub(crate) fn run(mut context: HelperContext) -> i32 {
    let granted = context.granted.clone();
    say(&mut context, What::Enforced(granted));
    let plan = context.plan.clone();
    if plan.name == crate::tracing::AT_ONCE {
        start_at_once(&mut context, &plan);
    }
    let acts = plan.steps.iter().flat_map(|step| &step.acts);
    for act in acts.filter(|_| plan.name != crate::tracing::AT_ONCE) {
        match act {
            Act::Start(id) => start(&mut context, &plan, *id),
            other => panic!("{other:?} is not known here"),
        }
    }
    say(&mut context, What::Ended);
    0
}

fn start_at_once(context: &mut HelperContext, plan: &Plan) {
    let stdio = || Stdio {
        stdin: Some(null()),
        stdout: Some(null()),
        stderr: Some(null()),
    };
    let mut launched = Vec::new();
    for program in &plan.programs {
        for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGPIPE, libc::SIGSEGV] {
            let killed = context.launcher.spawn(program, stdio(), true).unwrap();
            crate::tracing::kill_at_gate(killed, signal);
        }
        launched.push(context.launcher.spawn(program, stdio(), true).unwrap());
    }
    for (index, launched) in launched.into_iter().enumerate() {
        let id = ProgramId(u16::try_from(index).unwrap());
        for what in crate::tracing::follow(launched, id) {
            say(context, what);
        }
        // What a program that shared this memory did to it.
        assert!(!nix::sys::prctl::get_dumpable().unwrap());
    }
}

fn say(context: &mut HelperContext, what: What) {
    let at = u64::try_from(context.started.elapsed().as_micros()).unwrap();
    context.up.send(&Event { at, step: 0, what }).unwrap();
    context.up.flush().unwrap();
}

fn null() -> OwnedFd {
    File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .unwrap()
        .into()
}

fn output(kind: Output) -> (Option<OwnedFd>, Option<OwnedFd>) {
    match kind {
        Output::Pipe => {
            let (ours, theirs) = pipe2(OFlag::O_CLOEXEC).unwrap();
            fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
            (Some(ours), Some(theirs))
        }
        Output::Closed => (None, None),
        Output::Null => (None, Some(null())),
        Output::Full | Output::Terminal => panic!("not known here"),
    }
}

fn start(context: &mut HelperContext, plan: &Plan, id: ProgramId) {
    let program = &plan.programs[usize::from(id.0)];
    let (out, stdout) = output(program.stdout);
    let (err, stderr) = output(program.stderr);
    let (kept, stdin) = match program.stdin {
        Input::Null => (None, Some(null())),
        Input::Closed => (None, None),
        Input::Pipe => {
            let (theirs, ours) = pipe2(OFlag::O_CLOEXEC).unwrap();
            (Some(ours), Some(theirs))
        }
        Input::Terminal | Input::Cooked => {
            let pair = nix::pty::openpty(None, None).unwrap();
            (Some(pair.master), Some(pair.slave))
        }
    };
    let stdio = Stdio {
        stdin,
        stdout,
        stderr,
    };
    if plan.observation == supervisor::plan::Observation::Full {
        let launched = context.launcher.spawn(program, stdio, true).unwrap();
        for what in crate::tracing::follow(launched, id) {
            say(context, what);
        }
        return;
    }
    let launched = context.launcher.spawn(program, stdio, false).unwrap();
    write(&launched.gate, b"x").unwrap();
    let process = ProcessId {
        program: id,
        number: 0,
    };
    match outcome(&launched.failure).unwrap() {
        Outcome::Runs => {
            let pid = launched.pid;
            say(context, What::Started { process, pid });
        }
        Outcome::ExecFailed(errno) => say(context, What::ExecFailed { process, errno }),
        Outcome::NotConfined { step, errno } => panic!("{step}: {errno}"),
    }
    let mut streams = [(Stream::Out, out), (Stream::Err, err)];
    let ended = pidfd(launched.pid);
    loop {
        let mut watched = vec![PollFd::new(ended.as_fd(), PollFlags::POLLIN)];
        for (_, stream) in &streams {
            if let Some(stream) = stream {
                watched.push(PollFd::new(stream.as_fd(), PollFlags::POLLIN));
            }
        }
        poll(&mut watched, PollTimeout::NONE).unwrap();
        let over = watched[0].any().unwrap();
        for (name, stream) in &mut streams {
            drain(context, id, *name, stream);
        }
        if over {
            break;
        }
    }
    let status = match waitpid(Pid::from_raw(launched.pid), Some(WaitPidFlag::__WALL)).unwrap() {
        WaitStatus::Exited(_, code) => ExitStatus::Code(code),
        WaitStatus::Signaled(_, signal, _) => ExitStatus::Signal(signal as i32),
        other => panic!("{other:?}"),
    };
    say(context, What::Exited { process, status });
    drop(kept);
}

fn drain(
    context: &mut HelperContext,
    program: ProgramId,
    name: Stream,
    stream: &mut Option<OwnedFd>,
) {
    while let Some(fd) = stream {
        let mut file = File::from(fd.try_clone().unwrap());
        let mut buffer = vec![0; 64 << 10];
        match file.read(&mut buffer) {
            Ok(0) => *stream = None,
            Ok(n) => {
                buffer.truncate(n);
                let bytes = Bytes(buffer);
                let stream = name;
                say(
                    context,
                    What::Output {
                        program,
                        stream,
                        bytes,
                    },
                );
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => return,
            Err(e) => panic!("{e}"),
        }
    }
}

/// A descriptor that becomes readable when the process ends.
fn pidfd(pid: i32) -> OwnedFd {
    use std::os::fd::FromRawFd;
    // SAFETY: takes numbers; the descriptor is new and nobody else's.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        OwnedFd::from_raw_fd(i32::try_from(fd).unwrap())
    }
}
