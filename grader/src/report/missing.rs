//! What a machine does not grant, in Russian. The supervisor says it in English: it is below the
//! languages of reports.

/// The pieces of what the supervisor says, each with its Russian; a piece comes before those that are in it.
const PIECES: &[(&str, &str)] = &[
    ("namespaces: ", "пространства имён: "),
    (
        "private /tmp: programs that name a file in /tmp themselves are refused",
        "свой /tmp: программам, которые сами называют файл в /tmp, отказано",
    ),
    (
        "private network: the machine's network and its socket files can be reached",
        "своя сеть: доступны сеть машины и её файлы сокетов",
    ),
    (
        "private processes: other processes are visible",
        "свои процессы: видны чужие процессы",
    ),
    (
        "abstract sockets and signals lead to this machine's processes",
        "абстрактные сокеты и сигналы доходят до процессов этой машины",
    ),
    (
        "user id of the programs: an ordinary user has only one, so they could signal this user's other processes",
        "отдельный пользователь для программ: у обычного пользователя идентификатор один, поэтому они могли бы посылать сигналы другим его процессам",
    ),
    (
        "supplementary groups: an ordinary user cannot drop them",
        "дополнительные группы: обычный пользователь не может их сбросить",
    ),
    ("control group: ", "контрольная группа: "),
    (
        "pid limit of the namespace: ",
        "предел на процессы в пространстве имён: ",
    ),
    (
        "ptrace: refused, so calls are not seen",
        "ptrace: отказано, вызовов не видно",
    ),
    ("IPv6: ::1 is not there", "IPv6: адреса ::1 нет"),
    (
        "copies of descriptors: refused, so sockets hold as much as they do",
        "копии дескрипторов: отказано, буферы сокетов остаются как есть",
    ),
    ("Landlock: ", "Landlock: "),
    (
        "not supported by this kernel",
        "это ядро его не поддерживает",
    ),
    (
        ": files are protected by permissions only",
        ": файлы защищены только правами",
    ),
    // Why namespaces are refused.
    (
        "starting again inside the namespace: ",
        "новый запуск в пространстве имён: ",
    ),
    (
        "mapping user ids into a user namespace",
        "назначение идентификаторов в пространстве имён пользователей",
    ),
    (
        "a user namespace for the programs",
        "пространство имён пользователей для программ",
    ),
    ("a user namespace", "пространство имён пользователей"),
    (
        "a second mount namespace",
        "второе пространство имён монтирования",
    ),
    ("a mount namespace", "пространство имён монтирования"),
    (
        "another network namespace",
        "ещё одно пространство имён сети",
    ),
    ("a PID namespace", "пространство имён процессов"),
    (
        "a process that maps ids",
        "процесс, назначающий идентификаторы",
    ),
    (
        "a private /proc (where containers mask parts of theirs, none is)",
        "свой /proc (в контейнерах, где часть /proc закрыта, его нет)",
    ),
    ("a private directory", "свой каталог"),
    ("private mounts", "свои точки монтирования"),
    ("a file system", "файловая система"),
    ("the loopback interface", "петлевой интерфейс"),
    ("writing ", "запись в "),
    // What the kernel says.
    ("Operation not permitted", "операция не разрешена"),
    ("Permission denied", "нет прав"),
    ("No space left on device", "исчерпан предел (ENOSPC)"),
    ("Invalid argument", "неверный аргумент"),
    ("Function not implemented", "ядро этого не умеет"),
];

/// What is not enforced, for who reads Russian; what is not known stays as it is.
#[must_use]
pub fn in_russian(missing: &str) -> String {
    let pieces = PIECES.iter();
    pieces.fold(missing.to_owned(), |text, (en, ru)| text.replace(en, ru))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_is_what_the_supervisor_says() {
        let sources = [
            include_str!("../../supervisor/src/worker/helper.rs"),
            include_str!("../../supervisor/src/worker/inside.rs"),
            include_str!("../../supervisor/src/event/enforced.rs"),
            include_str!("../../supervisor/src/isolation/landlock.rs"),
            include_str!("../../supervisor/src/isolation/mounts.rs"),
            include_str!("../../supervisor/src/isolation/net.rs"),
            include_str!("../../supervisor/src/isolation/root.rs"),
            include_str!("../../supervisor/src/isolation/scenario.rs"),
            include_str!("../../supervisor/src/isolation/user.rs"),
        ];
        // A string may go over several lines of its source.
        let whole = |text: &str| {
            let lines = text.lines().map(|line| line.trim().trim_end_matches('\\'));
            lines.collect::<Vec<_>>().concat()
        };
        let sources = sources.map(whole).concat();
        let sources = sources.replace("{NO_IPV6}", "IPv6");
        let sources = sources.replace("{NO_COPIES}", "copies of descriptors");
        let own = PIECES
            .iter()
            .take_while(|(en, _)| *en != "Operation not permitted");
        for (en, _) in own {
            assert!(sources.contains(en), "nobody says `{en}`");
        }
    }

    #[test]
    fn what_is_not_enforced_is_told_in_russian() {
        for (en, ru) in [
            (
                "namespaces: a user namespace: No space left on device",
                "пространства имён: пространство имён пользователей: исчерпан предел (ENOSPC)",
            ),
            (
                "Landlock: not supported by this kernel: files are protected by permissions only",
                "Landlock: это ядро его не поддерживает: файлы защищены только правами",
            ),
            ("IPv6: ::1 is not there", "IPv6: адреса ::1 нет"),
            ("something new", "something new"),
        ] {
            assert_eq!(in_russian(en), ru);
        }
    }
}
