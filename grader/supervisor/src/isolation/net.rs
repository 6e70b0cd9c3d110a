//! The loopback interface and the host name of a new namespace.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::SetupError;

/// What `gethostname` says inside.
const HOST_NAME: &str = "lab";

/// Sets the host name and brings `lo` up, which is down in a new network namespace.
pub(crate) fn set_up() -> Result<(), SetupError> {
    nix::unistd::sethostname(HOST_NAME).map_err(SetupError::refused("a host name of its own"))?;
    let any = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    );
    any.and_then(|socket| raise_loopback(&socket))
        .map_err(SetupError::refused("the loopback interface"))?;
    forget_connections();
    Ok(())
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
        *place = byte.cast_signed();
    }
    // SAFETY: `request` is live; SIOCGIFFLAGS fills the flags, which are then the active member.
    unsafe {
        let fd = socket.as_raw_fd();
        Errno::result(libc::ioctl(fd, libc::SIOCGIFFLAGS, &raw mut request))?;
        request.ifr_ifru.ifru_flags |= (libc::IFF_UP | libc::IFF_RUNNING) as i16;
        Errno::result(libc::ioctl(fd, libc::SIOCSIFFLAGS, &raw const request))?;
    }
    Ok(())
}
