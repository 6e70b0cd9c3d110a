//! The reference programs of the labs: what each handout asks for, done.
//!
//! They run as `grader reference NAME ARGUMENT...` and, without exec, in a child forked by the
//! sandbox. So they keep away from process-wide things that differ there: they take their
//! arguments as given, start no threads, block the signals they care about instead of relying on
//! dispositions, and write to descriptors, never to a buffered stream.

mod ask_alarm;
mod at_exit;
mod chat_client;
mod chat_server;
mod cmm;
mod course_06;
mod course_16;
mod course_21;
mod course_25;
mod course_26;
mod course_27;
mod course_30_client;
mod course_30_server;
mod course_31_server;
mod fifo_log;
mod inet;
mod inet_client;
mod inet_server;
mod io;
mod line_server;
mod lines;
mod nanny;
mod pipe_line;
mod pipe_upper;
mod server;
mod sig_count;
mod talk;
mod us_client;
mod us_many;
mod us_msg;
mod us_msg_cli;
mod us_name;
mod us_server;

use std::ffi::OsString;

/// The names of all reference programs, sorted.
pub const NAMES: &[&str] = &[
    "ask-alarm",
    "at-exit",
    "chat-client",
    "chat-server",
    "cmm",
    "course-06",
    "course-16",
    "course-21",
    "course-25",
    "course-26",
    "course-27",
    "course-30-client",
    "course-30-server",
    "course-31-server",
    "fifo-log",
    "inet-client",
    "inet-server",
    "nanny",
    "pipe-line",
    "pipe-upper",
    "sig-count",
    "us-client",
    "us-many",
    "us-msg",
    "us-msg-cli",
    "us-name",
    "us-server",
];

/// Exit status of a program that was called wrongly.
const USAGE: i32 = 2;

/// Runs a reference program in this process and returns its exit status; `None` when there is no
/// program of that name. `args` are the arguments after the program's name.
///
/// The process is the program's: its signal mask and descriptors are changed and not put back.
/// The caller exits with the status. `at-exit`, `course-25`, `nanny` and `pipe-upper` need a process that
/// has one thread, because they fork; `nanny` and `pipe-line` execute other programs.
#[must_use]
pub fn run(name: &str, args: &[OsString]) -> Option<i32> {
    match name {
        "ask-alarm" => Some(ask_alarm::run(args)),
        "at-exit" => Some(at_exit::run(args)),
        "chat-client" => Some(chat_client::run(args)),
        "chat-server" => Some(chat_server::run(args)),
        "cmm" => Some(cmm::run(args)),
        "course-06" => Some(course_06::run(args)),
        "course-16" => Some(course_16::run(args)),
        "course-21" => Some(course_21::run(args)),
        "course-25" => Some(course_25::run(args)),
        "course-26" => Some(course_26::run(args)),
        "course-27" => Some(course_27::run(args)),
        "course-30-client" => Some(course_30_client::run(args)),
        "course-30-server" => Some(course_30_server::run(args)),
        "course-31-server" => Some(course_31_server::run(args)),
        "fifo-log" => Some(fifo_log::run(args)),
        "inet-client" => Some(inet_client::run(args)),
        "inet-server" => Some(inet_server::run(args)),
        "nanny" => Some(nanny::run(args)),
        "pipe-line" => Some(pipe_line::run(args)),
        "pipe-upper" => Some(pipe_upper::run(args)),
        "sig-count" => Some(sig_count::run(args)),
        "us-client" => Some(us_client::run(args)),
        "us-many" => Some(us_many::run(args)),
        "us-msg" => Some(us_msg::run(args)),
        "us-msg-cli" => Some(us_msg_cli::run(args)),
        "us-name" => Some(us_name::run(args)),
        "us-server" => Some(us_server::run(args)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_names_and_no_others() {
        // Two arguments too many: every program says how it is used and ends at once.
        let args = ["a", "b", "c"].map(OsString::from);
        // A command may have any; but here there are two commands without a word.
        let no_command = ["a", "--", "--"].map(OsString::from);
        for name in NAMES {
            let args = if *name == "pipe-line" {
                &no_command
            } else {
                &args
            };
            assert_eq!(run(name, args), Some(USAGE), "{name}");
        }
        assert_eq!(run("cat", &args), None);
        assert!(NAMES.is_sorted());
    }
}
