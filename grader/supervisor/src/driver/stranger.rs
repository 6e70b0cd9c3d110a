//! Peers that connect as somebody else: another user than the programs', without privileges.

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};

/// Does something with files as this user, and takes the own ids on again. With another file-system
/// user than root the kernel also takes away what lets root pass by rights (capabilities(7)).
/// `None` where that is refused.
pub(super) fn act_as<T>(id: u32, act: impl FnOnce() -> T) -> Option<T> {
    // A change of ids makes a process undumpable, and has it outlive its parent (prctl(2)).
    let dumpable = nix::sys::prctl::get_dumpable();
    let with_its_parent = nix::sys::prctl::get_pdeathsig().ok().flatten();
    let group = setfsgid(Gid::from_raw(id));
    let user = setfsuid(Uid::from_raw(id));
    // These calls cannot fail aloud: an id that is none asks which one holds.
    let holds = setfsuid(Uid::from_raw(u32::MAX)) == Uid::from_raw(id)
        && setfsgid(Gid::from_raw(u32::MAX)) == Gid::from_raw(id);
    let done = holds.then(act);
    setfsuid(user);
    setfsgid(group);
    if let Ok(dumpable) = dumpable {
        let _ = nix::sys::prctl::set_dumpable(dumpable);
    }
    if let Some(signal) = with_its_parent {
        let _ = nix::sys::prctl::set_pdeathsig(signal);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_may_always_act_as_oneself_and_remains_who_one_was() {
        let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
        if user.as_raw() != group.as_raw() {
            return;
        }
        assert_eq!(act_as(user.as_raw(), || 7), Some(7));
        assert_eq!(setfsuid(Uid::from_raw(u32::MAX)), user);
        assert_eq!(setfsgid(Gid::from_raw(u32::MAX)), group);
    }

    #[test]
    fn who_was_to_end_with_its_parent_still_is() {
        use nix::sys::prctl::{get_pdeathsig, set_pdeathsig};
        use nix::sys::signal::Signal;
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        // One that does nothing to this thread.
        set_pdeathsig(Signal::SIGCONT).unwrap();
        assert_eq!(act_as(65534, || get_pdeathsig().unwrap()), Some(None));
        assert_eq!(get_pdeathsig().unwrap(), Some(Signal::SIGCONT));
        set_pdeathsig(None).unwrap();
    }
}
