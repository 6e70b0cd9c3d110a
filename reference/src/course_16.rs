//! `course-16`: a question, and an answer of one key without Enter.

use std::ffi::OsString;
use std::io::{stdin, stdout};

use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};

use crate::io;

const NAME: &str = "course-16";

pub(crate) fn run(args: &[OsString]) -> i32 {
    if !args.is_empty() {
        return io::usage(NAME);
    }
    match ask() {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, b"terminal", error.desc());
            1
        }
    }
}

fn ask() -> nix::Result<()> {
    let before = tcgetattr(stdin())?;
    tcsetattr(stdin(), SetArg::TCSAFLUSH, &key_by_key(&before))?;
    let key = question();
    // In any case, whatever became of the question.
    tcsetattr(stdin(), SetArg::TCSAFLUSH, &before)?;
    let line = match key? {
        Some(key) => format!("\nYou pressed \"{}\".\n", char::from(key).escape_default()),
        None => "\nThere was no answer.\n".to_owned(),
    };
    io::write_all(stdout(), line.as_bytes())
}

/// Each key is to be read at once. The interrupt key comes as a key too, so that the terminal is
/// never left like this.
fn key_by_key(before: &Termios) -> Termios {
    let mut settings = before.clone();
    settings
        .local_flags
        .remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG);
    settings.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    settings.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    settings
}

fn question() -> nix::Result<Option<u8>> {
    io::write_all(stdout(), b"Do you like this course? (y/n) ")?;
    let mut key = [0];
    let length = io::read(stdin(), &mut key)?;
    Ok((length > 0).then_some(key[0]))
}
