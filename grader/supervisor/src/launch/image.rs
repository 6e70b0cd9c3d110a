//! A program's image, arguments and environment, made ready before the fork.

use std::ffi::{CString, OsString, c_char};
use std::os::unix::ffi::OsStringExt;

use super::LaunchError;
use crate::bytes::Bytes;
use crate::plan::{Image, Program};

/// What the child needs, so that it allocates nothing before `execve`.
#[derive(Debug)]
pub(super) enum Prepared {
    /// For `execve`.
    File {
        /// The path.
        path: CString,
        /// The arguments.
        argv: Strings,
        /// The environment.
        envp: Strings,
    },
    /// For a function of this executable.
    Builtin {
        /// Its name.
        name: String,
        /// The arguments.
        argv: Vec<OsString>,
        /// The environment, names and values.
        env: Vec<(CString, CString)>,
    },
}

impl Prepared {
    pub(super) fn new(program: &Program) -> Result<Self, LaunchError> {
        match &program.image {
            Image::File(path) => {
                let argv = program
                    .argv
                    .iter()
                    .map(|argument| c_string(argument.to_vec(), "an argument"));
                let envp = program.env.iter().map(|(name, value)| {
                    c_string([name.as_ref(), b"=", value.as_ref()].concat(), VARIABLE)
                });
                Ok(Self::File {
                    path: c_string(path.to_vec(), "the path of the program")?,
                    argv: Strings::new(argv.collect::<Result<_, _>>()?),
                    envp: Strings::new(envp.collect::<Result<_, _>>()?),
                })
            }
            Image::Builtin(name) => {
                let argv = program.argv.iter().map(|a| OsString::from_vec(a.to_vec()));
                let env = program.env.iter().map(|(name, value)| {
                    let both = |bytes: &Bytes| c_string(bytes.to_vec(), VARIABLE);
                    Ok((both(name)?, both(value)?))
                });
                Ok(Self::Builtin {
                    name: name.clone(),
                    argv: argv.collect(),
                    env: env.collect::<Result<_, LaunchError>>()?,
                })
            }
        }
    }
}

const VARIABLE: &str = "a variable of the environment";

fn c_string(bytes: Vec<u8>, what: &'static str) -> Result<CString, LaunchError> {
    CString::new(bytes).map_err(|_| LaunchError::Nul(what))
}

/// Strings with the null-terminated array of pointers to them that `execve` takes.
#[derive(Debug)]
pub(super) struct Strings {
    /// Owns what `pointers` points to; never changed.
    _strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Strings {
    fn new(strings: Vec<CString>) -> Self {
        let mut pointers: Vec<_> = strings.iter().map(|s| s.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Self {
            _strings: strings,
            pointers,
        }
    }

    pub(super) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }
}
