//! `cmm PATH`: a store of versions. Each client works on a copy of its own; what it commits is
//! merged key by key, and what others have changed since is a conflict.
//!
//! A copy is a shared map that nobody changes: a commit makes a new one.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use crate::io;
use crate::line_server::{self, Id, Post, Service};

const NAME: &str = "cmm";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let [path] = args else {
        return io::usage("cmm PATH");
    };
    match line_server::run(path, Store::default()) {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, path.as_bytes(), &io::reason(&error));
            1
        }
    }
}

type Key = Vec<u8>;
type Revision = u64;

#[derive(Clone)]
struct Entry {
    value: Vec<u8>,
    /// The commit that gave it.
    changed: Revision,
}

type Version = Rc<BTreeMap<Key, Entry>>;

#[derive(Default)]
struct Store {
    version: Version,
    revision: Revision,
    copies: HashMap<Id, Copy>,
}

/// A client's own copy.
struct Copy {
    /// A conflict rolls it back.
    transaction: bool,
    /// What was checked out.
    version: Version,
    revision: Revision,
    /// What the client has changed.
    changes: BTreeMap<Key, Vec<u8>>,
    /// Keys whose conflict was resolved, with the revision against which it was, and the entry that
    /// the copy shows where the others' was taken.
    resolved: BTreeMap<Key, (Revision, Option<Entry>)>,
}

impl Copy {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        if let Some(value) = self.changes.get(key) {
            return Some(value);
        }
        let entry = match self.resolved.get(key) {
            Some((_, taken)) => taken.as_ref(),
            None => self.version.get(key),
        };
        entry.map(|entry| entry.value.as_slice())
    }

    fn base_of(&self, key: &[u8]) -> Revision {
        let resolved = self.resolved.get(key);
        resolved.map_or(self.revision, |(revision, _)| *revision)
    }
}

impl Store {
    fn check_out(&mut self, who: Id, transaction: bool) -> Vec<u8> {
        let copy = Copy {
            transaction,
            version: Rc::clone(&self.version),
            revision: self.revision,
            changes: BTreeMap::new(),
            resolved: BTreeMap::new(),
        };
        self.copies.insert(who, copy);
        format!("BASE {}\n", self.revision).into_bytes()
    }

    /// The answer to a line; `None` to one that is no request, or that needs a copy first.
    fn answer(&mut self, who: Id, line: &[u8]) -> Option<Vec<u8>> {
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        match words[..] {
            [b"CHECKOUT"] => Some(self.check_out(who, false)),
            [b"TXN"] => Some(self.check_out(who, true)),
            [b"GET", key] => Some(match self.copies.get(&who)?.get(key) {
                Some(value) => [b"VAL ", value, b"\n"].concat(),
                None => b"NONE\n".to_vec(),
            }),
            [b"PUT", key, value] => {
                let copy = self.copies.get_mut(&who)?;
                copy.changes.insert(key.to_vec(), value.to_vec());
                Some(b"OK\n".to_vec())
            }
            [b"COMMIT"] => self.commit(who),
            [b"RESOLVE", key, whose] => self.resolve(who, key, whose),
            [b"ABORT"] => self.copies.remove(&who).map(|_| b"OK\n".to_vec()),
            _ => None,
        }
    }

    /// The keys of a copy that others have changed since it was made.
    fn clashes(&self, copy: &Copy) -> Vec<Key> {
        let changed = |key: &Key| {
            let entry = self.version.get(key);
            entry.is_some_and(|entry| entry.changed > copy.base_of(key))
        };
        copy.changes
            .keys()
            .filter(|key| changed(key))
            .cloned()
            .collect()
    }

    fn commit(&mut self, who: Id) -> Option<Vec<u8>> {
        let copy = self.copies.get(&who)?;
        let clashes = self.clashes(copy);
        if !clashes.is_empty() && copy.transaction {
            self.copies.remove(&who);
            return Some(b"ROLLBACK\n".to_vec());
        }
        if !clashes.is_empty() {
            let mut answer = b"CONFLICT".to_vec();
            for key in clashes {
                answer.push(b' ');
                answer.extend(key);
            }
            answer.push(b'\n');
            return Some(answer);
        }
        let (transaction, changes) = (copy.transaction, copy.changes.clone());
        if !changes.is_empty() {
            self.revision += 1;
            // Where copies share the version, this makes a new one; nobody sees half of it.
            let version = Rc::make_mut(&mut self.version);
            for (key, value) in changes {
                let changed = self.revision;
                version.insert(key, Entry { value, changed });
            }
        }
        self.check_out(who, transaction);
        Some(format!("OK {}\n", self.revision).into_bytes())
    }

    fn resolve(&mut self, who: Id, key: &[u8], whose: &[u8]) -> Option<Vec<u8>> {
        let clash = self
            .clashes(self.copies.get(&who)?)
            .iter()
            .any(|k| k == key);
        let copy = self.copies.get_mut(&who).filter(|_| clash)?;
        match whose {
            b"mine" => {}
            b"theirs" => {
                copy.changes.remove(key);
            }
            _ => return None,
        }
        let theirs = self.version.get(key).cloned();
        copy.resolved.insert(key.to_vec(), (self.revision, theirs));
        Some(b"OK\n".to_vec())
    }
}

impl Service for Store {
    const LONGEST: usize = 1024;
    const WAITING: usize = 64 << 10;
    const IMPATIENT: bool = false;

    fn line(&mut self, from: Id, line: &[u8], post: &mut Post) {
        let answer = self.answer(from, line);
        post.send(from, answer.unwrap_or_else(|| b"ERR\n".to_vec()));
    }

    fn gone(&mut self, who: Id, _: &mut Post) {
        self.copies.remove(&who);
    }
}
