//! Makes this process read clocks by system calls.
//!
//! A program that is executed has no vDSO (`tracer::time`). A builtin is a copy of the helper,
//! whose C library found it long ago: here its functions are replaced by the calls they save.

use nix::errno::Errno;

/// Functions of the vDSO (vdso(7), x86-64) and the calls behind them.
#[cfg(target_arch = "x86_64")]
const FUNCTIONS: &[(&[u8], libc::c_long)] = &[
    (b"__vdso_clock_gettime", libc::SYS_clock_gettime),
    (b"__vdso_gettimeofday", libc::SYS_gettimeofday),
    (b"__vdso_time", libc::SYS_time),
];

/// Functions of the vDSO (vdso(7), aarch64) and the calls behind them.
#[cfg(target_arch = "aarch64")]
const FUNCTIONS: &[(&[u8], libc::c_long)] = &[
    (b"__kernel_clock_gettime", libc::SYS_clock_gettime),
    (b"__kernel_gettimeofday", libc::SYS_gettimeofday),
];

/// A function that makes a call with the arguments it is given.
#[cfg(target_arch = "x86_64")]
type Function = [u8; 8];
/// A function that makes a call with the arguments it is given.
#[cfg(target_arch = "aarch64")]
type Function = [u8; 12];

#[cfg(target_arch = "x86_64")]
fn function(nr: u32) -> Function {
    // mov eax, NUMBER; syscall; ret
    let mut code = [0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3];
    code[1..5].copy_from_slice(&nr.to_le_bytes());
    code
}

#[cfg(target_arch = "aarch64")]
fn function(nr: u32) -> Function {
    // mov x8, NUMBER; svc 0; ret
    let instructions = [0xd280_0008 | (nr & 0xffff) << 5, 0xd400_0001, 0xd65f_03c0];
    let mut code = [0; 12];
    for (place, instruction) in code.chunks_exact_mut(4).zip(instructions) {
        place.copy_from_slice(&u32::to_le_bytes(instruction));
    }
    code
}

/// Makes what was written visible to who executes it. On x86-64 it is.
#[cfg(target_arch = "x86_64")]
fn written(_at: usize) {}

/// Makes what was written visible to who executes it: a function is in one or two lines of the caches.
#[cfg(target_arch = "aarch64")]
fn written(at: usize) {
    for at in [at, at + size_of::<Function>() - 1] {
        // SAFETY: a line of the caches that holds mapped memory is written back and read again.
        unsafe {
            std::arch::asm!(
                "dc cvau, {at}",
                "dsb ish",
                "ic ivau, {at}",
                "dsb ish",
                "isb",
                at = in(reg) at,
                options(nostack),
            );
        }
    }
}

const PAGE: usize = 4096;
/// `struct Elf64_Ehdr`, `Elf64_Phdr`, `Elf64_Dyn` and `Elf64_Sym`: elf(5).
const PROGRAM_HEADERS: usize = 32;
const PROGRAM_HEADER: usize = 56;
const COUNT: usize = 56;
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const STRINGS: u64 = 5;
const SYMBOLS: u64 = 6;
const SYMBOL: usize = 24;

/// The mapped image. Everything in it is read at an offset, after a look at its length.
struct Image {
    base: usize,
    length: usize,
}

