//! `chat-server PATH`: a room. What a member says goes, line by line, to all the others.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::io;
use crate::line_server::{self, Id, Post, Service};

const NAME: &str = "chat-server";
/// The longest nick.
const LONGEST_NICK: usize = 16;

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [path] = args else {
        return io::usage("chat-server PATH");
    };
    match line_server::run(path, Room::default()) {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, path.as_bytes(), &io::reason(&error));
            1
        }
    }
}

/// The members; who has not said its nick is none.
#[derive(Default)]
struct Room {
    members: BTreeMap<Id, String>,
}

impl Room {
    fn tell(&self, but: Id, text: &[u8], post: &mut Post) {
        for id in self.members.keys().filter(|id| **id != but) {
            post.send(*id, text.to_vec());
        }
    }

    /// Takes in whoever has a good nick that is free.
    fn join(&mut self, who: Id, nick: &[u8], post: &mut Post) {
        let refusal = match nick_of(nick) {
            None => "! bad nick\n",
            Some(nick) if self.members.values().any(|known| *known == nick) => "! nick taken\n",
            Some(nick) => {
                self.tell(who, format!("* {nick} joined\n").as_bytes(), post);
                self.members.insert(who, nick);
                return;
            }
        };
        post.send(who, refusal.into());
        post.part(who);
    }

    fn who(&self) -> Vec<u8> {
        let mut nicks: Vec<&str> = self.members.values().map(String::as_str).collect();
        nicks.sort_unstable();
        format!("* here: {}\n", nicks.join(" ")).into_bytes()
    }
}

/// A nick: 1 to 16 letters, digits, `-` and `_` of ASCII.
fn nick_of(line: &[u8]) -> Option<String> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let good = (1..=LONGEST_NICK).contains(&line.len()) && line.iter().all(fits);
    good.then(|| String::from_utf8_lossy(line).into_owned())
}

impl Service for Room {
    const LONGEST: usize = 1024;
    const WAITING: usize = 64 << 10;
    const IMPATIENT: bool = true;

    fn line(&mut self, from: Id, line: &[u8], post: &mut Post) {
        let Some(nick) = self.members.get(&from) else {
            return self.join(from, line, post);
        };
        match line {
            b"/who" => post.send(from, self.who()),
            b"/quit" => post.part(from),
            line => {
                let text = [b"<", nick.as_bytes(), b"> ", line, b"\n"].concat();
                self.tell(from, &text, post);
            }
        }
    }

    fn gone(&mut self, who: Id, post: &mut Post) {
        if let Some(nick) = self.members.remove(&who) {
            self.tell(who, format!("* {nick} left\n").as_bytes(), post);
        }
    }
}
