//! `inet-server [-4|-6] [HOST] PORT`: what `us-server` does, over TCP.
//!
//! Without a family it takes both, with a socket for each: one for both would do as well, but not
//! where IPv6 is missing.

use std::ffi::OsString;
use std::io::{self as std_io, stdout};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signalfd::SignalFd;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, SockaddrIn6, bind, listen, setsockopt,
    socket, sockopt,
};

use crate::inet::{Family, Place};
use crate::io;
use crate::server::{Next, is_passing, leave_signals, serve_client};

const NAME: &str = "inet-server";
/// How often a port is chosen that one family has free and the other has not.
const TRIES: u32 = 8;

pub(crate) fn run(args: &[OsString]) -> i32 {
    let Some(place) = Place::of(args) else {
        return io::usage("inet-server [-4|-6] [HOST] PORT");
    };
    match serve(&place) {
        Ok(()) => 0,
        Err(error) => {
            io::complain(NAME, place.to_string().as_bytes(), &io::reason(&error));
            1
        }
    }
}

fn serve(place: &Place) -> std_io::Result<()> {
    let leave = leave_signals()?;
    let listeners = open(place)?;
    let port = listeners.first().ok_or(Errno::EADDRNOTAVAIL)?;
    let port = port.local_addr()?.port();
    io::write_all(stdout(), format!("listening {port}\n").as_bytes())?;
    serve_clients(&listeners, &leave)
}

/// A socket that listens at each address that was asked for.
fn open(place: &Place) -> std_io::Result<Vec<TcpListener>> {
    if let Some(host) = &place.host {
        let wanted = |address: &SocketAddr| match place.family {
            Family::Both => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        };
        let mut addresses = (host.as_str(), place.port).to_socket_addrs()?;
        let address = addresses.find(wanted).ok_or(Errno::EADDRNOTAVAIL)?;
        return Ok(vec![listener(address)?]);
    }
    let everywhere: &[IpAddr] = match place.family {
        Family::V4 => &[IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
        Family::V6 => &[IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
        Family::Both => &[
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ],
    };
    for try_ in 1.. {
        match open_all(everywhere, place.port) {
            // The port that the kernel chose for one family is taken in the other.
            Err(error)
                if place.port == 0
                    && try_ < TRIES
                    && error.kind() == std_io::ErrorKind::AddrInUse => {}
            opened => return opened,
        }
    }
    Ok(Vec::new())
}

fn open_all(hosts: &[IpAddr], mut port: u16) -> std_io::Result<Vec<TcpListener>> {
    let mut opened = Vec::new();
    for host in hosts {
        match listener((*host, port).into()) {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                opened.push(listener);
            }
            // A machine without IPv6 still has the other family.
            Err(error)
                if host.is_ipv6()
                    && !opened.is_empty()
                    && error.raw_os_error() == Some(Errno::EAFNOSUPPORT as i32) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(opened)
}

fn listener(address: SocketAddr) -> std_io::Result<TcpListener> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let socket: OwnedFd = socket(family, SockType::Stream, flags, None)?;
    // Connections of the server before us may still be in TIME-WAIT.
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    match address {
        SocketAddr::V4(address) => bind(socket.as_raw_fd(), &SockaddrIn::from(address))?,
        SocketAddr::V6(address) => {
            // The other family has a socket of its own.
            setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
            bind(socket.as_raw_fd(), &SockaddrIn6::from(address))?;
        }
    }
    listen(&socket, Backlog::new(16)?)?;
    Ok(socket.into())
}

/// Serves one client after another until a signal asks to leave.
fn serve_clients(listeners: &[TcpListener], leave: &SignalFd) -> std_io::Result<()> {
    loop {
        let mut fds = vec![PollFd::new(leave.as_fd(), PollFlags::POLLIN)];
        fds.extend(
            listeners
                .iter()
                .map(|listener| PollFd::new(listener.as_fd(), PollFlags::POLLIN)),
        );
        io::wait(&mut fds)?;
        let ready: Vec<bool> = fds.iter().map(io::ready).collect();
        if ready[0] {
            return Ok(());
        }
        for (listener, _) in listeners
            .iter()
            .zip(&ready[1..])
            .filter(|(_, ready)| **ready)
        {
            match listener.accept() {
                Ok((client, _)) => {
                    client.set_nonblocking(true)?;
                    if serve_client(&client, leave)? == Next::Leave {
                        return Ok(());
                    }
                }
                // The client changed its mind, or poll spoke too soon.
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
