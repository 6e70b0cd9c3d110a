//! Small questions the tracer asks `/proc`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use nix::errno::Errno;

use crate::memory;
use crate::plan::Address;
use crate::proc;

/// Whether a thread belongs to a process: otherwise no signal could be sent to it as one of that (tgkill(2)).
pub(crate) fn is_thread_of(pid: i32, tid: i32) -> bool {
    // SAFETY: takes numbers; nothing is sent.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, 0) };
    !matches!(Errno::result(sent), Err(Errno::ESRCH | Errno::EINVAL))
}

/// The inode of the socket behind a descriptor.
pub(crate) fn socket_inode(pid: i32, fd: i32) -> Option<u64> {
    let link = proc::fd_link(pid, fd)?;
    let number = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// The local port of an internet socket, from `/proc/PID/net/tcp` and `tcp6` (proc(5)); what the
/// kernel chose where the program asked for port 0.
pub(crate) fn local_port(pid: i32, inode: u64) -> Option<u16> {
    let inode = inode.to_string();
    ["tcp", "tcp6"].iter().find_map(|table| {
        let table = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).ok()?;
        table.lines().skip(1).find_map(|line| {
            // sl local_address rem_address st queues timer retrnsmt uid timeout inode
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (_, port) = fields.get(1)?.rsplit_once(':')?;
            let found = fields.get(9) == Some(&inode.as_str());
            found.then(|| u16::from_str_radix(port, 16).ok()).flatten()
        })
    })
}

/// Whether a descriptor leads to a FIFO or pipe.
pub(crate) fn is_pipe(pid: i32, fd: i32) -> bool {
    proc::inode_of(pid, fd).is_some_and(|(_, _, kind)| kind == libc::S_IFIFO)
}

/// The working directory, as a path that this process can follow.
pub(crate) fn working_directory(pid: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// Where the dynamic loader at `base` of a process that has just been executed is mapped: what its
/// program headers say (elf(5)); where those are not at its beginning, or say too much, what is mapped
/// there without a gap. Asking for the mappings costs ten times as much. `None` where it is the C library as
/// well, as in musl: calls made from there are the program's.
pub(crate) fn loader(pid: i32, base: u64) -> Option<Range<u64>> {
    let image = memory::read(pid, base, ELF_HEAD);
    let range = match loaded_size(&image).filter(|size| *size <= LARGEST_LOADER) {
        Some(size) => base..base.checked_add(size)?,
        None => mapped(pid, base)?,
    };
    let alone = range.end - range.start < SMALLEST_LIBRARY || !is_library(pid, base);
    alone.then_some(range)
}

/// Whether what is mapped at `base` is musl's library, by its name.
fn is_library(pid: i32, base: u64) -> bool {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let begins = format!("{base:x}-");
    let mapping = maps.lines().find(|line| line.starts_with(&begins));
    mapping.is_some_and(|line| line.contains("musl"))
}

/// The headers stand before everything else, on one page.
const ELF_HEAD: usize = 2048;
/// No C library fits into this; the loader of glibc takes 0x3a000.
const SMALLEST_LIBRARY: u64 = 384 << 10;
/// None is as large as this.
const LARGEST_LOADER: u64 = 4 << 20;

/// How much memory an image takes that is loaded in one piece; `None` where its headers are not within
/// `image`.
fn loaded_size(image: &[u8]) -> Option<u64> {
    const PT_LOAD: u32 = 1;
    let half = |at: usize| Some(u16::from_ne_bytes(image.get(at..at + 2)?.try_into().ok()?));
    let word = |at: usize| Some(u64::from_ne_bytes(image.get(at..at + 8)?.try_into().ok()?));
    // Magic, ELFCLASS64.
    if image.get(..5)? != [0x7f, b'E', b'L', b'F', 2] {
        return None;
    }
    let table = usize::try_from(word(32)?).ok()?;
    let (length, count) = (usize::from(half(54)?), usize::from(half(56)?));
    let mut end = 0;
    for number in 0..count {
        let at = table.checked_add(number.checked_mul(length)?)?;
        let header = image.get(at..at.checked_add(length)?)?;
        let kind = u32::from_ne_bytes(header.get(..4)?.try_into().ok()?);
        if kind == PT_LOAD {
            let (address, size) = (word(at + 16)?, word(at + 40)?);
            end = end.max(address.checked_add(size)?);
        }
    }
    (end > 0).then_some(end)
}

/// From `base` to the end of what is mapped there without a gap.
fn mapped(pid: i32, base: u64) -> Option<Range<u64>> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let mut end = base;
    for line in maps.lines() {
        let (range, _) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let from = u64::from_str_radix(from, 16).ok()?;
        if from == end {
            end = u64::from_str_radix(to, 16).ok()?;
        }
    }
    (end > base).then_some(base..end)
}

