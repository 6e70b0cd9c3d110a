//! What ends a command early: one message, its causes, and what to do.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use grader::lab::Lang;
use grader::locale::system_error;

use super::lang::{both, lang};

/// Some requirements are not met.
pub(super) const NOT_MET: u8 = 1;
/// Called wrongly, or a lab that is wrong.
pub(super) const USAGE: u8 = 2;
/// The grader or the machine failed.
pub(super) const FAULT: u8 = 3;

/// Why a command could not be carried out.
#[derive(Debug)]
pub(super) struct Failure {
    status: u8,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    quiet: bool,
}

impl Failure {
    fn new(status: u8, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            quiet: false,
        }
    }

    /// The caller's or the lab's mistake.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    /// The grader's or the machine's failure.
    pub(super) fn fault(message: impl Into<String>) -> Self {
        Self::new(FAULT, message)
    }

    /// Nothing more is said: it has been said where it was found.
    pub(super) fn said(status: u8) -> Self {
        Self {
            quiet: true,
            ..Self::new(status, "")
        }
    }

    /// The exit status.
    pub(super) fn status(&self) -> u8 {
        self.status
    }

    /// What is wrong, without causes and hints.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Whether there is nothing to say.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// With the errors below it.
    pub(super) fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let of_system = error.downcast_ref::<io::Error>();
            let said = of_system.map(|error| system_error(error, lang()));
            let said = said.unwrap_or_else(|| error.to_string());
            // Many errors say what is below them as well.
            if !self.causes.last().is_some_and(|last| last.contains(&said)) {
                self.causes.push(said);
            }
            next = error.source();
        }
        self
    }

    /// With what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says it on standard error and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        if !self.quiet {
            // Nobody is left to be told that standard error is closed.
            let _ = self.write(&mut anstream::stderr().lock(), lang());
        }
        ExitCode::from(self.status)
    }

    fn write(&self, out: &mut dyn Write, lang: Lang) -> io::Result<()> {
        let (error, remedy) = lang.pick(("error", "hint"), ("ошибка", "совет"));
        let bad = anstyle::AnsiColor::Red.on_default().bold();
        let good = anstyle::AnsiColor::Cyan.on_default().bold();
        writeln!(
            out,
            "{bad}{error}{bad:#}: {}",
            grader::text::clean(&self.message)
        )?;
        for cause in &self.causes {
            writeln!(
                out,
                "  {}",
                grader::text::clean(cause).replace('\n', "\n  ")
            )?;
        }
        for hint in &self.hints {
            writeln!(out, "{good}{remedy}{good:#}: {}", grader::text::clean(hint))?;
        }
        Ok(())
    }
}

/// Errors of writing to standard output. A reader that has gone away (`| head`) is no error.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::said(0),
            _ => Self::fault(both("the output cannot be written", "вывод не записать"))
                .because(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(failure: &Failure) -> String {
        let mut out = Vec::new();
        failure.write(&mut out, Lang::En).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
    }

    #[test]
    fn message_causes_and_hints_each_have_a_line() {
        let cause = io::Error::other("no such thing");
        let failure = Failure::usage("cannot do it")
            .because(&cause)
            .hint("do something else");
        assert_eq!(
            text(&failure),
            "error: cannot do it\n  no such thing\nhint: do something else\n"
        );
    }

    #[test]
    fn what_an_error_says_of_the_one_below_it_is_not_said_twice() {
        #[derive(Debug)]
        struct Above(io::Error);
        impl std::fmt::Display for Above {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "it failed: {}", self.0)
            }
        }
        impl Error for Above {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let failure = Failure::usage("no").because(&Above(io::Error::other("full")));
        assert_eq!(text(&failure), "error: no\n  it failed: full\n");
    }

    #[test]
    fn a_name_with_controls_reaches_no_terminal() {
        assert_eq!(
            text(&Failure::usage("no \u{1b}[2J here")),
            "error: no \\x1b[2J here\n"
        );
    }

    #[test]
    fn a_reader_that_has_gone_is_no_error() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.status, failure.quiet), (0, true));
        let failure = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!((failure.status, failure.quiet), (FAULT, false));
    }
}
