use super::*;

#[test]
fn numbers_have_their_nouns() {
    let (en, ru) = (Words(Lang::En), Words(Lang::Ru));
    for (n, in_english, in_russian) in [
        (0.0, "0 points", "0 баллов"),
        (1.0, "1 point", "1 балл"),
        (2.0, "2 points", "2 балла"),
        (2.5, "2.5 points", "2,5 балла"),
        (11.0, "11 points", "11 баллов"),
        (21.0, "21 points", "21 балл"),
        (100.0, "100 points", "100 баллов"),
    ] {
        assert_eq!(
            (en.points(n), ru.points(n)),
            (in_english.into(), in_russian.into())
        );
    }
    let waiting = |n| ru.pending(n);
    assert!(waiting(1).starts_with("1 результат ждёт решения"));
    assert!(waiting(3).starts_with("3 результата ждут решения"));
    assert!(waiting(12).starts_with("12 результатов ждут решения"));
    assert_eq!(
        en.pending(1),
        "1 result of a regrade waits: grader results compare"
    );
    let comparison = |students| Comparison {
        changes: Vec::new(),
        submissions: 1,
        students,
    };
    assert_eq!(
        ru.changes(&comparison(1)),
        "0 изменений в 1 работе 1 студента"
    );
    assert_eq!(
        ru.changes(&comparison(22)),
        "0 изменений в 1 работе 22 студентов"
    );
}

#[test]
fn reasons_are_told_in_both_languages() {
    let (en, ru) = (Words(Lang::En), Words(Lang::Ru));
    let title = LabChange::Title {
        en: "Next".into(),
        ru: Some("Дальше".into()),
    };
    for (why, in_english, in_russian) in [
        (
            vec![Reason::Submission, Reason::Compiler],
            "submission changed, compiler changed",
            "изменилась работа, изменился компилятор",
        ),
        (
            vec![Reason::Lab(Some(LabChange::Points { was: 10, now: 1 }))],
            "lab changed: 1 point, was 10",
            "изменилось задание: 1 балл, было 10",
        ),
        (
            vec![Reason::Lab(Some(title))],
            "lab changed: now \u{201c}Next\u{201d}",
            "изменилось задание: теперь «Дальше»",
        ),
        (
            vec![],
            "nothing changed: the result is not stable",
            "ничего не изменилось: результат нестабилен",
        ),
    ] {
        assert_eq!(en.reasons(&why), in_english);
        assert_eq!(ru.reasons(&why), in_russian);
    }
}
