//! The worker's root directory: a small read-only tree of the system's own directories.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::Mode;

use super::mounts::Mounts;
use super::sys::{self, READ_ONLY};
use super::{SetupError, files};
use crate::raw;

/// Where the new root is put together: a directory that every system has.
const STAGE: &str = "/tmp";

/// System directories shown read-only as they are; links among them are repeated.
pub(crate) const SYSTEM: [&str; 10] = [
    "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "nix", "gnu",
];

/// Devices without any state worth protecting.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Links that programs expect in `/dev`.
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];

/// The worker's view of the machine once [`Base::build`] is through.
#[derive(Debug)]
pub(crate) struct Base {
    /// The root of the host, for reading what a plan names.
    pub(crate) host: OwnedFd,
    /// The mount namespace with the whole host in it.
    host_mounts: OwnedFd,
    /// Those that scenarios have.
    pub(crate) mounts: Mounts,
    /// The small root once more, writable, to make mount points in.
    writable: OwnedFd,
    /// Where our executable is on the host.
    executable: Option<PathBuf>,
}

fn refused(what: &str) -> impl FnOnce(nix::Error) -> SetupError {
    SetupError::refused(format!("{what} in the new root"))
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> SetupError {
    move |e| SetupError::NotGranted(format!("{what} in the new root: {e}"))
}

impl Base {
    /// Builds the root and moves into it. Needs namespaces of [`user::enter`](super::user::enter).
    /// Terminals inside belong to `owner`.
    pub(crate) fn build(owner: u32) -> Result<Self, SetupError> {
        let none = None::<&str>;
        let whole = MsFlags::MS_REC | MsFlags::MS_SLAVE;
        mount(none, "/", none, whole, none).map_err(refused("leaving the host's mounts"))?;
        let directory = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let host = open("/", directory, Mode::empty()).map_err(refused("the host's root"))?;
        let host_mounts = own_mounts()?;

        unshare(CloneFlags::CLONE_NEWNS).map_err(refused("a second mount namespace"))?;
        let whole = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(none, "/", none, whole, none).map_err(refused("private mounts"))?;
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(
            Some("grader"),
            STAGE,
            Some("tmpfs"),
            flags,
            Some("size=1m,mode=0755"),
        )
        .map_err(refused("a file system"))?;
        let stage = Path::new(STAGE);
        for name in SYSTEM {
            show(name, stage)?;
        }
        hosts(stage)?;
        // Asked while its path still leads somewhere.
        let executable = fs::read_link("/proc/self/exe").ok();
        cover(executable.as_deref(), stage)?;
        devices(&stage.join("dev"), owner)?;
        for name in ["proc", "lab", "tools", "tmp"] {
            fs::create_dir(stage.join(name)).map_err(io(name))?;
        }
        // A new proc may only be mounted where a whole one is in sight already.
        let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(Some("/proc"), &stage.join("proc"), none, bind, none).map_err(refused("/proc"))?;

        std::env::set_current_dir(stage).map_err(io("the directory"))?;
        nix::unistd::pivot_root(".", ".").map_err(refused("taking its place"))?;
        umount2(".", MntFlags::MNT_DETACH).map_err(refused("letting go of the host's root"))?;
        std::env::set_current_dir("/").map_err(io("the directory"))?;
        let writable = sys::copy_tree(c"/", false).map_err(refused("a writable copy"))?;
        sys::restrict(None, c"/", READ_ONLY, false).map_err(refused("making it read-only"))?;
        Ok(Self {
            host,
            host_mounts,
            mounts: Mounts::new()?,
            writable,
            executable,
        })
    }

    /// A read-only copy of a directory of the host, detached.
    pub(crate) fn host_directory(&self, path: &Path) -> Result<OwnedFd, SetupError> {
        let wrong = |e: nix::Error| {
            SetupError::NotSetUp(format!("{} cannot be shown inside: {e}", path.display()))
        };
        let inside = files::c_path(path)?;
        setns(&self.host_mounts, CloneFlags::CLONE_NEWNS).map_err(wrong)?;
        let tree = sys::copy_tree(&inside, true);
        setns(self.mounts.present(), CloneFlags::CLONE_NEWNS).map_err(wrong)?;
        let tree = tree.map_err(wrong)?;
        sys::restrict(Some(tree.as_fd()), c"", READ_ONLY, true).map_err(wrong)?;
        Ok(tree)
    }

    /// Closes the descriptors of this process, where it is not the one that made this.
    ///
    /// # Safety
    /// Nothing in this process may use it afterwards.
    pub(crate) unsafe fn close_copies(&self) {
        for fd in [&self.host, &self.host_mounts, &self.writable]
            .map(AsFd::as_fd)
            .into_iter()
            .chain(self.mounts.all())
        {
            // SAFETY: the caller promises it.
            unsafe { raw::close_copy(&fd) };
        }
    }

    /// Keeps our executable from being read in what is shown now.
    pub(crate) fn cover_executable(&self) -> Result<(), SetupError> {
        cover(self.executable.as_deref(), Path::new("/"))
    }

    /// Makes an empty directory in the root, as a mount point; it stays for later scenarios.
    pub(crate) fn mount_point(&self, path: &Path) -> Result<(), SetupError> {
        files::make_directories(self.writable.as_fd(), path, None).map(drop)
    }
}

/// The snapshots and the reference programs are inside our executable. Where it lies in a directory
/// that programs see, something unreadable covers it.
fn cover(executable: Option<&Path>, root: &Path) -> Result<(), SetupError> {
    let Some(below) = executable.and_then(|path| path.strip_prefix("/").ok()) else {
        return Ok(());
    };
    let seen = root.join(below);
    if !seen.is_file() {
        return Ok(());
    }
    let none = None::<&str>;
    mount(Some("/dev/null"), &seen, none, MsFlags::MS_BIND, none)
        .map_err(refused("covering the grader's executable"))?;
    sys::restrict(None, &files::c_path(&seen)?, READ_ONLY, false)
        .map_err(refused("covering the grader's executable"))
}

pub(super) fn own_mounts() -> Result<OwnedFd, SetupError> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    open("/proc/self/ns/mnt", flags, Mode::empty()).map_err(refused("the mount namespace"))
}

