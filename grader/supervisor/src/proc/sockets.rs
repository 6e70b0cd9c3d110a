//! What `/proc/PID/net` lists of sockets, for where a container refuses a copy of a descriptor (`pidfd_getfd`).

use super::{number, radix};

/// A socket that is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// `AF_UNIX`, `AF_INET`, `AF_INET6`.
    pub(crate) family: i32,
    /// `SOCK_STREAM`, `SOCK_DGRAM`, `SOCK_SEQPACKET`.
    pub(crate) kind: i32,
}

/// A table of `/proc/PID/net`: whose sockets it lists, and the field with the inode.
struct Table {
    name: &'static str,
    family: i32,
    /// Where it is not in the table.
    kind: i32,
    inode: usize,
}

const fn table(name: &'static str, family: i32, kind: i32, inode: usize) -> Table {
    Table {
        name,
        family,
        kind,
        inode,
    }
}

/// All Unix sockets, and those of the internet that are connected, listen or have a port.
const TABLES: [Table; 5] = [
    table("unix", libc::AF_UNIX, 0, 6),
    table("tcp", libc::AF_INET, libc::SOCK_STREAM, 9),
    table("tcp6", libc::AF_INET6, libc::SOCK_STREAM, 9),
    table("udp", libc::AF_INET, libc::SOCK_DGRAM, 9),
    table("udp6", libc::AF_INET6, libc::SOCK_DGRAM, 9),
];

/// The socket with this inode; `None` where it is not listed.
pub(crate) fn listed_socket(pid: i32, inode: u64) -> Option<Listed> {
    TABLES.iter().find_map(|table| {
        let text = std::fs::read(format!("/proc/{pid}/net/{}", table.name)).ok()?;
        find(&text, table, inode)
    })
}

fn find(text: &[u8], table: &Table, inode: u64) -> Option<Listed> {
    let mut lines = text.split(|&b| b == b'\n').skip(1);
    lines.find_map(|line| {
        let field = |at: usize| {
            let fields = line.split(|&b| b == b' ');
            fields.filter(|field| !field.is_empty()).nth(at)
        };
        if number(field(table.inode)?) != Some(inode) {
            return None;
        }
        let kind = match table.family {
            // In hexadecimal, unix(7).
            libc::AF_UNIX => i32::try_from(radix(field(4)?, 16)?).ok()?,
            _ => table.kind,
        };
        let family = table.family;
        Some(Listed { family, kind })
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    fn own(socket: &impl AsRawFd) -> Option<Listed> {
        let me = std::process::id().cast_signed();
        let (_, inode, _) = super::super::inode_of(me, socket.as_raw_fd()).unwrap();
        listed_socket(me, inode)
    }

    #[test]
    fn own_sockets_are_listed_as_what_they_are() {
        let (stream, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let datagrams = std::os::unix::net::UnixDatagram::unbound().unwrap();
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listed = |family, kind| Some(Listed { family, kind });
        assert_eq!(own(&stream), listed(libc::AF_UNIX, libc::SOCK_STREAM));
        assert_eq!(own(&datagrams), listed(libc::AF_UNIX, libc::SOCK_DGRAM));
        assert_eq!(own(&server), listed(libc::AF_INET, libc::SOCK_STREAM));
    }

    #[test]
    fn what_is_no_socket_is_not_listed() {
        assert_eq!(own(&std::fs::File::open("/dev/null").unwrap()), None);
    }
}
