//! A second id for the namespace of an ordinary user: one of those that the machine has set apart
//! for them (subuid(5), subgid(5)), mapped by the tools that may do that (newuidmap(1)). Most
//! machines on which containers run without root have both.

use std::fs;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User};

/// The second id, as which a namespace knows it; the first one is 0.
pub(super) const SECOND: u32 = 1;

/// A user's ids: the own ones, and the first of those set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    own: (Uid, Gid),
    second: (u32, u32),
}

impl Ids {
    /// `None` where none are set apart for the user.
    pub(super) fn of(user: Uid, group: Gid) -> Option<Self> {
        let [users, groups] = ["/etc/subuid", "/etc/subgid"].map(fs::read_to_string);
        let (users, groups) = (users.ok()?, groups.ok()?);
        let both = |name: &str| Some((first(&users, name)?, first(&groups, name)?));
        // Names may come over a network: they are asked for where there is something to be found.
        let by_name = || {
            let known = !users.trim().is_empty() && !groups.trim().is_empty();
            let user = known.then(|| User::from_uid(user).ok().flatten());
            both(&user.flatten()?.name)
        };
        Some(Self {
            own: (user, group),
            second: both(&user.to_string()).or_else(by_name)?,
        })
    }

    /// Has both mapped into the user namespace of a process of this user, below the caller's. Where that
    /// is refused, one of the two maps may have been written.
    pub(super) fn map_into(self, pid: i32) -> bool {
        let map = |tool: &str, own: u32, second: u32| {
            let numbers = [0, own, 1, SECOND, second, 1];
            let mut command = Command::new(tool);
            command.arg(pid.to_string());
            command.args(numbers.map(|number| number.to_string()));
            command.stdin(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let ((user, group), (second_user, second_group)) = (self.own, self.second);
        map("newgidmap", group.as_raw(), second_group)
            && map("newuidmap", user.as_raw(), second_user)
    }
}

/// The first of the ids that a table sets apart for a name: lines of `NAME:FIRST:COUNT`.
fn first(table: &str, name: &str) -> Option<u32> {
    table.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        let (whose, first, count) = (fields.next()?, fields.next()?, fields.next()?);
        let some = count.parse::<u32>().is_ok_and(|count| count > 0);
        (whose == name && some).then(|| first.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_that_is_set_apart_is_found_by_name_or_number() {
        let table = "# by hand\nanna:100000:65536\n\nboris:165536:0\n1003:x:1\n1003:231072:65536\n";
        assert_eq!(first(table, "anna"), Some(100_000));
        assert_eq!(first(table, "boris"), None);
        assert_eq!(first(table, "1003"), Some(231_072));
        assert_eq!(first(table, "ann"), None);
    }
}
