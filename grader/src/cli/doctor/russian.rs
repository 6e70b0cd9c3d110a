//! What was tried on this machine, in Russian. The probes are made below the languages of reports and
//! speak English; what the system says stays as it is.

use grader::report::Finding;

/// The same finding for who reads Russian.
pub(super) fn finding(finding: Finding) -> Finding {
    Finding {
        name: whole(&finding.name),
        ok: finding.ok,
        detail: detail(&finding.detail),
        remedy: finding.remedy.map(|remedy| parts(&remedy)),
    }
}

/// What a probe says whole.
const WHOLE: [(&str, &str); 28] = [
    ("kernel", "ядро"),
    ("user namespace", "пространство имён пользователей"),
    ("mount namespace", "пространство имён монтирования"),
    ("PID namespace", "пространство имён процессов"),
    ("network namespace", "пространство имён сети"),
    ("IPC namespace", "пространство имён IPC"),
    ("pid_max per namespace", "pid_max в пространстве имён"),
    ("cgroup v2 delegation", "делегирование cgroup v2"),
    ("CPU pinning", "привязка к процессору"),
    ("C compiler", "компилятор C"),
    ("a whole scenario", "сценарий целиком"),
    ("second user id", "второй идентификатор"),
    (
        "an ordinary user's namespace holds one",
        "в пространстве имён обычного пользователя он один",
    ),
    ("::1 answers", "::1 отвечает"),
    ("::1 is not there", "адреса ::1 нет"),
    ("worker process", "рабочий процесс"),
    ("granted", "есть"),
    ("granted, with a /proc of its own", "есть, со своим /proc"),
    ("refused", "отказано"),
    ("needs Linux 6.14", "нужен Linux 6.14"),
    ("filters work", "фильтры работают"),
    (
        "a filter was installed and did not refuse",
        "фильтр установлен, но не запрещает",
    ),
    ("no Yama", "Yama нет"),
    ("not in this kernel", "в этом ядре нет"),
    (
        "none of cc, gcc, clang runs",
        "ни cc, ни gcc, ни clang не запускается",
    ),
    ("no cgroup v2 hierarchy", "иерархии cgroup v2 нет"),
    ("cgroup v2 is not mounted", "cgroup v2 не смонтирована"),
    (
        "a private /proc is refused (containers mask parts of theirs)",
        "в своём /proc отказано (контейнеры скрывают часть своего)",
    ),
];

/// Sentences, or parts of them, in what a probe says or advises.
const PARTS: [(&str, &str); 22] = [
    (
        "Linux 5.12 or later: mount_setattr(2) makes the system read-only",
        "нужен Linux 5.12 или новее: mount_setattr(2) закрывает систему от записи",
    ),
    (
        "sysctl user.max_user_namespaces above 0 (and kernel.unprivileged_userns_clone=1 where there is such a switch)",
        "sysctl user.max_user_namespaces больше 0 (и kernel.unprivileged_userns_clone=1, где он есть)",
    ),
    (
        "in a container: run it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined, or as --privileged",
        "в контейнере: запускать его с --security-opt seccomp=unconfined --security-opt systempaths=unconfined или с --privileged",
    ),
    (
        "Linux 6.14; only a second fence behind RLIMIT_NPROC",
        "нужен Linux 6.14; это лишь второй рубеж за RLIMIT_NPROC",
    ),
    (
        "sysctl kernel.yama.ptrace_scope=1 (3 cannot be lowered without a reboot); in a container allow ptrace in its seccomp profile. Without it calls are not seen and quiet is judged from /proc",
        "sysctl kernel.yama.ptrace_scope=1 (3 без перезагрузки не понизить); в контейнере разрешить ptrace в его профиле seccomp. Без этого вызовов не видно, а о покое судят по /proc",
    ),
    (
        "a kernel with CONFIG_SECCOMP_FILTER",
        "нужно ядро с CONFIG_SECCOMP_FILTER",
    ),
    (
        "Linux 5.13 or later with landlock in the kernel's lsm= list; only needed where namespaces are refused",
        "нужен Linux 5.13 или новее с landlock в списке lsm= ядра; и только там, где нет пространств имён",
    ),
    (
        "run grader below `systemd-run --user --scope -p Delegate=yes`; without it memory of a scenario is looked at every 20 ms, and the kernel limits each process alone",
        "запускать grader под `systemd-run --user --scope -p Delegate=yes`; без этого память сценария проверяется раз в 20 мс, а ядро ограничивает каждый процесс отдельно",
    ),
    ("costs speed only", "страдает только скорость"),
    (
        "install one: apt install gcc libc6-dev",
        "установить: apt install gcc libc6-dev",
    ),
    (
        "scenarios run with reduced isolation: see the refusals above",
        "сценарии идут с ослабленной изоляцией: смотрите отказы выше",
    ),
    (
        "install newuidmap (Debian, Ubuntu: apt install uidmap) and set ids apart for this user in /etc/subuid and /etc/subgid (usermod --add-subuids, --add-subgids), or run grader as root; without it what a lab shows as another user is skipped",
        "установить newuidmap (Debian, Ubuntu: apt install uidmap) и выделить этому пользователю идентификаторы в /etc/subuid и /etc/subgid (usermod --add-subuids, --add-subgids) или запускать grader от root; без этого то, что показывают от имени другого пользователя, пропускается",
    ),
    (
        "boot without ipv6.disable=1; without it what a lab shows over IPv6 is skipped",
        "загружаться без ipv6.disable=1; без этого то, что показывают по IPv6, пропускается",
    ),
    ("write this to ", "записать в "),
    (" and run `sudo", " это и выполнить `sudo"),
    (
        "; AppArmor restricts user namespaces",
        "; AppArmor ограничивает пространства имён пользователей",
    ),
    (
        "made, but powerless: writing ",
        "создано, но бесправно: запись в ",
    ),
    ("a private file system: ", "своя файловая система: "),
    (
        "the required isolation is not granted here: ",
        "требуемой изоляции здесь нет: ",
    ),
    (
        "the scenario could not be set up: ",
        "сценарий не подготовить: ",
    ),
    (
        "the worker process could not be started: ",
        "рабочий процесс не запустить: ",
    ),
    (
        ": other processes are in this group",
        ": в этой группе есть другие процессы",
    ),
];

