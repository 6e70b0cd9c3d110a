//! Registers of a stopped thread: where a system call has its number, its arguments and its result,
//! syscall(2).

use std::io;

use super::ptrace;

/// The number of a call that is not made.
const NO_CALL: i64 = -1;

/// The registers of a thread, to be changed and written back.
pub(crate) struct Registers {
    tid: i32,
    user: libc::user_regs_struct,
    /// The number of the call; `None` where it stays. It is in none of the registers.
    #[cfg(target_arch = "aarch64")]
    number: Option<i64>,
}

impl Registers {
    /// Those of a stopped thread; `None` for one that SIGKILL has just removed.
    pub(crate) fn of(tid: i32) -> Option<Self> {
        Some(Self {
            tid,
            user: ptrace::registers(tid).ok()?,
            #[cfg(target_arch = "aarch64")]
            number: None,
        })
    }

    /// Writes them back.
    pub(crate) fn write(&self) {
        // A thread that has just been killed needs none.
        let _ = self.try_write();
    }

    /// At the entry of a call: it is not made, and returns the first argument or what
    /// [`set_result`](Self::set_result) says.
    pub(crate) fn skip_call(&mut self) {
        self.set_call(NO_CALL);
    }
}

/// x86-64: the kernel keeps the number in `orig_rax`.
#[cfg(target_arch = "x86_64")]
impl Registers {
    fn try_write(&self) -> io::Result<()> {
        ptrace::set_registers(self.tid, &self.user)
    }

    /// Where the stack ends.
    pub(crate) fn stack(&self) -> u64 {
        self.user.rsp
    }

    /// Another call.
    pub(crate) fn set_call(&mut self, nr: i64) {
        self.user.orig_rax = nr.cast_unsigned();
    }

    /// An argument of the call, by its place.
    pub(crate) fn set_argument(&mut self, place: u8, value: u64) {
        let user = &mut self.user;
        let register = match place {
            0 => &mut user.rdi,
            1 => &mut user.rsi,
            2 => &mut user.rdx,
            3 => &mut user.r10,
            4 => &mut user.r8,
            _ => &mut user.r9,
        };
        *register = value;
    }

    /// What the call returns.
    pub(crate) fn set_result(&mut self, result: i64) {
        self.user.rax = result.cast_unsigned();
    }

    /// At the exit of a call: it is made again, with `first` as its first argument.
    pub(crate) fn rewind(&mut self, nr: i64, _first: u64) {
        /// `syscall` is two bytes long.
        const INSTRUCTION: u64 = 2;
        self.user.rip -= INSTRUCTION;
        self.user.rax = nr.cast_unsigned();
    }

    /// At the entry of a call: it becomes one that nothing but a signal ends.
    pub(crate) fn pause(&mut self) {
        self.set_call(libc::SYS_pause);
    }

    /// At the exit of [`pause`](Self::pause): gives the call back.
    pub(crate) fn unpause(&mut self, nr: i64, _args: &[u64; 6]) {
        self.set_call(nr);
    }
}

/// aarch64: the number has a register set of its own (the kernel has read it from `x8` and reads it there
/// again to make the call once more), and the result takes the place of the first argument.
#[cfg(target_arch = "aarch64")]
impl Registers {
    fn try_write(&self) -> io::Result<()> {
        ptrace::set_registers(self.tid, &self.user)?;
        match self.number {
            Some(number) => ptrace::set_call_number(self.tid, number),
            None => Ok(()),
        }
    }

    /// Where the stack ends.
    pub(crate) fn stack(&self) -> u64 {
        self.user.sp
    }

    /// Another call.
    pub(crate) fn set_call(&mut self, nr: i64) {
        self.number = Some(nr);
    }

    /// An argument of the call, by its place.
    pub(crate) fn set_argument(&mut self, place: u8, value: u64) {
        self.user.regs[usize::from(place.min(5))] = value;
    }

    /// What the call returns.
    pub(crate) fn set_result(&mut self, result: i64) {
        self.user.regs[0] = result.cast_unsigned();
    }

    /// At the exit of a call: it is made again, with `first` as its first argument.
    pub(crate) fn rewind(&mut self, nr: i64, first: u64) {
        /// Every instruction is four bytes long.
        const INSTRUCTION: u64 = 4;
        self.user.pc -= INSTRUCTION;
        self.user.regs[8] = nr.cast_unsigned();
        self.user.regs[0] = first;
    }

    /// At the entry of a call: it becomes one that nothing but a signal ends. There is no `pause` here, and
    /// a `ppoll` of no descriptors, for ever, is what the C library makes of it.
    pub(crate) fn pause(&mut self) {
        self.set_call(libc::SYS_ppoll);
        // The first argument stays: what points to no descriptors is not looked at.
        for place in 1..4 {
            self.set_argument(place, 0);
        }
    }

    /// At the exit of [`pause`](Self::pause): gives the call back.
    pub(crate) fn unpause(&mut self, nr: i64, args: &[u64; 6]) {
        self.set_call(nr);
        for place in 1..4 {
            self.set_argument(place, args[usize::from(place)]);
        }
    }
}
