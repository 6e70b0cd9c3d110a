//! What `results` and `batch` say of a class, in the languages of the labs.

use grader::batch::Status;
use grader::gradebook::export::number;
use grader::gradebook::{Comparison, LabChange, Override, Reason, time};
use grader::lab::Lang;
use grader::locale::{count_in_russian, decimal};

/// The words of a language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words(pub(super) Lang);

impl Words {
    /// What is for this language.
    pub(super) fn pick<T>(self, en: T, ru: T) -> T {
        self.0.pick(en, ru)
    }

    /// A number with `places` behind the point.
    pub(super) fn decimal(self, number: f64, places: usize) -> String {
        decimal(number, places, self.0)
    }

    /// A number with its noun: two forms in English, three in Russian.
    pub(super) fn count(self, n: usize, en: [&str; 2], ru: [&str; 3]) -> String {
        match self.0 {
            Lang::En => format!("{n} {}", if n == 1 { en[0] } else { en[1] }),
            Lang::Ru => count_in_russian(n, ru[0], ru[1], ru[2]),
        }
    }

    /// So many submissions of which something is said: `3 submissions are`.
    pub(super) fn submissions_are(self, n: usize) -> String {
        self.count(
            n,
            ["submission is", "submissions are"],
            ["работа", "работы", "работ"],
        )
    }

    /// So many students of whom something is.
    pub(super) fn of_students(self, n: usize) -> String {
        self.count(
            n,
            ["student", "students"],
            ["студента", "студентов", "студентов"],
        )
    }

    pub(super) fn results(self, n: usize) -> String {
        self.count(
            n,
            ["result", "results"],
            ["результат", "результата", "результатов"],
        )
    }

    /// Points as their readers write them: `85`, `42.5`; `42,5` in Russian.
    pub(super) fn number(self, value: f64) -> String {
        self.pick(number(value), number(value).replace('.', ","))
    }

    /// `1 point`, `2.5 points`.
    pub(super) fn points(self, value: f64) -> String {
        let shown = self.number(value);
        match (self.0, shown.parse::<usize>()) {
            (_, Ok(whole)) => self.count(whole, ["point", "points"], ["балл", "балла", "баллов"]),
            (Lang::En, Err(_)) => format!("{shown} points"),
            (Lang::Ru, Err(_)) => format!("{shown} балла"),
        }
    }

    /// Points, or why there are none, with what was done to them.
    pub(super) fn late(self, penalty: f64) -> String {
        format!(
            "({} -{})",
            self.pick("late", "опоздание"),
            self.number(penalty)
        )
    }