/// Shows a directory of the host's root read-only, or repeats the link of that name.
fn show(name: &str, stage: &Path) -> Result<(), SetupError> {
    let from = Path::new("/").join(name);
    let to = stage.join(name);
    if let Ok(target) = fs::read_link(&from) {
        return symlink(target, to).map_err(io(name));
    }
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir(&to).map_err(io(name))?;
    let none = None::<&str>;
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(&from), &to, none, bind, none).map_err(refused(name))?;
    sys::restrict(None, &files::c_path(&to)?, READ_ONLY, true).map_err(refused(name))
}

/// `localhost` is both 127.0.0.1 and ::1 here, whatever the machine's own table says.
fn hosts(stage: &Path) -> Result<(), SetupError> {
    let table = stage.join("etc/hosts");
    // A link, or nothing: left as it is.
    if !fs::symlink_metadata(&table).is_ok_and(|data| data.is_file()) {
        return Ok(());
    }
    let own = stage.join(".hosts");
    fs::write(&own, "127.0.0.1\tlocalhost\n::1\tlocalhost\n").map_err(io("hosts"))?;
    mount(
        Some(&own),
        &table,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )
    .map_err(refused("hosts"))?;
    sys::restrict(None, &files::c_path(&table)?, READ_ONLY, false).map_err(refused("hosts"))
}

fn devices(dev: &Path, owner: u32) -> Result<(), SetupError> {
    fs::create_dir(dev).map_err(io("dev"))?;
    let none = None::<&str>;
    for name in DEVICES {
        let (from, to) = (Path::new("/dev").join(name), dev.join(name));
        fs::write(&to, "").map_err(io(name))?;
        mount(Some(&from), &to, none, MsFlags::MS_BIND, none).map_err(refused(name))?;
    }
    for name in ["pts", "shm"] {
        fs::create_dir(dev.join(name)).map_err(io(name))?;
    }
    for (target, name) in DEVICE_LINKS {
        symlink(target, dev.join(name)).map_err(io(name))?;
    }
    let options = format!("newinstance,ptmxmode=0666,mode=0620,uid={owner}");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = Some(options.as_str());
    mount(
        Some("devpts"),
        &dev.join("pts"),
        Some("devpts"),
        flags,
        options,
    )
    .map_err(refused("terminals"))
}
