//! The loopback interface and the host name of a new namespace.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::SetupError;

/// What `gethostname` says inside.
const HOST_NAME: &str = "lab";
/// The largest packet on `lo`.
const MTU: i32 = 1500;

/// Sets the host name and brings `lo` up, which is down in a new network namespace.
pub(crate) fn set_up() -> Result<(), SetupError> {
    nix::unistd::sethostname(HOST_NAME).map_err(SetupError::refused("a host name of its own"))?;
    have_small_tables();
    raise()?;
    forget_connections();
    Ok(())
}

/// Goes on to a new network namespace, which has never seen a connection and remembers those that
/// end.
pub(crate) fn enter_another() -> Result<(), SetupError> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(SetupError::refused("another network namespace"))?;
    raise()
}

/// The machine's table of connections has hundreds of thousands of places, and to list the few
/// connections of this namespace takes milliseconds. A namespace below this one has a small table
/// of its own (`tcp_child_ehash_entries`, Linux 6.1); where that is refused, listing is slower.
fn have_small_tables() {
    if std::fs::write("/proc/sys/net/ipv4/tcp_child_ehash_entries", "256").is_ok() {
        let _ = unshare(CloneFlags::CLONE_NEWNET);
        let _ = std::fs::write("/proc/sys/net/ipv4/tcp_child_ehash_entries", "256");
    }
}

/// Buffers of TCP are small and do not grow: how much a side takes that nobody reads would depend on
/// how fast the other was before (`tcp_rmem`, tcp(7)), and much data would have to be sent to show
/// that somebody does not read.
fn keep_buffers() {
    let _ = std::fs::write("/proc/sys/net/ipv4/tcp_rmem", "4096 32768 32768");
    let _ = std::fs::write("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 32768");
}

/// Brings `lo` up, with 127.0.0.1 and, where the kernel has it, ::1.
fn raise() -> Result<(), SetupError> {
    keep_buffers();
    let any = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    );
    any.and_then(|socket| raise_loopback(&socket))
        .map_err(SetupError::refused("the loopback interface"))
}

/// A namespace of the network is kept for many scenarios, and a connection that has ended keeps its
/// port for a minute (TIME-WAIT): the next scenario could not bind it. Here it keeps nothing;
/// `tcp_max_tw_buckets`, tcp(7). Where that is refused, only programs that use TCP without
/// `SO_REUSEADDR` can notice.
fn forget_connections() {
    let _ = std::fs::write("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0");
}

/// netdevice(7).
fn raise_loopback(socket: &OwnedFd) -> nix::Result<()> {
    // SAFETY: `ifreq` is plain data for which zero is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(*b"lo") {
        *place = byte as libc::c_char;
    }
    // SAFETY: `request` is live; SIOCGIFFLAGS fills the flags, which are then the active member.
    unsafe {
        let fd = socket.as_raw_fd();
        Errno::result(libc::ioctl(fd, libc::SIOCGIFFLAGS, &raw mut request))?;
        request.ifr_ifru.ifru_flags |= (libc::IFF_UP | libc::IFF_RUNNING) as i16;
        Errno::result(libc::ioctl(fd, libc::SIOCSIFFLAGS, &raw const request))?;
        // Packets as on an Ethernet: with one of 64 KiB a small window stalls until timers of the
        // kernel's help. Where that is refused, it is only slower.
        request.ifr_ifru.ifru_mtu = MTU;
        libc::ioctl(fd, libc::SIOCSIFMTU, &raw const request);
    }
    Ok(())
}
