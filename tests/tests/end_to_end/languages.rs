//! What a teacher reads of a class, in both languages.

use std::fs;

use crate::batch::{class, text};
use crate::support::Home;
use predicates::prelude::PredicateBooleanExt as _;

/// What a command says on standard output, in a language that the option or the locale names.
fn said(home: &Home, words: &[&str], lang: &[&str], locale: &str) -> String {
    let output = home
        .grader()
        .args(words)
        .args(lang)
        .env("LANG", locale)
        .output()
        .unwrap();
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{words:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Words of one language that each command says and words of the other that it does not.
fn in_both(home: &Home, words: &[&str], both: &[(&str, &str)]) {
    let en = said(home, words, &["--lang", "en"], "ru_RU.UTF-8");
    let ru = said(home, words, &["--lang", "ru"], "en_US.UTF-8");
    for (english, russian) in both {
        assert!(en.contains(english), "{words:?}: {english}: {en}");
        assert!(ru.contains(russian), "{words:?}: {russian}: {ru}");
        if english != russian {
            assert!(!en.contains(russian), "{words:?}: {russian}: {en}");
            assert!(!ru.contains(english), "{words:?}: {english}: {ru}");
        }
    }
    // Without the option the locale tells. A batch would grade in that language what it has not yet.
    if words[0] == "batch" {
        return;
    }
    assert_eq!(said(home, words, &[], "ru_RU.UTF-8"), ru, "{words:?}");
    assert_eq!(said(home, words, &[], "C.UTF-8"), en, "{words:?}");
}

#[test]
fn a_class_is_told_in_the_language_that_is_asked_for() {
    let home = Home::new();
    class(&home);
    let batch = ["batch", "us-upper=30", "class", "--seed", "7"];
    in_both(
        &home,
        &batch,
        &[
            ("full marks   some", "полный балл частично"),
            ("median 100", "медиана 100"),
            ("most failed: s-next 1", "чаще всего не выполнено: s-next 1"),
            (
                "1 to be looked at:\n  g2/clara",
                "посмотрите сами (1):\n  g2/clara",
            ),
            (
                "gradebook grades.db · next:",
                "ведомость grades.db · дальше:",
            ),
        ],
    );
    in_both(
        &home,
        &["results", "stats"],
        &[
            ("full marks   some", "полный балл частично"),
            (
                "requirement             met  failed  not reached",
                "требование           выполнено не выполнено не проверено",
            ),
        ],
    );
    in_both(
        &home,
        &["results", "show"],
        &[
            ("student ", "студент "),
            ("ungradable", "не оценено"),
            ("g1/boris", "g1/boris"),
        ],
    );
    in_both(
        &home,
        &["results", "show", "--student", "g2/dora"],
        &[
            ("  attempt 1 from ", "  попытка 1, взята из "),
            (", graded 2", ", проверена 2"),
        ],
    );
    in_both(
        &home,
        &["results", "compare"],
        &[("no grade has changed", "ни одна оценка не изменилась")],
    );
    in_both(
        &home,
        &["results", "override"],
        &[(
            "no points were set by hand",
            "вручную баллы никому не выставлены",
        )],
    );
}

#[test]
fn a_regrade_and_points_by_hand_are_told_in_the_language_that_is_asked_for() {
    let home = Home::new();
    let fixtures = end_to_end::root().join("fixtures/us-upper");
    home.copy_of(&fixtures.join("mutants/serve-one"), "class/g1/boris/lab30");
    let batch = ["batch", "us-upper=30", "class", "--seed", "7"];
    said(&home, &batch, &["--lang", "en"], "C");
    fs::remove_dir_all(home.path().join("class/g1/boris/lab30")).unwrap();
    home.copy_of(&fixtures.join("good-poll"), "class/g1/boris/lab30");
    in_both(
        &home,
        &batch,
        &[
            ("1 result would change", "изменилось бы: 1 результат;"),
            ("then results apply or", "затем results apply или"),
        ],
    );
    in_both(
        &home,
        &["results", "compare"],
        &[
            (
                "student    requirement       was   ",
                "студент    требование        было   стало",
            ),
            ("submission changed", "изменилась работа"),
            (
                "2 changes in 1 submission of 1 student\n",
                "2 изменения в 1 работе 1 студента\n",
            ),
            ("next: grader results apply", "дальше: grader results apply"),
        ],
    );
    in_both(
        &home,
        &["results", "show", "--student", "boris", "--history"],
        &[
            (
                "attempt 1    80/100  graded      current ",
                "попытка 1    80/100  оценено     засчитан ",
            ),
            ("pending", "ждёт решения "),
            (
                "1 result of a regrade waits",
                "1 результат ждёт решения после перепроверки",
            ),
        ],
    );
    let ru = |words: &[&str]| said(&home, words, &["--lang", "ru"], "C");
    assert_eq!(ru(&["results", "apply"]), "применено: 1 результат\n");
    assert_eq!(ru(&["results", "discard"]), "отклонено: 0 результатов\n");
    let en = |words: &[&str]| said(&home, words, &["--lang", "en"], "C");
    assert_eq!(en(&["results", "apply"]), "0 results applied\n");
    assert_eq!(en(&["results", "discard"]), "0 results discarded\n");

    let set = |points: &'static str| {
        let words = ["results", "override", "boris", "us-upper", points];
        [&words[..], &["--who", "ana", "--why", "shown"]].concat()
    };
    assert_eq!(ru(&set("22")), "boris: us-upper — 22 балла, ana: shown\n");
    assert_eq!(en(&set("1")), "boris: us-upper is 1 point, by ana: shown\n");
    in_both(
        &home,
        &["results", "override"],
        &[
            (
                "override 1: us-upper is 22 points, by ana on ",
                "ручная оценка 1: us-upper — 22 балла, ana, ",
            ),
            ("; withdrawn 2", "; отменена 2"),
        ],
    );
    in_both(
        &home,
        &["results", "show"],
        &[("1 (by hand)", "1 (вручную)")],
    );
    let withdraw = ["results", "override", "--withdraw", "2", "--who", "ana"];
    assert_eq!(ru(&withdraw), "ручная оценка 2 отменена\n");
}

/// What a command that fails says on standard error, in Russian.
fn fails(home: &Home, words: &[&str]) -> String {
    let output = home
        .grader()
        .args(words)
        .env("LANG", "ru_RU.UTF-8")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{words:?}");
    text(&output.stderr)
}

#[test]
fn what_is_wrong_is_told_in_russian() {
    let home = Home::new();
    home.file("class/g1/anna/lab30/server.c", "int main;");
    home.file("roster.csv", "student,email\nanna,anna\n");
    home.file("grades.csv", "a,b\n");
    home.file("book/grades.db", "text that is longer than any header of a database has reason to be, so that it is looked at and found to be none");
    let book = "book/grades.db";
    for (words, says) in [
        (&["chek"][..], "неизвестная команда 'chek'"),
        (
            &["check", "--sed", "7", "."],
            "неизвестный аргумент '--sed'\nсовет: может быть, --seed?",
        ),
        (
            &["check", "us-uper", "."],
            "задания `us-uper` нет\nсовет: может быть, `us-upper`?\nсовет: встроены",
        ),
        (
            &["check", "us-upper", "nowhere"],
            "nowhere: такого каталога нет; укажите каталог с работой",
        ),
        (
            &["check", "us-upper", "class/g1", "--only", "s-nex"],
            "в задании us-upper нет требования `s-nex`\nсовет: может быть, `s-next`?",
        ),
        (
            &["check", "class"],
            "по имени каталога не видно, какое это задание",
        ),
        (
            &["batch", "us-upper", "nowhere"],
            "nowhere: такого файла или каталога нет",
        ),
        (
            &["batch", "us-upper=30", "class", "--roster", "nowhere.csv"],
            "nowhere.csv: такого файла или каталога нет",
        ),
        (
            &["worker", "--store", "class"],
            "class: это не хранилище grader (store.json: такого файла или каталога нет); назовите",
        ),
        (
            &[
                "batch",
                "us-upper=30",
                "class",
                "--gradebook=new.db",
                "--engine",
                "none",
                "--store",
                "book",
            ],
            "book: это не хранилище grader (в нём есть grades.db); назовите",
        ),
        (
            &[
                "batch",
                "us-upper=30",
                "class",
                "--gradebook=new.db",
                "--engine",
                "slurm",
                "--store",
                "a%b",
            ],
            "a%b: для Slurm в пути допустимы только буквы",
        ),
        (
            &["batch", "us-upper=30", "class", "--layout", "{who}"],
            "`{who}` неизвестно; в раскладке есть",
        ),
        (
            &[
                "batch",
                "us-upper=30",
                "class",
                "--layout",
                "{student}-q/lab{n}",
            ],
            "ни одной работы не найдено (раскладка `{student}-q/lab{n}`)",
        ),
        (
            &["batch", "us-upper=30", "class", "--late", "much"],
            "`much` — не правило",
        ),
        (
            &["batch", "us-upper=30", "class", "--roster", "roster.csv"],
            "roster.csv, строка 2: `anna` под `email` — не адрес почты",
        ),
        (
            &["batch", "us-upper=30", "class", "--only", "zoe"],
            "--only не подходит",
        ),
        (
            &["batch", "us-upper=30", "class", "--gradebook", book],
            "это не база данных SQLite, значит, и не ведомость\nсовет: ",
        ),
        (
            &["results", "show"],
            "grades.db: ведомости нет\nсовет: её делает",
        ),
        (
            &["results", "show", "--lang", "ru", "--nonsense"],
            "неизвестный аргумент '--nonsense'",
        ),
        (&["init", "us-uper"], "задания `us-uper` нет"),
    ] {
        let said = fails(&home, words);
        assert!(said.contains(says), "{words:?}: {said}");
        assert!(said.contains("ошибка: "), "{words:?}: {said}");
        assert!(
            !said.contains("error:") && !said.contains("hint:"),
            "{words:?}: {said}"
        );
    }
    // The option is heard before the locale, also where the rest cannot be read.
    let output = home
        .grader()
        .args(["chek", "--lang", "en"])
        .env("LANG", "ru_RU.UTF-8")
        .output();
    let said = text(&output.unwrap().stderr);
    assert!(
        said.contains("error: unrecognized subcommand 'chek'"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_a_submission_is_told_in_russian() {
    let home = Home::new();
    let good = end_to_end::root().join("fixtures/us-upper/good-poll");
    home.copy_of(&good, "odd");
    let odd = home.path().join("odd");
    std::os::unix::fs::symlink("/etc/passwd", odd.join("link.c")).unwrap();
    let check = ["check", "us-upper", "odd", "--only", "s-address"];
    let ru = said(&home, &check, &["--lang", "ru"], "C");
    let note = "заметка  пропущено link.c: ссылка ведёт за пределы работы";
    assert!(ru.contains(note) && !ru.contains("skipped"), "{ru}");
    home.file(
        "odd/grader.toml",
        "[programs.server]\nsources = [\"x.c\"]\n",
    );
    let ru = fails(&home, &check);
    let says = "grader.toml: [programs.server]: файла `x.c` нет; в работе есть ";
    assert!(ru.contains(says), "{ru}");
    // A class is graded in its language; what is not read is told in it too.
    home.file("class/anna/lab30.zip", "no archive");
    home.file("class/boris/lab30/us-server.c", b"\x7fELF");
    let batch = ["batch", "us-upper=30", "class"];
    let ru = said(&home, &batch, &["--lang", "ru"], "C");
    for says in [
        "anna  lab30.zip: это не архив, что бы ни говорило имя",
        "boris  us-server.c: это скомпилированная программа (ELF)",
    ] {
        assert!(ru.contains(says), "{says}: {ru}");
    }
    // And not again for who reads another.
    let en = said(&home, &batch, &["--lang", "en"], "C");
    assert!(en.contains("это не архив"), "{en}");
}

#[test]
fn help_is_in_the_readers_language() {
    let home = Home::new();
    let asked = |words: &[&str], locale: &str| {
        let mut command = home.grader();
        command.args(words).env("LANG", locale).assert()
    };
    let says = predicates::str::contains("Как пишется: grader check [ПАРАМЕТРЫ] [LAB] <DIR>")
        .and(predicates::str::contains(
            "Возможные значения:\n          - en: английский",
        ))
        .and(predicates::str::contains("[по умолчанию: 1]"))
        .and(predicates::str::contains("default").not());
    asked(&["check", "--help"], "ru_RU.UTF-8")
        .code(0)
        .stdout(says);
    let short = predicates::str::contains("[значения: en, ru]");
    asked(&["help", "check"], "ru_RU.UTF-8")
        .code(0)
        .stdout(predicates::str::contains("Аргументы:"));
    asked(&["check", "-h", "--lang", "ru"], "C")
        .code(0)
        .stdout(short);
    asked(&[], "ru_RU.UTF-8")
        .code(2)
        .stderr(predicates::str::contains("\nКоманды:\n"));
    asked(&["check", "--help"], "C")
        .code(0)
        .stdout(predicates::str::contains("Usage:"));
    // What a command asks for on one machine does not stand under the options for more.
    for (locale, heading) in [
        ("ru_RU.UTF-8", "\nНесколько машин:"),
        ("C", "\nMore machines:"),
    ] {
        let output = asked(&["batch", "--help"], locale).get_output().clone();
        let text = String::from_utf8(output.stdout).unwrap();
        let (one, more) = text.split_once(heading).unwrap();
        for option in ["-h, --help", "--lang", "--isolation", "--workers"] {
            let listed = |part: &str| {
                part.lines()
                    .any(|line| line.trim_start().starts_with(option))
            };
            assert!(listed(one) && !listed(more), "{option}: {text}");
        }
        assert!(!more.contains("More machines:"), "{text}");
    }
}
