//! Machines that refuse a call, imitated by a filter as containers have it.

/// From now on, for this thread and all it starts, a call fails with `EPERM`.
pub(crate) fn refuse(call: i64) {
    let line = |code: u32, jt, jf, k| libc::sock_filter {
        code: u16::try_from(code).unwrap(),
        jt,
        jf,
        k,
    };
    let (load, equal, give) = (
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_RET | libc::BPF_K,
    );
    let eperm = u32::try_from(libc::EPERM).unwrap();
    let mut lines = [
        line(load, 0, 0, 0),
        line(equal, 0, 1, u32::try_from(call).unwrap()),
        line(give, 0, 0, libc::SECCOMP_RET_ERRNO | eperm),
        line(give, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: 4,
        filter: lines.as_mut_ptr(),
    };
    // SAFETY: `program` describes live lines, which the kernel only reads.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
        )
    };
    assert_eq!(done, 0);
}
