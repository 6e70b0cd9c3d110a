//! `inet-client [-4|-6] HOST PORT`: what `us-client` does, over TCP.
//!
//! A host has several addresses: each is tried until one answers.

use std::ffi::OsString;
use std::net::{TcpStream, ToSocketAddrs};

use crate::inet::{Family, Place};
use crate::io;
use crate::talk::talk;

const NAME: &str = "inet-client";

pub(crate) fn run(args: &[OsString]) -> i32 {
    let place = Place::of(args).filter(|place| place.host.is_some());
    let Some(place) = place else {
        return io::usage("inet-client [-4|-6] HOST PORT");
    };
    match connect(&place) {
        Ok(socket) => match talk(socket) {
            Ok(()) => 0,
            Err(failure) => {
                let named = place.to_string();
                let (subject, reason) = failure.words(named.as_bytes());
                io::complain(NAME, subject, reason);
                1
            }
        },
        Err(reason) => {
            io::complain(NAME, place.to_string().as_bytes(), &reason);
            1
        }
    }
}

/// A connection to the first address that answers; the reason of the last one otherwise.
fn connect(place: &Place) -> Result<TcpStream, String> {
    io::block_sigpipe().map_err(|errno| errno.desc().to_owned())?;
    let host = place.host.as_deref().unwrap_or_default();
    let addresses = (host, place.port).to_socket_addrs();
    let addresses = addresses.map_err(|error| error.to_string())?;
    let mut reason = "no such address".to_owned();
    for address in addresses.filter(|address| match place.family {
        Family::Both => true,
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    }) {
        match TcpStream::connect(address) {
            Ok(socket) => return Ok(socket),
            Err(error) => reason = io::reason(&error),
        }
    }
    Err(reason)
}
