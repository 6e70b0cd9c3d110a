//! What to do about well-known build errors.

use crate::lab::Lang;

/// A well-known error.
struct Hint {
    /// Parts of a compiler's, linker's or make's output, all of which must occur.
    parts: &'static [&'static str],
    /// It says nothing of a particular name.
    general: bool,
    en: &'static str,
    ru: &'static str,
}

const fn special(parts: &'static [&'static str], en: &'static str, ru: &'static str) -> Hint {
    Hint {
        parts,
        general: false,
        en,
        ru,
    }
}

const fn general(parts: &'static [&'static str], en: &'static str, ru: &'static str) -> Hint {
    Hint {
        parts,
        general: true,
        en,
        ru,
    }
}

const KNOWN: &[Hint] = &[
    special(
        &["sockaddr_un", "incomplete type"],
        "add #include <sys/un.h>: Solaris headers bring it along, Linux headers do not.",
        "Добавьте #include <sys/un.h>: заголовки Solaris включают его сами, в Linux — нет.",
    ),
    special(
        &["sockaddr_un", "storage size"],
        "add #include <sys/un.h>: Solaris headers bring it along, Linux headers do not.",
        "Добавьте #include <sys/un.h>: заголовки Solaris включают его сами, в Linux — нет.",
    ),
    special(
        &["sockaddr_un", "undefined type"],
        "add #include <sys/un.h>: Solaris headers bring it along, Linux headers do not.",
        "Добавьте #include <sys/un.h>: заголовки Solaris включают его сами, в Linux — нет.",
    ),
    special(
        &["'sigset'"],
        "sigset(), sighold() and sigignore() are declared with #define _GNU_SOURCE before the first #include; better, use sigaction(2).",
        "sigset(), sighold() и sigignore() объявлены, если до первого #include стоит #define _GNU_SOURCE; лучше используйте sigaction(2).",
    ),
    special(
        &["'sighold'"],
        "sigset(), sighold() and sigignore() are declared with #define _GNU_SOURCE before the first #include; better, use sigaction(2).",
        "sigset(), sighold() и sigignore() объявлены, если до первого #include стоит #define _GNU_SOURCE; лучше используйте sigaction(2).",
    ),
    special(
        &["'sigrelse'"],
        "sigset(), sighold() and sigignore() are declared with #define _GNU_SOURCE before the first #include; better, use sigaction(2).",
        "sigset(), sighold() и sigignore() объявлены, если до первого #include стоит #define _GNU_SOURCE; лучше используйте sigaction(2).",
    ),
    special(
        &["'sigignore'"],
        "sigset(), sighold() and sigignore() are declared with #define _GNU_SOURCE before the first #include; better, use sigaction(2).",
        "sigset(), sighold() и sigignore() объявлены, если до первого #include стоит #define _GNU_SOURCE; лучше используйте sigaction(2).",
    ),
    special(
        &["stropts.h:", "No such file"],
        "stropts.h, filio.h, sockio.h and sys/termio.h are headers of Solaris: on Linux ioctl is in <sys/ioctl.h>, terminals are in <termios.h>.",
        "stropts.h, filio.h, sockio.h и sys/termio.h — заголовки Solaris: в Linux ioctl объявлена в <sys/ioctl.h>, терминалы — в <termios.h>.",
    ),
    special(
        &["sys/filio.h:", "No such file"],
        "stropts.h, filio.h, sockio.h and sys/termio.h are headers of Solaris: on Linux ioctl is in <sys/ioctl.h>, terminals are in <termios.h>.",
        "stropts.h, filio.h, sockio.h и sys/termio.h — заголовки Solaris: в Linux ioctl объявлена в <sys/ioctl.h>, терминалы — в <termios.h>.",
    ),
    special(
        &["sys/sockio.h:", "No such file"],
        "stropts.h, filio.h, sockio.h and sys/termio.h are headers of Solaris: on Linux ioctl is in <sys/ioctl.h>, terminals are in <termios.h>.",
        "stropts.h, filio.h, sockio.h и sys/termio.h — заголовки Solaris: в Linux ioctl объявлена в <sys/ioctl.h>, терминалы — в <termios.h>.",
    ),
    special(
        &["sys/termio.h:", "No such file"],
        "stropts.h, filio.h, sockio.h and sys/termio.h are headers of Solaris: on Linux ioctl is in <sys/ioctl.h>, terminals are in <termios.h>.",
        "stropts.h, filio.h, sockio.h и sys/termio.h — заголовки Solaris: в Linux ioctl объявлена в <sys/ioctl.h>, терминалы — в <termios.h>.",
    ),
    special(
        &["p2open"],
        "p2open() exists on Solaris only; use pipe(2) and fork(2), or popen(3).",
        "p2open() есть только в Solaris; используйте pipe(2) и fork(2) или popen(3).",
    ),
    special(
        &["`strlc"],
        "strlcpy() and strlcat() are in libc since glibc 2.38 only: use snprintf(3), or write them yourself.",
        "strlcpy() и strlcat() есть в libc только с glibc 2.38: используйте snprintf(3) или напишите их сами.",
    ),
    special(
        &["function 'strlc"],
        "strlcpy() and strlcat() are in libc since glibc 2.38 only: use snprintf(3), or write them yourself.",
        "strlcpy() и strlcat() есть в libc только с glibc 2.38: используйте snprintf(3) или напишите их сами.",
    ),
    special(
        &["cannot find -lsocket"],
        "-lsocket is for Solaris; sockets are part of libc on Linux: remove it.",
        "-lsocket нужна в Solaris; в Linux сокеты входят в libc: уберите её.",
    ),
    special(
        &["cannot find -lnsl"],
        "-lnsl is for Solaris; it is not needed on Linux: remove it.",
        "-lnsl нужна в Solaris; в Linux она не нужна: уберите её.",
    ),
    special(
        &["cannot find -lxnet"],
        "-lxnet is for Solaris; it is not needed on Linux: remove it.",
        "-lxnet нужна в Solaris; в Linux она не нужна: уберите её.",
    ),
    special(
        &["unrecognized command", "'-mt'"],
        "-mt is a flag of the Sun compiler: with gcc it is -pthread.",
        "-mt — флаг компилятора Sun: в gcc это -pthread.",
    ),
    special(
        &["unrecognized command", "'-xO"],
        "-xO2 is a flag of the Sun compiler: with gcc it is -O2.",
        "-xO2 — флаг компилятора Sun: в gcc это -O2.",
    ),
    special(
        &["missing separator"],
        "a command line of a Makefile begins with a tab, not with spaces.",
        "Строка команды в Makefile начинается с табуляции, а не с пробелов.",
    ),
    special(
        &["\\x0d"],
        "save the Makefile with Unix line ends (LF): CRLF becomes part of names.",
        "Сохраните Makefile с концами строк Unix (LF): CRLF становится частью имён.",
    ),
    special(
        &["undefined reference to `pthread_"],
        "add -pthread to the compiler's flags.",
        "Добавьте -pthread к флагам компилятора.",
    ),
    special(
        &["undefined reference to `sem_"],
        "semaphores need -pthread among the compiler's flags.",
        "Для семафоров нужен флаг компилятора -pthread.",
    ),
    special(
        &["undefined reference to `timer_"],
        "timers need -lrt at the end of the link command.",
        "Для таймеров нужен -lrt в конце команды компоновки.",
    ),
    special(
        &["undefined reference to `shm_"],
        "shared memory needs -lrt at the end of the link command.",
        "Для общей памяти нужен -lrt в конце команды компоновки.",
    ),
    special(
        &["undefined reference to `mq_"],
        "message queues need -lrt at the end of the link command.",
        "Для очередей сообщений нужен -lrt в конце команды компоновки.",
    ),
    special(
        &["undefined reference to `sqrt'"],
        "mathematical functions need -lm at the end of the link command.",
        "Для математических функций нужен -lm в конце команды компоновки.",
    ),
    special(
        &["undefined reference to `pow'"],
        "mathematical functions need -lm at the end of the link command.",
        "Для математических функций нужен -lm в конце команды компоновки.",
    ),
    special(
        &["undefined reference to `socket'"],
        "sockets are part of libc on Linux: link with gcc itself, without -nostdlib or -nodefaultlibs.",
        "В Linux сокеты входят в libc: компонуйте самим gcc, без -nostdlib и -nodefaultlibs.",
    ),
    special(
        &["undefined reference to `main'"],
        "no file defines main(): is a source missing? grader.toml can name the sources.",
        "Ни один файл не определяет main(): не забыт ли исходник? grader.toml может назвать исходники.",
    ),
    special(
        &["multiple definition of `main'"],
        "two files with main() were linked together: name the sources of each program in grader.toml.",
        "Скомпонованы два файла с main(): назовите исходники каждой программы в grader.toml.",
    ),
    special(
        &["file in wrong format"],
        "an object file is for another machine: hand in its source, and let make build it anew.",
        "Объектный файл собран для другой машины: сдайте исходник, пусть make соберёт его заново.",
    ),
    special(
        &["skipping incompatible"],
        "a library or object file is for another machine (or -m32 is given): build everything from source for this one.",
        "Библиотека или объектный файл для другой машины (или указан -m32): собирайте всё из исходников для этой.",
    ),
    special(
        &["Exec format error"],
        "a compiled program of another machine was handed in: hand in its source.",
        "Сдана программа, скомпилированная для другой машины: сдайте её исходник.",
    ),
    special(
        &["No rule to make target"],
        "the Makefile names a file that was not handed in, or spells it in another case. Compiled files (.o, .a) are never used: hand in their sources.",
        "Makefile ссылается на файл, которого нет в работе, или пишет его имя в другом регистре. Скомпилированные файлы (.o, .a) не используются: сдайте исходники.",
    ),
    special(
        &["no makefile found"],
        "make looks for a file called Makefile: rename yours.",
        "make ищет файл с именем Makefile: переименуйте свой.",
    ),
    special(
        &["no matching package named"],
        "there is no network here: depend on std only, or hand in the crates with `cargo vendor`.",
        "Сети здесь нет: используйте только std или приложите крейты через `cargo vendor`.",
    ),
    general(
        &["fatal error:", "No such file or directory"],
        "a header is missing: hand it in beside the source (only files of the submission and of the system are there).",
        "Не хватает заголовочного файла: сдайте его рядом с исходником (доступны только файлы работы и системы).",
    ),
    general(
        &["undefined reference to"],
        "a function is declared but its source was not compiled: hand it in, or name all sources in grader.toml.",
        "Функция объявлена, но её исходник не скомпилирован: сдайте его или назовите все исходники в grader.toml.",
    ),
    general(
        &["incomplete type"],
        "the type is declared in a header that is not included, or only with #define _GNU_SOURCE before the first #include.",
        "Тип объявлен в неподключённом заголовке или только если до первого #include стоит #define _GNU_SOURCE.",
    ),
    general(
        &["storage size"],
        "the type is declared in a header that is not included, or only with #define _GNU_SOURCE before the first #include.",
        "Тип объявлен в неподключённом заголовке или только если до первого #include стоит #define _GNU_SOURCE.",
    ),
    general(
        &["implicit declaration of function"],
        "a header is missing: man 2 or man 3 of the function names it.",
        "Не подключён заголовочный файл: он назван в man 2 или man 3 этой функции.",
    ),
    general(
        &["cannot find -l"],
        "a library is not installed here: leave it out, or say to the teacher which one the task needs.",
        "Библиотека здесь не установлена: уберите её или скажите преподавателю, какая нужна.",
    ),
];

