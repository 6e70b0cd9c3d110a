//! The memory of the programs, by `process_vm_readv(2)`; through `/proc/TID/mem` where a container
//! refuses that call although it grants `ptrace` (Docker's default profile did until version 20.10).

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::unistd::Pid;

/// The most bytes that one [`read`] gives.
pub(crate) const MAX_READ: usize = 1 << 20;

/// No page is smaller; a request split here fails only where the memory really ends.
const PAGE: usize = 4096;

/// The kernel's `UIO_MAXIOV`.
const MAX_PIECES: usize = 1024;

/// Up to `len` bytes (at most [`MAX_READ`]) from `addr` in a thread's memory.
///
/// Shorter where the readable memory ends earlier; empty where nothing can be read or the thread
/// is gone.
#[must_use]
pub(crate) fn read(tid: i32, addr: u64, len: usize) -> Vec<u8> {
    let len = len.min(MAX_READ);
    let Some(pieces) = pieces(addr, len) else {
        return Vec::new();
    };
    let mut bytes = vec![0; len];
    let got = process_vm_readv(
        Pid::from_raw(tid),
        &mut [IoSliceMut::new(&mut bytes)],
        &pieces,
    );
    let got = match got {
        Err(errno) if is_refused(errno) => read_file(tid, addr, &mut bytes),
        got => got.unwrap_or(0),
    };
    bytes.truncate(got);
    bytes
}

/// The call itself is not to be had here, whoever is asked for.
fn is_refused(errno: Errno) -> bool {
    matches!(errno, Errno::EPERM | Errno::ENOSYS)
}

/// The same through the file of the thread's memory: how many bytes there were.
fn read_file(tid: i32, addr: u64, bytes: &mut [u8]) -> usize {
    let Ok(file) = File::open(format!("/proc/{tid}/mem")) else {
        return 0;
    };
    let mut got = 0;
    while got < bytes.len() {
        match file.read_at(&mut bytes[got..], addr + got as u64) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    got
}

fn write_file(tid: i32, addr: u64, bytes: &[u8]) -> Result<(), Errno> {
    let file = OpenOptions::new()
        .write(true)
        .open(format!("/proc/{tid}/mem"))
        .map_err(|_| Errno::EPERM)?;
    // The kernel says EIO where there is no memory.
    file.write_all_at(bytes, addr).map_err(|_| Errno::EFAULT)
}

/// A NUL-terminated string without its NUL, at most `max` bytes; `None` where the memory ends or
/// `max` bytes pass before a NUL.
#[must_use]
pub(crate) fn read_cstr(tid: i32, addr: u64, max: usize) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    while text.len() < max {
        let at = addr.checked_add(u64::try_from(text.len()).ok()?)?;
        let bytes = read(tid, at, (max - text.len()).min(256));
        if let Some(end) = bytes.iter().position(|&b| b == 0) {
            text.extend_from_slice(&bytes[..end]);
            return Some(text);
        }
        if bytes.is_empty() {
            return None;
        }
        text.extend_from_slice(&bytes);
    }
    None
}

/// Exactly `N` bytes.
#[must_use]
pub(crate) fn read_array<const N: usize>(tid: i32, addr: u64) -> Option<[u8; N]> {
    read(tid, addr, N).try_into().ok()
}