    pub(super) fn by_hand(self) -> &'static str {
        self.pick("(by hand)", "(вручную)")
    }

    /// An outcome or a status by its stored word.
    pub(super) fn outcome(self, word: &str) -> &str {
        if matches!(self.0, Lang::En) {
            return word;
        }
        match word {
            "graded" => "оценено",
            "ungradable" => "не оценено",
            "error" => "ошибка",
            "unstable" => "нестабильно",
            "skipped" => "пропущено",
            other => other,
        }
    }

    pub(super) fn status(self, status: Status) -> &'static str {
        self.outcome(status.word())
    }

    /// Whether a result counts, by its stored word.
    pub(super) fn state(self, word: &str) -> &str {
        if matches!(self.0, Lang::En) {
            return word;
        }
        match word {
            "current" => "засчитан",
            "pending" => "ждёт решения",
            "superseded" => "заменён",
            "discarded" => "отклонён",
            other => other,
        }
    }

    pub(super) fn student(self) -> &'static str {
        self.pick("student", "студент")
    }

    pub(super) fn requirement(self) -> &'static str {
        self.pick("requirement", "требование")
    }

    pub(super) fn nothing_yet(self) -> &'static str {
        self.pick(
            "there is nothing in the gradebook yet",
            "в ведомости пока ничего нет",
        )
    }

    pub(super) fn nothing_handed_in(self) -> &'static str {
        self.pick("nothing was handed in", "работа не сдана")
    }

    /// A student has a date of his own.
    pub(super) fn own_date(self, due: i64) -> String {
        let due = time::shown(due);
        self.pick(
            format!("due {due} for this student"),
            format!("срок сдачи для этого студента — {due}"),
        )
    }

    /// Which attempt of when is shown, from where, and when it was graded.
    pub(super) fn attempt(self, n: u32, of: Option<i64>, from: &str, graded: i64) -> String {
        let graded = time::shown(graded);
        match self.0 {
            Lang::En => {
                let of = of.map(|at| format!(" of {}", time::shown(at)));
                let of = of.unwrap_or_default();
                format!("attempt {n}{of} from {from}, graded {graded}")
            }
            Lang::Ru => {
                let of = of.map(|at| format!(", сдана {}", time::shown(at)));
                let of = of.unwrap_or_default();
                format!("попытка {n}{of}, взята из {from}, проверена {graded}")
            }
        }
    }

    /// Below a class some of whose results wait.
    pub(super) fn pending(self, n: usize) -> String {
        let results = self.count(
            n,
            ["result of a regrade waits", "results of a regrade wait"],
            ["результат ждёт", "результата ждут", "результатов ждут"],
        );
        self.pick(
            format!("{results}: grader results compare"),
            format!("{results} решения после перепроверки: grader results compare"),
        )
    }

    /// `override 1: us-upper is 15 points, by ana on …: why`.
    pub(super) fn override_line(self, entry: &Override) -> String {
        let requirement = entry.requirement.as_ref().map(|r| format!("/{r}"));
        let what = format!("{}{}", entry.lab, requirement.unwrap_or_default());
        let points = self.points(entry.points);
        let (id, who, why) = (entry.id, &entry.who, &entry.why);
        let at = time::shown(entry.at);
        let withdrawn = self.withdrawn_by(entry);
        match self.0 {
            Lang::En => {
                format!("override {id}: {what} is {points}, by {who} on {at}: {why}{withdrawn}")
            }
            Lang::Ru => {
                format!("ручная оценка {id}: {what} — {points}, {who}, {at}: {why}{withdrawn}")
            }
        }
    }

    /// What was set by hand just now.
    pub(super) fn was_set(self, student: &str, what: &str, value: f64, by: (&str, &str)) -> String {
        let (points, (who, why)) = (self.points(value), by);
        match self.0 {
            Lang::En => format!("{student}: {what} is {points}, by {who}: {why}"),
            Lang::Ru => format!("{student}: {what} — {points}, {who}: {why}"),
        }
    }

    pub(super) fn withdrawn(self, id: i64) -> String {
        match self.0 {
            Lang::En => format!("override {id} withdrawn"),
            Lang::Ru => format!("ручная оценка {id} отменена"),
        }
    }

    pub(super) fn no_overrides(self) -> &'static str {
        self.pick(
            "no points were set by hand",
            "вручную баллы никому не выставлены",
        )
    }

    pub(super) fn applied(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!("{} applied", self.results(n)),
            Lang::Ru => format!("применено: {}", self.results(n)),
        }
    }

    pub(super) fn discarded(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!("{} discarded", self.results(n)),
            Lang::Ru => format!("отклонено: {}", self.results(n)),
        }
    }

    pub(super) fn no_change(self) -> &'static str {
        self.pick("no grade has changed", "ни одна оценка не изменилась")
    }

    /// The titles of a comparison.
    pub(super) fn compared(self) -> [&'static str; 5] {
        [
            self.student(),
            self.requirement(),
            self.pick("was", "было"),
            self.pick("now", "стало"),
            self.pick("why", "причина"),
        ]
    }

    /// `2 changes in 1 submission of 1 student`.
    pub(super) fn changes(self, comparison: &Comparison) -> String {
        let changes = self.count(
            comparison.changes.len(),
            ["change", "changes"],
            ["изменение", "изменения", "изменений"],
        );
        let submissions = self.count(
            comparison.submissions,
            ["submission", "submissions"],
            ["работе", "работах", "работах"],
        );
        let students = self.of_students(comparison.students);
        match self.0 {
            Lang::En => format!("{changes} in {submissions} of {students}"),
            Lang::Ru => format!("{changes} в {submissions} {students}"),
        }
    }

    pub(super) fn reasons(self, why: &[Reason]) -> String {
        let parts: Vec<String> = why.iter().map(|reason| self.reason(reason)).collect();
        if parts.is_empty() {
            let same = self.pick(
                "nothing changed: the result is not stable",
                "ничего не изменилось: результат нестабилен",
            );
            return same.to_owned();
        }
        // Who has set points by hand has written a sentence.
        let by_hand = why.iter().any(|reason| matches!(reason, Reason::ByHand(_)));
        parts.join(if by_hand { "; " } else { ", " })
    }

    fn reason(self, reason: &Reason) -> String {
        let text = match reason {
            Reason::Submission => self.pick("submission changed", "изменилась работа"),
            Reason::Lab(_) => self.pick("lab changed", "изменилось задание"),
            Reason::Grader => self.pick("grader changed", "изменилась версия grader"),
            Reason::Compiler => self.pick("compiler changed", "изменился компилятор"),
            Reason::Options => self.pick(
                "options or isolation changed",
                "изменились параметры запуска или изоляция",
            ),
            Reason::ByHand(both) => return self.set_and_withdrawn(&both.0, &both.1),
        };
        let Reason::Lab(Some(detail)) = reason else {
            return text.to_owned();
        };
        let detail = match (detail, self.0) {
            (LabChange::New, Lang::En) => "a new requirement".to_owned(),
            (LabChange::New, Lang::Ru) => "новое требование".to_owned(),
            (LabChange::Gone, Lang::En) => "the requirement is gone".to_owned(),
            (LabChange::Gone, Lang::Ru) => "требования больше нет".to_owned(),
            (LabChange::Points { was, now }, Lang::En) => {
                format!("{}, was {was}", self.points(f64::from(*now)))
            }
            (LabChange::Points { was, now }, Lang::Ru) => {
                format!("{}, было {was}", self.points(f64::from(*now)))
            }
            (LabChange::Title { en, .. }, Lang::En) => format!("now \u{201c}{en}\u{201d}"),
            (LabChange::Title { en, ru }, Lang::Ru) => {
                format!("теперь «{}»", ru.as_ref().unwrap_or(en))
            }
        };
        format!("{text}: {detail}")
    }

    /// Who has set points by hand, when and why: those in force before, and those in force now.
    fn set_and_withdrawn(self, was: &Option<Override>, now: &Option<Override>) -> String {
        let was = was.as_ref();
        match (was, now) {
            (Some(was), Some(now)) if was.id != now.id => {
                let (now, was) = (self.by_whom(now), self.by_whom(was));
                self.pick(format!("{now}; was {was}"), format!("{now}; была {was}"))
            }
            (_, Some(now)) => self.by_whom(now),
            (Some(was), None) => format!("{}{}", self.by_whom(was), self.withdrawn_by(was)),
            (None, None) => String::new(),
        }
    }

    /// `override 1 by ana on …: why`.
    fn by_whom(self, entry: &Override) -> String {
        let (id, who, why) = (entry.id, &entry.who, &entry.why);
        let at = time::shown(entry.at);
        self.pick(
            format!("override {id} by {who} on {at}: {why}"),
            format!("ручная оценка {id}: {who}, {at}: {why}"),
        )
    }

    /// `; withdrawn … by bob`, where it is.
    fn withdrawn_by(self, entry: &Override) -> String {
        let withdrawn = entry.withdrawn.as_ref().map(|(at, who)| {
            let at = time::shown(*at);
            match self.0 {
                Lang::En => format!("; withdrawn {at} by {who}"),
                Lang::Ru => format!("; отменена {at}, {who}"),
            }
        });
        withdrawn.unwrap_or_default()
    }

    /// Asks; no is meant where nothing is answered.
    pub(super) fn apply(self) -> &'static str {
        self.pick("apply? [y/N] ", "применить? [д/Н] ")
    }

    pub(super) fn not_applied(self) -> &'static str {
        self.pick(
            "nothing applied; they wait until `results apply` or `results discard`",
            "ничего не применено; изменения ждут `results apply` или `results discard`",
        )
    }

    pub(super) fn next(self) -> &'static str {
        self.pick("next:", "дальше:")
    }
}

#[cfg(test)]
mod tests;