fn whole(text: &str) -> String {
    let known = WHOLE.iter().find(|(en, _)| *en == text);
    known.map_or_else(|| text.to_owned(), |(_, ru)| (*ru).to_owned())
}

fn parts(text: &str) -> String {
    let mut text = text.to_owned();
    for (en, ru) in PARTS {
        text = text.replace(en, ru);
    }
    text
}

fn detail(text: &str) -> String {
    if let Some(count) = text.strip_suffix(" processors") {
        return format!("процессоров: {count}");
    }
    if let Some(user) = text.strip_prefix("for uid ") {
        return format!("для uid {user}");
    }
    if let Some(rest) = text.strip_prefix("isolation ")
        && let Some((isolation, observation)) = rest.split_once(", observation ")
    {
        let observation = observation.replacen(" (without ", " (без: ", 1);
        return format!("изоляция {isolation}, наблюдение {observation}");
    }
    if let Some((controllers, place)) = text
        .strip_prefix("no ")
        .and_then(|rest| rest.split_once(" controller in "))
    {
        let controllers = controllers.replace(" and ", " и ");
        return format!("контроллеров {controllers} нет в {place}");
    }
    // What ptrace says has what Yama says behind it.
    match text.strip_suffix("; no Yama") {
        Some(before) => format!("{before}; {}", whole("no Yama")),
        None => parts(&whole(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probes' sources, with their strings on one line each.
    fn probes() -> String {
        let sources = [
            include_str!("../../../supervisor/src/probe.rs"),
            include_str!("../../../supervisor/src/probe/apparmor.rs"),
            include_str!("../../../supervisor/src/probe/cgroup.rs"),
            include_str!("../../../supervisor/src/probe/checks.rs"),
            include_str!("../../../supervisor/src/probe/namespaces.rs"),
            include_str!("../../../supervisor/src/cgroup.rs"),
            include_str!("../../../supervisor/src/worker.rs"),
        ];
        let mut out = String::new();
        for line in sources.iter().flat_map(|source| source.lines()) {
            match line.trim().strip_suffix('\\') {
                Some(begun) => out.push_str(begun),
                None => {
                    out.push_str(line.trim());
                    out.push('\n');
                }
            }
        }
        out
    }

    #[test]
    fn nothing_is_translated_that_no_probe_says() {
        let probes = probes();
        for (en, _) in WHOLE.iter().chain(&PARTS) {
            assert!(probes.contains(en), "{en}");
        }
        for said in [" processors", "for uid ", "isolation {}, observation {}"] {
            assert!(probes.contains(said), "{said}");
        }
    }

    #[test]
    fn what_the_system_says_stays() {
        let of = |name: &str, detail: &str, remedy: Option<&str>| {
            let finding = finding(Finding {
                name: name.to_owned(),
                ok: false,
                detail: detail.to_owned(),
                remedy: remedy.map(str::to_owned),
            });
            (finding.name, finding.detail, finding.remedy)
        };
        assert_eq!(
            of("ptrace", "Operation not permitted; no Yama", None),
            (
                "ptrace".into(),
                "Operation not permitted; Yama нет".into(),
                None
            )
        );
        assert_eq!(
            of(
                "user namespace",
                "made, but powerless: writing /proc/self/uid_map: EPERM; AppArmor restricts user namespaces",
                Some("write this to /etc/apparmor.d/grader and run `sudo apparmor_parser`:\nabi")
            ),
            (
                "пространство имён пользователей".into(),
                "создано, но бесправно: запись в /proc/self/uid_map: EPERM; AppArmor ограничивает пространства имён пользователей".into(),
                Some("записать в /etc/apparmor.d/grader это и выполнить `sudo apparmor_parser`:\nabi".into())
            )
        );
        assert_eq!(
            of(
                "a whole scenario",
                "isolation full, observation full (without x)",
                None
            )
            .1,
            "изоляция full, наблюдение full (без: x)"
        );
    }
}