/// Where a path address leads, seen from the helper; `None` for other families.
pub(crate) fn absolute(pid: i32, address: &Address) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let Address::Path(path) = address else {
        return None;
    };
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
    if path.is_absolute() {
        Some(path.to_owned())
    } else {
        Some(working_directory(pid)?.join(path))
    }
}

/// Every process this one can see but itself.
pub(crate) fn all_pids() -> Vec<i32> {
    let own = std::process::id().cast_signed();
    let Ok(listing) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut pids: Vec<i32> = listing
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&pid| pid != own)
        .collect();
    pids.sort_unstable();
    pids
}

/// Every process below this one, orphans included: this is PID 1 of its namespace, or a child
/// subreaper.
pub(crate) fn below_this_process() -> Vec<i32> {
    let all = all_pids();
    if std::process::id() == 1 {
        return all;
    }
    let parents: Vec<(i32, i32)> = all
        .iter()
        .filter_map(|&pid| Some((pid, proc::ppid(pid)?)))
        .collect();
    let mut found = vec![std::process::id().cast_signed()];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let children = parents.iter().filter(|(_, of)| *of == parent);
        found.extend(children.map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// The listening Unix sockets of this network namespace with their names (`/proc/net/unix`, whose
/// paths are bytes).
pub(crate) fn listening_unix() -> Vec<(u64, Address)> {
    /// `__SO_ACCEPTCON` as the file prints it.
    const LISTENING: &[u8] = b"00010000";
    let table = std::fs::read("/proc/net/unix").unwrap_or_default();
    table
        .split(|&b| b == b'\n')
        .filter_map(|line| {
            // Num RefCount Protocol Flags Type St Inode Path
            let mut fields = line
                .splitn(8, |&b| b == b' ')
                .filter(|field| !field.is_empty());
            let flags = fields.nth(3)?;
            let rest = fields.nth(2)?;
            let (inode, path) = match rest.iter().position(|&b| b == b' ') {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None => (rest, fields.next().unwrap_or_default()),
            };
            let inode = std::str::from_utf8(inode).ok()?.trim().parse().ok()?;
            let address = match path {
                [] => return None,
                [b'@', name @ ..] => Address::Abstract(name.into()),
                path => Address::Path(path.into()),
            };
            (flags == LISTENING).then_some((inode, address))
        })
        .collect()
}

/// The inodes of all Unix sockets of this network namespace.
pub(crate) fn unix_inodes() -> BTreeSet<u64> {
    let table = std::fs::read("/proc/net/unix").unwrap_or_default();
    table
        .split(|&b| b == b'\n')
        .filter_map(|line| {
            // Num RefCount Protocol Flags Type St Inode Path
            let mut fields = line.split(|&b| b == b' ').filter(|field| !field.is_empty());
            std::str::from_utf8(fields.nth(6)?).ok()?.parse().ok()
        })
        .collect()
}

/// Whether a process has a descriptor of this socket.
pub(crate) fn holds_socket(pid: i32, inode: u64) -> bool {
    let wanted = format!("socket:[{inode}]");
    proc::fds(pid)
        .unwrap_or_default()
        .iter()
        .any(|(_, link)| link == wanted.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_loader_of_this_process_is_where_its_mappings_say() {
        let pid = std::process::id().cast_signed();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let first = maps
            .lines()
            .find(|line| {
                line.rsplit('/')
                    .next()
                    .is_some_and(|name| name.starts_with("ld-"))
            })
            .expect("this test is dynamically linked");
        let base = u64::from_str_radix(first.split('-').next().unwrap(), 16).unwrap();
        let (told, seen) = (loader(pid, base).unwrap(), mapped(pid, base).unwrap());
        assert_eq!(told.start, seen.start);
        // The last page is mapped whole.
        assert_eq!(told.end.next_multiple_of(4096), seen.end);
    }

    #[test]
    fn where_there_is_no_image_there_is_no_size() {
        assert_eq!(loaded_size(b""), None);
        assert_eq!(loaded_size(b"\x7fELF\x02"), None);
        assert_eq!(loaded_size(&[0; 2048]), None);
    }

    proptest! {
        #[test]
        fn no_image_makes_it_panic(mut image in proptest::collection::vec(any::<u8>(), 0..300)) {
            let magic = b"\x7fELF\x02";
            let head = image.len().min(magic.len());
            image[..head].copy_from_slice(&magic[..head]);
            let _ = loaded_size(&image);
        }
    }
}
