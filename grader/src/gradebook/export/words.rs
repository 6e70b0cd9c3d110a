//! What pages and feedback say around the evidence, in the languages of the labs.

use std::fmt::Display;

use super::number;
use crate::gradebook::time;
use crate::lab::Lang;
use crate::report::JsonText;

/// The words of a language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words(pub(super) Lang);

impl Words {
    fn pick(self, en: &'static str, ru: &'static str) -> &'static str {
        self.0.pick(en, ru)
    }

    /// A text of the lab's.
    pub(super) fn text(self, text: &JsonText) -> &str {
        match (self.0, &text.ru) {
            (Lang::Ru, Some(ru)) => ru,
            _ => &text.en,
        }
    }

    /// Points as their readers write them.
    pub(super) fn number(self, value: f64) -> String {
        match self.0 {
            Lang::En => number(value),
            Lang::Ru => number(value).replace('.', ","),
        }
    }

    /// The language, for HTML.
    pub(super) fn code(self) -> &'static str {
        self.pick("en", "ru")
    }

    pub(super) fn not_graded(self) -> &'static str {
        self.pick("not graded", "не оценено")
    }

    pub(super) fn nothing_handed_in(self) -> &'static str {
        self.pick("Nothing was handed in.", "Работа не сдана.")
    }

    /// Why the work as it is has no points.
    pub(super) fn ungradable(self, why: &str) -> String {
        match self.0 {
            Lang::En => format!("It could not be graded as it is: {why}"),
            Lang::Ru => format!("В таком виде работу не удалось проверить: {why}"),
        }
    }

    pub(super) fn our_error(self) -> &'static str {
        self.pick(
            "It could not be graded yet, which is no fault of yours.",
            "Работу пока не удалось проверить; вашей вины в этом нет.",
        )
    }

    pub(super) fn attempt(self, attempt: u32) -> String {
        match self.0 {
            Lang::En => format!("Attempt {attempt} counts."),
            Lang::Ru => format!("Засчитана попытка {attempt}."),
        }
    }

    pub(super) fn handed_in(self, at: i64) -> String {
        let at = time::shown(at);
        match self.0 {
            Lang::En => format!("Handed in {at}."),
            Lang::Ru => format!("Сдано {at}."),
        }
    }

    pub(super) fn late(self, penalty: f64) -> String {
        let penalty = self.number(penalty);
        match self.0 {
            Lang::En => format!("{penalty} points were taken away for being late."),
            Lang::Ru => format!("За опоздание снято баллов: {penalty}."),
        }
    }

    pub(super) fn by_hand(self, parts: &[(String, f64)]) -> String {
        let said = self.pick("Points were set by hand", "Баллы выставил преподаватель");
        format!("{said}{}.", self.listed(parts))
    }

    /// `3 of 10`.
    pub(super) fn of(self, points: impl Display, of: u32) -> String {
        match self.0 {
            Lang::En => format!("{points} of {of}"),
            Lang::Ru => format!("{points} из {of}"),
        }
    }

    pub(super) fn was_not_built(self, executable: &str) -> String {
        match self.0 {
            Lang::En => format!("{executable} was not built"),
            Lang::Ru => format!("{executable}: не собрано"),
        }
    }

    pub(super) fn met(self) -> &'static str {
        self.pick("Met", "Выполнено")
    }

    pub(super) fn notes(self) -> &'static str {
        self.pick("Notes, which cost nothing", "Заметки (на баллы не влияют)")
    }

    /// Before a command.
    pub(super) fn try_it(self) -> &'static str {
        self.pick("Try", "Повторить:")
    }

    pub(super) fn footer(self, at: i64, grader: &str, compiler: &str, seed: u64) -> String {
        let at = time::shown(at);
        match self.0 {
            Lang::En => format!("Graded {at} by grader {grader} with {compiler} · seed {seed}"),
            Lang::Ru => {
                format!("Проверено {at}: grader {grader}, {compiler} · начальное число {seed}")
            }
        }
    }

    pub(super) fn fault(self, why: &str) -> String {
        match self.0 {
            Lang::En => format!("the grader or the machine failed: {why}"),
            Lang::Ru => format!("отказ машины или программы проверки: {why}"),
        }
    }

    /// The words of the one line for a cell: failed, not stable, not reached, not shown.
    pub(super) fn outcomes(self) -> [(&'static str, &'static str); 4] {
        [
            ("fail", self.pick("failed", "не выполнено")),
            ("unstable", self.pick("not stable", "нестабильно")),
            ("not-reached", self.pick("not reached", "не проверено")),
            (
                "skipped",
                self.pick("not shown by this machine", "на этой машине не проверить"),
            ),
        ]
    }

    /// What fails and costs nothing.
    pub(super) fn without_points(self) -> &'static str {
        self.pick("failed at no cost", "не выполнено, без потери баллов")
    }

    /// The one line's sentences: nothing handed in, not graded yet, not graded because, late, by
    /// hand.
    pub(super) fn line_nothing(self) -> &'static str {
        self.pick("nothing was handed in", "работа не сдана")
    }

    pub(super) fn line_error(self) -> &'static str {
        self.pick(
            "not graded yet, which is no fault of yours",
            "пока не проверено, вашей вины нет",
        )
    }

    pub(super) fn line_late(self, penalty: f64) -> String {
        format!(
            "{}: -{}",
            self.pick("late", "опоздание"),
            self.number(penalty)
        )
    }

    pub(super) fn line_by_hand(self, parts: &[(String, f64)]) -> String {
        let said = self.pick("set by hand", "выставлено преподавателем");
        format!("{said}{}", self.listed(parts))
    }

    /// `: s-next 5, s-bye 2.5`, or nothing.
    fn listed(self, parts: &[(String, f64)]) -> String {
        let parts: Vec<String> = parts
            .iter()
            .map(|(name, points)| format!("{name} {}", self.number(*points)))
            .collect();
        if parts.is_empty() {
            String::new()
        } else {
            format!(": {}", parts.join(", "))
        }
    }
}
