//! The sockets of the peers: how they are made, named, connected and told what to do.

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::plan::{Address, SocketKind};
use crate::tracer::meeting::encode;

fn family(address: &Address) -> AddressFamily {
    match address {
        Address::Path(_) | Address::Abstract(_) => AddressFamily::Unix,
        Address::Inet(inet) if inet.is_ipv4() => AddressFamily::Inet,
        Address::Inet(_) => AddressFamily::Inet6,
    }
}

/// Makes a call on a socket with an address.
fn with_name(
    fd: &OwnedFd,
    address: &Address,
    call: unsafe extern "C" fn(i32, *const libc::sockaddr, libc::socklen_t) -> i32,
) -> nix::Result<()> {
    let name = encode(address).ok_or(nix::Error::ENAMETOOLONG)?;
    let length = libc::socklen_t::try_from(name.len()).map_err(|_| nix::Error::ENAMETOOLONG)?;
    // SAFETY: `name` is a socket address of the stated length, and both calls only read it.
    let result = unsafe { call(fd.as_raw_fd(), name.as_ptr().cast(), length) };
    nix::Error::result(result).map(drop)
}

/// Connects to a path of any length: seen from its directory, a name is as short as the one its
/// server bound.
pub(super) fn connect_to(fd: &OwnedFd, address: &Address) -> nix::Result<()> {
    let done = with_name(fd, address, libc::connect);
    let (Err(nix::Error::ENAMETOOLONG), Address::Path(path)) = (done, address) else {
        return done;
    };
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return done;
    };
    let home = std::env::current_dir().map_err(|_| nix::Error::ENOENT)?;
    nix::unistd::chdir(directory)?;
    let done = with_name(fd, &Address::Path(name.as_bytes().into()), libc::connect);
    nix::unistd::chdir(&home)?;
    done
}

pub(super) fn stream_socket(address: &Address) -> nix::Result<OwnedFd> {
    socket_of(address, SockType::Stream)
}

pub(super) fn socket_of(address: &Address, kind: SockType) -> nix::Result<OwnedFd> {
    socket(
        family(address),
        kind,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        None,
    )
}

pub(super) fn kind_of(kind: SocketKind) -> SockType {
    match kind {
        SocketKind::Stream => SockType::Stream,
        SocketKind::Datagram => SockType::Datagram,
        SocketKind::SeqPacket => SockType::SeqPacket,
    }
}

/// Binds a name that the programs, which run under another uid, may use.
pub(super) fn take_name(fd: &OwnedFd, address: &Address) -> nix::Result<()> {
    if let Address::Inet(_) = address {
        nix::sys::socket::setsockopt(fd, nix::sys::socket::sockopt::ReuseAddr, &true)?;
    }
    with_name(fd, address, libc::bind)?;
    if let Address::Path(path) = address {
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .map_err(|error| nix::Error::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))?;
    }
    Ok(())
}

/// What a peer sends over TCP goes out at once, however little it is (`TCP_NODELAY`, tcp(7)).
pub(super) fn at_once(fd: &OwnedFd, address: &Address) -> nix::Result<()> {
    match address {
        Address::Inet(_) => {
            nix::sys::socket::setsockopt(fd, nix::sys::socket::sockopt::TcpNoDelay, &true)
        }
        Address::Path(_) | Address::Abstract(_) => Ok(()),
    }
}

/// Lets the kernel tell the other side at once what has been read, instead of after 40 ms
/// (`TCP_QUICKACK`, tcp(7), which lasts for a while only): until then the step is not over.
pub(super) fn acknowledge(fd: &OwnedFd) {
    let yes: libc::c_int = 1;
    // SAFETY: the option takes an int, which is live; refused, the answer only comes later.
    unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_QUICKACK,
            (&raw const yes).cast(),
            libc::socklen_t::try_from(size_of_val(&yes)).unwrap_or(0),
        );
    }
}

pub(super) fn owned(fd: i32) -> OwnedFd {
    // SAFETY: accept4 has just made this descriptor and nobody else knows it.
    unsafe { std::os::fd::FromRawFd::from_raw_fd(fd) }
}

/// Waits for the kernel's answer to a connection over the loopback, at most a second.
pub(super) fn finish_connect(fd: &OwnedFd) -> nix::Result<()> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    let mut watched = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
    if poll(&mut watched, PollTimeout::from(1000_u16))? == 0 {
        return Err(nix::Error::ETIMEDOUT);
    }
    match nix::sys::socket::getsockopt(fd, nix::sys::socket::sockopt::SocketError)? {
        0 => Ok(()),
        error => Err(nix::Error::from_raw(error)),
    }
}
