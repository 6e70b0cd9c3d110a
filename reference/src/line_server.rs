//! A server of lines in one thread: any number of clients, each with its unfinished line and with
//! what it has not taken yet. What the lines mean is a [`Service`]'s affair.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self as std_io, Read, Write, stdout};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signalfd::SignalFd;

use crate::io;
use crate::server::{is_passing, leave_signals, listen, remove};

/// A client; those that came later have greater numbers.
pub(crate) type Id = u64;

/// What is read from one client before the others have their turn, bytes.
const TURN: usize = 4 << 10;

/// What a server does with what its clients send.
pub(crate) trait Service {
    /// The longest line, without its newline.
    const LONGEST: usize;
    /// What may wait for one client, bytes.
    const WAITING: usize;
    /// For whom more waits: whether it is sent away. Otherwise nothing more is read from it until it
    /// has taken some.
    const IMPATIENT: bool;

    /// A whole line has come, without its newline.
    fn line(&mut self, from: Id, line: &[u8], post: &mut Post);
    /// A connection has ended, however it did. Told once of each.
    fn gone(&mut self, who: Id, post: &mut Post);
}

/// What a service wants to be sent.
#[derive(Default)]
pub(crate) struct Post {
    letters: Vec<(Id, Vec<u8>)>,
    goodbyes: Vec<Id>,
}

impl Post {
    /// Sends `text` to `to`.
    pub(crate) fn send(&mut self, to: Id, text: Vec<u8>) {
        self.letters.push((to, text));
    }

    /// Ends the connection of `who` once it has taken what waits for it.
    pub(crate) fn part(&mut self, who: Id) {
        self.goodbyes.push(who);
    }
}

/// The whole program: from the socket's name to its removal.
pub(crate) fn run(path: &OsStr, service: impl Service) -> std_io::Result<()> {
    let leave = leave_signals()?;
    let listener = listen(path)?;
    let served = io::write_all(stdout(), b"listening\n")
        .map_err(std_io::Error::from)
        .and_then(|()| Server::new(service).serve(&listener, &leave));
    let removed = remove(path);
    served.and(removed)
}

struct Client {
    stream: UnixStream,
    /// The beginning of a line.
    line: Vec<u8>,
    /// Not written yet.
    waiting: Vec<u8>,
    /// What it still says does not count.
    said_goodbye: bool,
    /// Nothing more is read; it ends when nothing waits for it.
    parting: bool,
    /// It has ended.
    gone: bool,
}

struct Server<S> {
    service: S,
    clients: BTreeMap<Id, Client>,
    next: Id,
}

impl<S: Service> Server<S> {
    fn new(service: S) -> Self {
        Self {
            service,
            clients: BTreeMap::new(),
            next: 0,
        }
    }

    /// Serves until a signal asks to leave.
    fn serve(&mut self, listener: &UnixListener, leave: &SignalFd) -> std_io::Result<()> {
        loop {
            let mut fds = vec![
                PollFd::new(leave.as_fd(), PollFlags::POLLIN),
                PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            ];
            let clients = self.clients.values();
            fds.extend(clients.map(|c| PollFd::new(c.stream.as_fd(), Self::interest(c))));
            io::wait(&mut fds)?;
            let ready: Vec<bool> = fds.iter().map(io::ready).collect();
            drop(fds);
            if ready[0] {
                return Ok(());
            }
            let ids: Vec<Id> = self.clients.keys().copied().collect();
            for (id, _) in ids
                .into_iter()
                .zip(&ready[2..])
                .filter(|(_, ready)| **ready)
            {
                self.turn(id);
            }
            if ready[1] {
                self.take_in(listener)?;
            }
        }
    }

    fn interest(client: &Client) -> PollFlags {
        let mut flags = PollFlags::empty();
        if !client.parting && client.waiting.len() <= S::WAITING {
            flags |= PollFlags::POLLIN;
        }
        if !client.waiting.is_empty() {
            flags |= PollFlags::POLLOUT;
        }
        flags
    }

    /// Takes all who wait.
    fn take_in(&mut self, listener: &UnixListener) -> std_io::Result<()> {
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(true)?;
                    let client = Client {
                        stream,
                        line: Vec::new(),
                        waiting: Vec::new(),
                        said_goodbye: false,
                        parting: false,
                        gone: false,
                    };
                    self.clients.insert(self.next, client);
                    self.next += 1;
                }
                Err(error) if error.raw_os_error() == Some(Errno::EAGAIN as i32) => return Ok(()),
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads once from a client, lets the service answer, and writes what goes out.
    fn turn(&mut self, id: Id) {
        let mut post = Post::default();
        for line in self.read(id) {
            self.service.line(id, &line, &mut post);
            self.deliver(&mut post);
            if self
                .clients
                .get(&id)
                .is_none_or(|client| client.said_goodbye)
            {
                break;
            }
        }
        if let Some(client) = self.clients.get_mut(&id) {
            client.flush();
        }
        self.bury(&mut post);
    }

    /// The lines that one read has made whole. A client at its end, broken, or with a line beyond
    /// all bounds is gone.
    fn read(&mut self, id: Id) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        let Some(client) = self.clients.get_mut(&id) else {
            return lines;
        };
        if !Self::interest(client).contains(PollFlags::POLLIN) {
            return lines;
        }
        let mut buffer = [0; TURN];
        match client.stream.read(&mut buffer) {
            Ok(0) => client.parting = true,
            Ok(length) => {
                for &byte in &buffer[..length] {
                    if byte == b'\n' {
                        lines.push(std::mem::take(&mut client.line));
                    } else if client.line.len() == S::LONGEST {
                        client.gone = true;
                        break;
                    } else {
                        client.line.push(byte);
                    }
                }
            }
            Err(error) if is_passing(&error) => {}
            Err(_) => client.gone = true,
        }
        lines
    }

    /// Puts letters where they wait, and writes as much as is taken at once.
    fn deliver(&mut self, post: &mut Post) {
        for (to, text) in post.letters.drain(..) {
            let Some(client) = self.clients.get_mut(&to).filter(|c| !c.gone) else {
                continue;
            };
            client.waiting.extend(text);
            client.flush();
            if S::IMPATIENT && client.waiting.len() > S::WAITING {
                client.gone = true;
            }
        }
        for who in post.goodbyes.drain(..) {
            if let Some(client) = self.clients.get_mut(&who) {
                client.said_goodbye = true;
                client.parting = true;
            }
        }
    }

    /// Forgets all who are gone, those included who went because of what that made others say.
    fn bury(&mut self, post: &mut Post) {
        loop {
            let over = |c: &Client| c.gone || (c.parting && c.waiting.is_empty());
            let Some(id) = self
                .clients
                .iter()
                .find(|(_, c)| over(c))
                .map(|(id, _)| *id)
            else {
                return;
            };
            self.clients.remove(&id);
            self.service.gone(id, post);
            self.deliver(post);
        }
    }
}

impl Client {
    /// Writes what is taken now. An error of this client's ends this client.
    fn flush(&mut self) {
        while !self.gone && !self.waiting.is_empty() {
            match self.stream.write(&self.waiting) {
                Ok(written) => {
                    self.waiting.drain(..written);
                }
                Err(error) if error.raw_os_error() == Some(Errno::EINTR as i32) => {}
                Err(error) if is_passing(&error) => return,
                Err(_) => self.gone = true,
            }
        }
    }
}
