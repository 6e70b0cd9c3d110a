//! Starting one program inside the sandbox, from the single-threaded helper.

use std::ffi::OsString;
use std::os::fd::OwnedFd;

use crate::plan::Program;

/// The programs that are functions of this executable: called with the name and the whole `argv`,
/// answers the exit code, or `None` for a name it does not know.
pub type Builtins = fn(&str, &[OsString]) -> Option<i32>;

/// The standard descriptors of a program; `None` leaves one closed.
#[derive(Debug, Default)]
pub struct Stdio {
    /// Descriptor 0.
    pub stdin: Option<OwnedFd>,
    /// Descriptor 1.
    pub stdout: Option<OwnedFd>,
    /// Descriptor 2.
    pub stderr: Option<OwnedFd>,
}

/// A program that waits at its gate.
#[derive(Debug)]
pub struct Launched {
    /// Its pid, a child of the caller.
    pub pid: i32,
    /// Write one byte here to let it go on to its filter and `execve`. Attach with `PTRACE_SEIZE`
    /// before: a call that the filter hands to a tracer fails with `ENOSYS` without one. Closing
    /// it unwritten ends the process.
    pub gate: OwnedFd,
    /// Four bytes of `errno` (native endian) when the program could not be started; end of file
    /// without a byte when it was.
    pub failure: OwnedFd,
}

/// Why a program could not be launched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// An argument, a path or a variable contains a NUL byte.
    #[error("{0} contains a NUL byte")]
    Nul(&'static str),
    /// The executable has no such builtin program.
    #[error("there is no builtin program called {0:?}")]
    NoSuchBuiltin(String),
    /// A system call failed.
    #[error("{0} failed: {1}")]
    Os(&'static str, #[source] std::io::Error),
}

/// tmp
#[derive(Debug)]
pub struct Launcher {
    /// tmp
    pub builtins: Builtins,
}
impl Launcher {
    /// tmp
    pub fn spawn(
        &self,
        program: &Program,
        stdio: Stdio,
        observe: bool,
    ) -> Result<Launched, LaunchError> {
        use std::ffi::CString;
        use std::os::fd::*;
        let (gr, gw) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        let (fr, fw) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        let argv: Vec<CString> = program
            .argv
            .iter()
            .map(|a| CString::new(a.0.clone()).unwrap())
            .collect();
        let env: Vec<CString> = program
            .env
            .iter()
            .map(|(a, b)| CString::new([&a.0[..], b"=", &b.0[..]].concat()).unwrap())
            .collect();
        let path = match &program.image {
            crate::plan::Image::File(p) => Some(CString::new(p.0.clone()).unwrap()),
            _ => None,
        };
        let list = crate::tracer::calls::of_interest();
        let rules = list.iter().map(|&n| (n, vec![])).collect();
        use seccompiler::*;
        let f: BpfProgram = SeccompFilter::new(
            rules,
            SeccompAction::Allow,
            SeccompAction::Trace(0),
            TargetArch::x86_64,
        )
        .unwrap()
        .try_into()
        .unwrap();
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            unsafe {
                libc::setsid();
                let dup = |fd: &Option<OwnedFd>, to: i32| match fd {
                    Some(f) => {
                        libc::dup2(f.as_raw_fd(), to);
                    }
                    None => {
                        libc::close(to);
                    }
                };
                dup(&stdio.stdin, 0);
                dup(&stdio.stdout, 1);
                dup(&stdio.stderr, 2);
                for s in 1..65 {
                    libc::signal(s, libc::SIG_DFL);
                }
                let mut set: libc::sigset_t = std::mem::zeroed();
                libc::sigemptyset(&mut set);
                libc::sigprocmask(libc::SIG_SETMASK, &set, std::ptr::null_mut());
                let mut b = [0u8];
                libc::read(gr.as_raw_fd(), b.as_mut_ptr().cast(), 1);
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if path.is_none() {
                    let fw2 = fw.as_raw_fd();
                    for fd in 3..64 {
                        let _ = fw2;
                        libc::close(fd);
                    }
                }
                if observe {
                    seccompiler::apply_filter(&f).unwrap();
                }
                match &program.image {
                    crate::plan::Image::Builtin(name) => {
                        let args: Vec<OsString> = program
                            .argv
                            .iter()
                            .skip(1)
                            .map(|a| {
                                use std::os::unix::ffi::OsStringExt;
                                OsString::from_vec(a.0.clone())
                            })
                            .collect();
                        std::process::exit((self.builtins)(name, &args).unwrap_or(127));
                    }
                    _ => {
                        let mut a: Vec<*const libc::c_char> =
                            argv.iter().map(|c| c.as_ptr()).collect();
                        a.push(std::ptr::null());
                        let mut e: Vec<*const libc::c_char> =
                            env.iter().map(|c| c.as_ptr()).collect();
                        e.push(std::ptr::null());
                        libc::execve(path.as_ref().unwrap().as_ptr(), a.as_ptr(), e.as_ptr());
                        let er = *libc::__errno_location();
                        libc::write(fw.as_raw_fd(), (&raw const er).cast(), 4);
                        libc::_exit(127);
                    }
                }
            }
        }
        Ok(Launched {
            pid,
            gate: gw,
            failure: fr,
        })
    }
}
