//! What only `worker` says.

use grader::lab::Lang;
use grader::report::missing_in_russian;
use grader::store::{Commit, Handled};

use super::grants::Less;
use crate::cli::words::Words;

impl Words {
    pub(super) fn doctor_says(self) -> &'static str {
        self.pick(
            "`grader doctor` says what this machine grants",
            "что даёт эта машина, скажет `grader doctor`",
        )
    }

    pub(super) fn grants_less(self, less: Less, missing: &str) -> String {
        let what = match less {
            Less::Tracing => self.pick("no tracing of programs", "не даёт трассировать программы"),
            Less::Isolation => self.pick("reduced isolation", "даёт только неполную изоляцию"),
        };
        self.pick(
            format!("this machine grants {what}, and points of it are not comparable with those of others, so it takes no submission: {missing}"),
            format!("эта машина {what}, её баллы не сравнимы с баллами других, поэтому она не берёт ни одной работы: {missing}"),
        )
    }

    /// How to be content with less.
    pub(super) fn content_with(self, option: &str) -> String {
        self.pick(
            format!("`grader doctor` tells more; where no machine grants it, give the batch {option}, and another --store"),
            format!("подробнее скажет `grader doctor`; если этого не даёт ни одна машина, добавьте к команде проверки {option} и задайте другой --store"),
        )
    }

    pub(super) fn not_enforced_here(self, what: &str) -> String {
        self.pick(
            format!("note: not enforced here: {what}"),
            format!("заметка: здесь не обеспечено: {}", missing_in_russian(what)),
        )
    }

    /// What came of an item, where that is worth a line: nobody watches a worker whose work goes well.
    pub(super) fn handled(self, handled: &Handled) -> Option<String> {
        let what = match (handled.given_up, handled.commit, handled.taken_over) {
            (_, Commit::Disputed, _) => self.pick(
                "came second, and with another result: see disputes/",
                "этот результат второй, и он другой: см. disputes/",
            ),
            (_, Commit::Same, _) => self.pick(
                "came second, with the same result",
                "этот результат второй, и он такой же",
            ),
            (true, _, _) => self.pick(
                "given up: too many workers were lost with it",
                "больше не проверяется: на ней потеряно слишком много исполнителей",
            ),
            (false, _, true) => self.pick(
                "taken over from a worker that is gone",
                "взята у исполнителя, который пропал",
            ),
            (false, Commit::First, false) => return None,
        };
        Some(format!("{}: {what}", handled.key))
    }

    pub(super) fn told_to_end(self) -> &'static str {
        self.pick("it is told to end", "ему велено закончить")
    }

    /// Why this machine cannot go on; so many submissions are left to others.
    pub(super) fn unfit(self, why: &str, left: usize) -> String {
        let submissions = self.submissions_are(left);
        match (self.0, left) {
            (Lang::En, 0) => format!("this machine cannot work on this store: {why}"),
            (Lang::Ru, 0) => format!("эта машина не может проверять работы отсюда: {why}"),
            (Lang::En, _) => format!(
                "this machine cannot work on this store: {submissions} left to others: {why}"
            ),
            (Lang::Ru, _) => format!(
                "эта машина не может проверять работы отсюда: {submissions} остаётся другим: {why}"
            ),
        }
    }

    pub(super) fn say_it_again(self) -> &'static str {
        self.pick(
            "the batch's command, given again, puts back what is damaged or missing in the store",
            "та же команда проверки вернёт в хранилище то, что повреждено или пропало",
        )
    }
}
