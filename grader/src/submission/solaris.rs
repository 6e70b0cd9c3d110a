//! What Solaris, the course's old platform, has and Linux has not: libraries, headers, flags.

/// Libraries of Solaris whose functions are part of libc on Linux.
const LIBRARIES: [&str; 7] = ["socket", "nsl", "xnet", "posix4", "thread", "gen", "intl"];

/// The libraries for which empty archives are put up.
pub(super) fn stubs() -> impl Iterator<Item = String> {
    LIBRARIES.iter().map(|name| format!("lib{name}.a"))
}

/// An archive (ar(5)) without members.
pub(super) const EMPTY_ARCHIVE: &str = "!<arch>\n";

/// Whether the linker missed a library for which there is an empty one.
pub(super) fn wants_stubs(output: &str) -> bool {
    output
        .lines()
        .filter_map(|line| line.split_once("cannot find -l"))
        .map(|(_, rest)| {
            rest.split(|c: char| !c.is_ascii_alphanumeric())
                .next()
                .unwrap_or_default()
        })
        .any(|name| LIBRARIES.contains(&name))
}

/// Headers that only Solaris has, and what stands for them on Linux.
pub(super) const ONLY_THERE: [(&str, &str); 5] = [
    ("stropts.h", "#include <sys/ioctl.h>\n"),
    ("sys/stropts.h", "#include <sys/ioctl.h>\n"),
    ("sys/filio.h", "#include <sys/ioctl.h>\n"),
    ("sys/sockio.h", "#include <sys/ioctl.h>\n"),
    (
        "sys/termio.h",
        "#include <sys/ioctl.h>\n#if __has_include(<termio.h>)\n#include <termio.h>\n#endif\n",
    ),
];

/// Whether the compiler missed one of those: gcc quotes no name, clang does.
fn wants_one_only_there(line: &str) -> bool {
    let missing = line.contains(": No such file") || line.contains("' file not found");
    let named = |name: &str| {
        let after = line.split_once(name);
        after.is_some_and(|(_, rest)| rest.starts_with([':', '\'']))
    };
    missing && line.contains("error: ") && ONLY_THERE.iter().any(|(name, _)| named(name))
}

/// Whether an error is one that the headers, functions or flags of Solaris can mend.
pub(super) fn wants_headers(output: &str) -> bool {
    // What comes after a slip of the pen is mostly its echo.
    let first = output.lines().find(|line| line.contains("error: "));
    if first.is_some_and(|line| line.contains("error: expected")) {
        return false;
    }
    if output.lines().any(wants_one_only_there) {
        return true;
    }
    [
        "incomplete type",
        "storage size",
        "implicit declaration",
        "undeclared",
        "unknown type name",
        "invalid use of undefined type",
        "undefined reference to `strl",
        "unrecognized command-line option",
        "unrecognized command line option",
        "language X not recognized",
        "[-Werror",
        "[-Wimplicit-function-declaration]",
        "suncc",
    ]
    .iter()
    .any(|part| output.contains(part))
}

/// What Solaris headers declare without being asked. The macro is spelt as programs spell it, so
/// that defining it once more is no warning.
pub(super) const HEADER: &str = "#ifndef GRADER_SOLARIS_H
#define GRADER_SOLARIS_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef __EXTENSIONS__
#define __EXTENSIONS__
#endif
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#pragma GCC diagnostic ignored \"-Wdeprecated-declarations\"
#if !__GLIBC_PREREQ(2, 38)
static inline size_t grader_strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);
    if (size > 0) {
        size_t copied = length < size ? length : size - 1;
        memcpy(to, from, copied);
        to[copied] = 0;
    }
    return length;
}
static inline size_t grader_strlcat(char *to, const char *from, size_t size)
{
    size_t used = strnlen(to, size);
    return used + (used < size ? grader_strlcpy(to + used, from, size - used) : strlen(from));
}
#define strlcpy grader_strlcpy
#define strlcat grader_strlcat
#endif
#endif
";

/// Names by which Makefiles call a compiler, and whether it is one for C++.
pub(super) const COMPILERS: [(&str, bool); 9] = [
    ("cc", false),
    ("gcc", false),
    ("c89", false),
    ("c99", false),
    ("suncc", false),
    ("clang", false),
    ("g++", true),
    ("c++", true),
    ("CC", true),
];

/// A script that stands before the compiler on `PATH`: forces the header in, leaves out the flags
/// of the Sun compiler, and no warning is an error.
pub(super) fn wrapper(compiler: &str, header: &str, include: &str) -> String {
    format!(
        "#!/bin/sh
n=$#
while [ $n -gt 0 ]; do
    word=$1
    shift
    n=$((n - 1))
    case $word in
    -mt) set -- \"$@\" -pthread ;;
    -xO* | -fast | -Xa | -Xc | -Xs | -Xt | -KPIC | -Kpic | -xc99* | -xarch* | -xtarget* | -errwarn* | -v) ;;
    -Werror | -Werror=* | -pedantic-errors) ;;
    *) set -- \"$@\" \"$word\" ;;
    esac
done
exec '{}' -include '{header}' -idirafter '{include}' \"$@\"
",
        compiler.replace('\'', "'\\''"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_asks_for_no_header() {
        assert!(wants_headers(
            "a.c:1: error: unknown type name 'x'\na.c:1: error: expected ';'"
        ));
        assert!(!wants_headers(
            "a.c:1: error: expected ';'\na.c:2: error: 'x' undeclared"
        ));
    }

    #[test]
    fn headers_that_only_solaris_has_are_known_by_their_names() {
        for wanted in [
            "a.c:1:10: fatal error: stropts.h: No such file or directory",
            "a.c:1:10: fatal error: sys/termio.h: No such file or directory",
            "a.c:1:10: fatal error: 'sys/filio.h' file not found",
        ] {
            assert!(wants_headers(wanted), "{wanted}");
        }
        for other in [
            "a.c:1:10: fatal error: my.h: No such file or directory",
            "a.c:1:10: fatal error: stropts.hpp: No such file or directory",
        ] {
            assert!(!wants_headers(other), "{other}");
        }
    }

    #[test]
    fn only_known_libraries_are_put_up() {
        assert!(wants_stubs(
            "ld: cannot find -lsocket: No such file or directory"
        ));
        assert!(wants_stubs("ld: cannot find -lxnet"));
        assert!(!wants_stubs("ld: cannot find -ldoor"));
        assert!(!wants_stubs("ld: cannot find -lsocketpair"));
        assert!(stubs().any(|name| name == "libnsl.a"));
    }
}
