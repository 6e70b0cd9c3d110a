//! What to do about well-known build errors.

use crate::lab::Lang;

/// Parts of a compiler's, linker's or make's output, all of which must occur; English; Russian.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (
        &["sockaddr_un", "incomplete type"],
        "add #include <sys/un.h>: Solaris headers bring it along, Linux headers do not.",
        "Добавьте #include <sys/un.h>: заголовки Solaris включают его сами, в Linux — нет.",
    ),
    (
        &["sockaddr_un", "storage size"],
        "add #include <sys/un.h>: Solaris headers bring it along, Linux headers do not.",
        "Добавьте #include <sys/un.h>: заголовки Solaris включают его сами, в Linux — нет.",
    ),
    (
        &["sigset'"],
        "sigset() is a Solaris call; on Linux use sigaction(2).",
        "sigset() — вызов Solaris; в Linux используйте sigaction(2).",
    ),
    (
        &["p2open"],
        "p2open() exists on Solaris only; use pipe(2) and fork(2), or popen(3).",
        "p2open() есть только в Solaris; используйте pipe(2) и fork(2) или popen(3).",
    ),
    (
        &["cannot find -lsocket"],
        "-lsocket is for Solaris; sockets are part of libc on Linux: remove it.",
        "-lsocket нужна в Solaris; в Linux сокеты входят в libc: уберите её.",
    ),
    (
        &["cannot find -lnsl"],
        "-lnsl is for Solaris; it is not needed on Linux: remove it.",
        "-lnsl нужна в Solaris; в Linux она не нужна: уберите её.",
    ),
    (
        &["missing separator"],
        "a command line of a Makefile begins with a tab, not with spaces.",
        "Строка команды в Makefile начинается с табуляции, а не с пробелов.",
    ),
    (
        &["undefined reference to `pthread_"],
        "add -pthread to the compiler's flags.",
        "Добавьте -pthread к флагам компилятора.",
    ),
    (
        &["undefined reference to `main'"],
        "no file defines main(): is a source missing? grader.toml can name the sources.",
        "Ни один файл не определяет main(): не забыт ли исходник? grader.toml может назвать исходники.",
    ),
    (
        &["multiple definition of `main'"],
        "two files with main() were linked together: name the sources of each program in grader.toml.",
        "Скомпонованы два файла с main(): назовите исходники каждой программы в grader.toml.",
    ),
    (
        &["undefined reference to"],
        "a function is declared but its source was not compiled: hand it in, or name all sources in grader.toml.",
        "Функция объявлена, но её исходник не скомпилирован: сдайте его или назовите все исходники в grader.toml.",
    ),
    (
        &["fatal error:", "No such file or directory"],
        "a header is missing: hand it in beside the source (only files of the submission and of the system are there).",
        "Не хватает заголовочного файла: сдайте его рядом с исходником (доступны только файлы работы и системы).",
    ),
    (
        &["No rule to make target"],
        "the Makefile names a file that was not handed in, or spells it in another case.",
        "Makefile ссылается на файл, которого нет в работе, или пишет его имя в другом регистре.",
    ),
    (
        &["no matching package named"],
        "there is no network here: depend on std only, or hand in the crates with `cargo vendor`.",
        "Сети здесь нет: используйте только std или приложите крейты через `cargo vendor`.",
    ),
    (
        &["implicit declaration of function"],
        "a header is missing: man 2 or man 3 of the function names it.",
        "Не подключён заголовочный файл: он назван в man 2 или man 3 этой функции.",
    ),
];

/// The hint for a failed build's output, if its error is a known one.
#[must_use]
pub(super) fn hint(output: &str, lang: Lang) -> Option<String> {
    // Compilers quote with ' or with typographic quotes, by locale.
    let plain = output.replace(['‘', '’'], "'");
    KNOWN
        .iter()
        .find(|(parts, ..)| parts.iter().all(|part| plain.contains(part)))
        .map(|(_, en, ru)| match lang {
            Lang::En => (*en).to_owned(),
            Lang::Ru => (*ru).to_owned(),
        })
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
            ("warning: implicit declaration of function ‘read’", "man 2"),
        ] {
            let hint = hint(output, Lang::En).unwrap();
            assert!(hint.contains(part), "{output}: {hint}");
        }
        assert_eq!(hint("error: expected ';' before '}'", Lang::En), None);
    }

    #[test]
    fn hints_are_in_both_languages() {
        let text = hint("missing separator", Lang::Ru).unwrap();
        assert!(text.contains("табуляции"));
    }
}
