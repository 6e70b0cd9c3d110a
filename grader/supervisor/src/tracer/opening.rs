//! How a file is opened, as a person writes it: open(2).

/// The flags beside the access mode; `O_SYNC` has the bits of `O_DSYNC`.
const FLAGS: [(i32, &str); 12] = [
    (libc::O_CREAT, "O_CREAT"),
    (libc::O_EXCL, "O_EXCL"),
    (libc::O_TRUNC, "O_TRUNC"),
    (libc::O_APPEND, "O_APPEND"),
    (libc::O_NONBLOCK, "O_NONBLOCK"),
    (libc::O_CLOEXEC, "O_CLOEXEC"),
    (libc::O_NOFOLLOW, "O_NOFOLLOW"),
    (libc::O_DIRECTORY, "O_DIRECTORY"),
    (libc::O_NOCTTY, "O_NOCTTY"),
    (libc::O_PATH, "O_PATH"),
    (libc::O_SYNC, "O_SYNC"),
    (libc::O_DSYNC, "O_DSYNC"),
];

/// `O_WRONLY|O_NONBLOCK`; bits without a name are left out.
pub(super) fn flags(flags: i32) -> String {
    let mut names = vec![match flags & libc::O_ACCMODE {
        libc::O_RDONLY => "O_RDONLY",
        libc::O_WRONLY => "O_WRONLY",
        _ => "O_RDWR",
    }];
    let mut rest = flags & !libc::O_ACCMODE;
    for (bits, name) in FLAGS {
        if rest & bits == bits {
            rest &= !bits;
            names.push(name);
        }
    }
    names.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_names() {
        assert_eq!(flags(libc::O_RDONLY), "O_RDONLY");
        assert_eq!(
            flags(libc::O_WRONLY | libc::O_NONBLOCK),
            "O_WRONLY|O_NONBLOCK"
        );
        assert_eq!(
            flags(libc::O_RDWR | libc::O_CREAT | libc::O_SYNC),
            "O_RDWR|O_CREAT|O_SYNC"
        );
    }
}