/// Writes all of `bytes` into memory that the program itself can write.
///
/// # Errors
/// `EFAULT` where the memory is not writable (or ends), `ESRCH` where the thread is gone, `EPERM`
/// where the kernel refuses.
pub(crate) fn write(tid: i32, addr: u64, bytes: &[u8]) -> Result<(), Errno> {
    for (number, chunk) in bytes.chunks(MAX_READ).enumerate() {
        let at = u64::try_from(number * MAX_READ)
            .ok()
            .and_then(|offset| addr.checked_add(offset));
        let at = at.ok_or(Errno::EFAULT)?;
        let pieces = pieces(at, chunk.len()).ok_or(Errno::EFAULT)?;
        match process_vm_writev(Pid::from_raw(tid), &[IoSlice::new(chunk)], &pieces) {
            Ok(count) if count == chunk.len() => {}
            Ok(_) => return Err(Errno::EFAULT),
            Err(errno) if is_refused(errno) => write_file(tid, at, chunk)?,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// A range cut at page boundaries: the kernel transfers piece by piece and stops at the first bad.
fn pieces(addr: u64, len: usize) -> Option<Vec<RemoteIoVec>> {
    let mut base = usize::try_from(addr).ok()?;
    base.checked_add(len)?;
    let mut left = len;
    let mut pieces = Vec::with_capacity((len / PAGE + 2).min(MAX_PIECES));
    while left > 0 && pieces.len() < MAX_PIECES {
        let piece = left.min(PAGE - base % PAGE);
        pieces.push(RemoteIoVec { base, len: piece });
        base += piece;
        left -= piece;
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    fn address<T>(value: &[T]) -> u64 {
        value.as_ptr() as u64
    }

    #[test]
    fn reads_across_pages_and_stops_at_the_end_of_memory() {
        // Two pages of which the second cannot be read.
        // SAFETY: a fresh anonymous mapping, not touched by anything else.
        let pages = unsafe {
            nix::sys::mman::mmap_anonymous(
                None,
                std::num::NonZeroUsize::new(2 * PAGE).unwrap(),
                nix::sys::mman::ProtFlags::PROT_READ | nix::sys::mman::ProtFlags::PROT_WRITE,
                nix::sys::mman::MapFlags::MAP_PRIVATE,
            )
        }
        .unwrap();
        let base = pages.as_ptr() as u64;
        write(me(), base, &[7; 2 * PAGE]).unwrap();
        assert_eq!(read(me(), base + 10, PAGE), vec![7; PAGE]);
        // SAFETY: the second page of the mapping made above; nothing refers to it.
        unsafe {
            let second = pages.byte_add(PAGE);
            nix::sys::mman::mprotect(second, PAGE, nix::sys::mman::ProtFlags::PROT_NONE).unwrap();
        }
        assert_eq!(read(me(), base + 10, PAGE), vec![7; PAGE - 10]);
        assert_eq!(read_cstr(me(), base, 2 * PAGE), None);
        assert_eq!(write(me(), base + 10, &[1; PAGE]), Err(Errno::EFAULT));
    }

    #[test]
    fn the_file_of_the_memory_says_the_same() {
        let text = *b"abc\0def";
        let mut bytes = [0; 7];
        assert_eq!(read_file(me(), address(&text), &mut bytes), 7);
        assert_eq!(bytes, text);
        let mut target = vec![0_u8; 3];
        write_file(me(), target.as_mut_ptr() as u64, b"xyz").unwrap();
        assert_eq!(std::hint::black_box(target), b"xyz");
        assert_eq!(read_file(me(), 8, &mut bytes), 0);
        assert_eq!(write_file(me(), 8, b"x"), Err(Errno::EFAULT));
        assert_eq!(read_file(i32::MAX, 8, &mut bytes), 0);
    }

    /// A thread under a filter like Docker's, which refuses the calls on other processes' memory.
    #[test]
    fn where_the_calls_are_refused_the_file_is_read_and_written() {
        let done = std::thread::spawn(|| {
            let line = |code: u32, jt, k| libc::sock_filter {
                code: u16::try_from(code).unwrap(),
                jt,
                jf: 0,
                k,
            };
            let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
            let give = libc::BPF_RET | libc::BPF_K;
            let call = |number: i64| u32::try_from(number).unwrap();
            let refused = libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EPERM).unwrap();
            let mut lines = [
                line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
                line(equal, 2, call(libc::SYS_process_vm_readv)),
                line(equal, 1, call(libc::SYS_process_vm_writev)),
                line(give, 0, libc::SECCOMP_RET_ALLOW),
                line(give, 0, refused),
            ];
            let program = libc::sock_fprog {
                len: 5,
                filter: lines.as_mut_ptr(),
            };
            // SAFETY: `program` describes live lines, which the kernel only reads; of this thread only.
            let set = unsafe {
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                libc::syscall(
                    libc::SYS_seccomp,
                    libc::SECCOMP_SET_MODE_FILTER,
                    0,
                    &raw const program,
                )
            };
            assert_eq!(set, 0);
            let text = *b"abc\0def";
            let piece = pieces(address(&text), 7).unwrap();
            let mut bytes = [0; 7];
            let here = process_vm_readv(
                Pid::from_raw(me()),
                &mut [IoSliceMut::new(&mut bytes)],
                &piece,
            );
            assert_eq!(here, Err(Errno::EPERM), "the filter works");
            assert_eq!(read(me(), address(&text), 7), text);
            assert_eq!(read_cstr(me(), address(&text), 100), Some(b"abc".to_vec()));
            let mut target = vec![0_u8; 3];
            write(me(), target.as_mut_ptr() as u64, b"xyz").unwrap();
            assert_eq!(std::hint::black_box(target), b"xyz");
            assert_eq!(write(me(), 8, b"x"), Err(Errno::EFAULT));
        });
        done.join().unwrap();
    }

    #[test]
    fn a_string_ends_at_its_nul_and_is_bounded() {
        let text = b"abc\0def";
        assert_eq!(read_cstr(me(), address(text), 100), Some(b"abc".to_vec()));
        assert_eq!(read_cstr(me(), address(text), 3), None);
        assert_eq!(read_cstr(me(), 0, 100), None);
    }

    #[test]
    fn bad_addresses_and_absent_threads_give_nothing() {
        assert!(read(me(), u64::MAX - 3, 16).is_empty());
        assert!(read(i32::MAX, 0x1000, 16).is_empty());
        assert_eq!(read_array::<4>(me(), 8), None);
        assert_eq!(
            read_array::<4>(me(), address(&[1_u8, 2, 3, 4])),
            Some([1, 2, 3, 4])
        );
    }
}