/// Pieces of advice given at once, at most.
const MOST: usize = 3;

/// What to do about the known errors in the outputs of failed builds, each once.
#[must_use]
pub(super) fn advice<'a>(outputs: impl IntoIterator<Item = &'a str>, lang: Lang) -> Option<String> {
    let mut out: Vec<&str> = Vec::new();
    for output in outputs {
        for text in known(output, lang) {
            if !out.contains(&text) && out.len() < MOST {
                out.push(text);
            }
        }
    }
    (!out.is_empty()).then(|| out.join(" "))
}

/// What is known of one output: what is said of a particular name comes before what is said of
/// any, which then only repeats it.
fn known(output: &str, lang: Lang) -> Vec<&'static str> {
    // Compilers quote with ' or with typographic quotes, by locale.
    let plain = output.replace(['‘', '’'], "'");
    let matches = |hint: &&Hint| hint.parts.iter().all(|part| plain.contains(part));
    let mut found: Vec<&Hint> = KNOWN.iter().filter(matches).collect();
    if found.iter().any(|hint| !hint.general) {
        found.retain(|hint| !hint.general);
    } else {
        found.truncate(1);
    }
    found
        .into_iter()
        .map(|hint| match lang {
            Lang::En => hint.en,
            Lang::Ru => hint.ru,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_errors_have_their_own_hint() {
        for (output, part) in [
            (
                "server.c:9:24: error: variable ‘a’ has initializer but incomplete type\n struct sockaddr_un a",
                "<sys/un.h>",
            ),
            (
                "s.c:3: error: storage size of 'a' isn't known: struct sockaddr_un a;",
                "<sys/un.h>",
            ),
            (
                "error: implicit declaration of function ‘sigset’",
                "sigaction",
            ),
            (
                "/usr/bin/ld: cannot find -lsocket: No such file",
                "-lsocket is for",
            ),
            ("Makefile:2: *** missing separator.  Stop.", "tab"),
            ("undefined reference to `pthread_create'", "-pthread"),
            ("undefined reference to `helper'", "not compiled"),
            (
                "a.c:1:10: fatal error: my.h: No such file or directory",
                "header is missing: hand",
            ),
            (
                "a.c:1:10: fatal error: stropts.h: No such file or directory",
                "<sys/ioctl.h>",
            ),
            ("warning: implicit declaration of function ‘read’", "man 2"),
        ] {
            let hint = advice([output], Lang::En).unwrap();
            assert!(hint.contains(part), "{output}: {hint}");
        }
        assert_eq!(advice(["error: expected ';' before '}'"], Lang::En), None);
    }

    #[test]
    fn hints_are_in_both_languages() {
        let text = advice(["missing separator"], Lang::Ru).unwrap();
        assert!(text.contains("табуляции"));
    }
}