impl Image {
    fn read<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        if at.checked_add(N)? > self.length {
            return None;
        }
        // SAFETY: inside the image, which the kernel has mapped readable for this process's life.
        Some(unsafe { std::ptr::read_unaligned((self.base + at) as *const [u8; N]) })
    }

    fn word(&self, at: usize) -> Option<u64> {
        self.read(at).map(u64::from_ne_bytes)
    }

    fn offset(&self, at: usize) -> Option<usize> {
        self.word(at).and_then(|word| usize::try_from(word).ok())
    }

    /// Offset of the program header of this type.
    fn header(&self, kind: u32) -> Option<usize> {
        let first = self.offset(PROGRAM_HEADERS)?;
        let count = usize::from(u16::from_ne_bytes(self.read(COUNT)?));
        (0..count)
            .map(|index| first + index * PROGRAM_HEADER)
            .find(|&at| self.read(at).map(u32::from_ne_bytes) == Some(kind))
    }

    /// Where functions of these names begin, as offsets.
    fn functions(&self, name: &[u8]) -> Option<usize> {
        let dynamic = self.offset(self.header(DYNAMIC)? + 16)?;
        let entry = |tag: u64| {
            (0..64)
                .map(|index| dynamic + index * 16)
                .find(|&at| self.word(at) == Some(tag))
                .and_then(|at| self.offset(at + 8))
        };
        let (strings, symbols) = (entry(STRINGS)?, entry(SYMBOLS)?);
        // The strings follow the symbols in every vDSO that there is.
        let count = strings.checked_sub(symbols)? / SYMBOL;
        (0..count)
            .map(|index| symbols + index * SYMBOL)
            .find(|&at| {
                let start = self.read(at).map(u32::from_ne_bytes);
                start.is_some_and(|start| self.is_named(strings + start as usize, name))
            })
            .and_then(|at| self.offset(at + 8))
    }

    fn is_named(&self, at: usize, name: &[u8]) -> bool {
        let end = name.iter().chain(&[0]).enumerate();
        end.into_iter()
            .all(|(index, byte)| self.read(at + index) == Some([*byte]))
    }
}

/// Replaces them. Nothing is done where there is no vDSO.
///
/// # Errors
/// The `errno` with which the image cannot be changed; `ENOEXEC` for one that is not understood.
pub(super) fn replace() -> Result<(), i32> {
    // SAFETY: reads the auxiliary vector of this process.
    let base = unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) };
    let Ok(base) = usize::try_from(base) else {
        return Err(libc::ENOEXEC);
    };
    if base == 0 {
        return Ok(());
    }
    let start = Image { base, length: PAGE };
    let length = start
        .header(LOAD)
        .and_then(|load| start.offset(load + 40))
        .ok_or(libc::ENOEXEC)?;
    let length = length.next_multiple_of(PAGE);
    let image = Image { base, length };
    let protect = |protection| {
        // SAFETY: all of the image and nothing else; nobody runs in it now.
        let done = unsafe { libc::mprotect(base as *mut libc::c_void, length, protection) };
        Errno::result(done).map_err(|errno| errno as i32)
    };
    protect(libc::PROT_READ | libc::PROT_WRITE)?;
    let mut known = true;
    for (name, nr) in FUNCTIONS {
        match image.functions(name) {
            Some(at) if at + size_of::<Function>() <= length => {
                let code = function(*nr as u32);
                // SAFETY: inside the image, writable now, and a function longer than this.
                unsafe { std::ptr::write_unaligned((base + at) as *mut Function, code) };
                written(base + at);
            }
            _ => known = false,
        }
    }
    protect(libc::PROT_READ | libc::PROT_EXEC)?;
    if known { Ok(()) } else { Err(libc::ENOEXEC) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // In a child: the image is the whole process's.
    #[test]
    fn clocks_are_read_by_calls_and_show_the_same_time() {
        // SAFETY: the child makes plain system calls only and ends without running anything of
        // the parent's.
        match unsafe { nix::unistd::fork() }.unwrap() {
            nix::unistd::ForkResult::Child => {
                let before = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
                let replaced = replace();
                let after = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
                let fine = replaced.is_ok()
                    && matches!((before, after), (Ok(before), Ok(after))
                        if after >= before && after.tv_sec() - before.tv_sec() < 60);
                // SAFETY: ends the child.
                unsafe { libc::_exit(i32::from(!fine)) }
            }
            nix::unistd::ForkResult::Parent { child } => {
                let end = nix::sys::wait::waitpid(child, None).unwrap();
                assert_eq!(end, nix::sys::wait::WaitStatus::Exited(child, 0));
            }
        }
    }
}
