//! What a batch says of workers on other machines.

use std::path::Path;

use grader::cluster::Note;
use grader::lab::Lang;

use crate::cli::words::Words;

impl Words {
    /// Something worth telling, as a line.
    pub(super) fn note(self, note: Note) -> String {
        let text = match note {
            Note::Asked(n) => self.asked(n),
            Note::ToppedUp(n, why) => self.topped_up(n, why),
            Note::Refused { program, why } => self.pick(
                format!("{program} refuses more workers for now: {why}"),
                format!("{program} пока не даёт новых исполнителей: {why}"),
            ),
            Note::News(news) => news,
            Note::Silent(why) => self.pick(
                format!("the scheduler does not answer ({why}); results are collected all the same"),
                format!("планировщик не отвечает ({why}); результаты собираются и без него"),
            ),
            Note::Answers => self
                .pick("the scheduler answers again", "планировщик снова отвечает")
                .to_owned(),
            Note::NotCancelled(why) => self.pick(
                format!("workers could not be told to end, and go on until no work is left ({why})"),
                format!("остановить исполнителей не удалось, они работают, пока есть что проверять ({why})"),
            ),
            Note::Nobody {
                left,
                since,
                advice,
            } => {
                let (since, left) = (since.as_secs(), self.left(left));
                self.pick(
                    format!("nobody works on {left}, for {since} s now; {advice}"),
                    format!("{left} уже {since} с никто не проверяет; {advice}"),
                )
            }
        };
        let note = self.pick("note", "заметка");
        format!("{note}: {text}")
    }

    /// The script that is shown is submitted more than once.
    pub(super) fn in_several_arrays(self, workers: usize, most: usize) -> String {
        let (times, last) = (workers.div_ceil(most), (workers - 1) % most);
        self.pick(
            format!("note: Slurm takes {most} tasks at a time: this is submitted {times} times for {workers} workers, the last time with --array=0-{last}"),
            format!("заметка: за раз Slurm берёт задач не больше {most}: исполнителей {workers}, и отправок будет {times}, последняя с --array=0-{last}"),
        )
    }

    fn workers(self, n: usize) -> String {
        self.count(
            n,
            ["worker", "workers"],
            ["исполнитель", "исполнителя", "исполнителей"],
        )
    }

    fn asked(self, n: usize) -> String {
        let workers = self.workers(n);
        self.pick(
            format!("asked for {workers}"),
            format!("запрошено: {workers}"),
        )
    }

    fn topped_up(self, n: usize, why: Option<String>) -> String {
        let why = why.map_or(String::new(), |why| format!(" ({why})"));
        match self.0 {
            Lang::En => {
                let more = if n == 1 { "worker" } else { "workers" };
                format!("asked for {n} more {more}: others are gone and work remains{why}")
            }
            Lang::Ru => {
                let workers = self.workers(n);
                format!("запрошено ещё: {workers}; других не стало, а работы есть{why}")
            }
        }
    }

    /// `the 3 submissions left`.
    fn left(self, n: usize) -> String {
        match (self.0, n) {
            (Lang::En, 1) => "the one submission left".to_owned(),
            (Lang::En, n) => format!("the {n} submissions left"),
            (Lang::Ru, n) => {
                let works = self.count(n, ["", ""], ["работу", "работы", "работ"]);
                let left = if n % 10 == 1 && n % 100 != 11 {
                    "оставшуюся"
                } else {
                    "оставшиеся"
                };
                format!("{left} {works}")
            }
        }
    }

    /// Workers come and go, and nothing is done.
    pub(super) fn fruitless(self, left: usize, log: &str) -> String {
        let submissions = self.submissions_are(left);
        self.pick(
            format!("workers end without grading anything ({submissions} left): see {log}"),
            format!(
                "исполнители заканчивают, ничего не проверив (осталось: {submissions}): см. {log}"
            ),
        )
    }

    pub(super) fn goes_on(self) -> &'static str {
        self.pick(
            "when it is seen to, the same command goes on where it was",
            "когда это исправлено, та же команда продолжит с того же места",
        )
    }

    pub(super) fn by_hand_go_on(self) -> &'static str {
        self.pick(
            "note: workers that were started by hand go on",
            "заметка: исполнители, запущенные вручную, продолжают",
        )
    }

    /// A result that came second and says something else; `whose` is empty or ends in `: `.
    pub(super) fn dispute(self, whose: &str, path: &Path) -> String {
        let path = path.display();
        self.pick(
            format!(
                "warning: {whose}a second result says something else, the first one stays: {path}"
            ),
            format!(
                "внимание: {whose}второй результат говорит другое, в силе остаётся первый: {path}"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn notes_are_in_the_language_of_the_batch() {
        let said = |lang, note| Words(lang).note(note);
        let nobody = |left| Note::Nobody {
            left,
            since: Duration::from_secs(30),
            advice: "x".to_owned(),
        };
        assert_eq!(
            said(Lang::En, nobody(1)),
            "note: nobody works on the one submission left, for 30 s now; x"
        );
        assert_eq!(
            said(Lang::Ru, nobody(1)),
            "заметка: оставшуюся 1 работу уже 30 с никто не проверяет; x"
        );
        assert_eq!(
            said(Lang::Ru, nobody(5)),
            "заметка: оставшиеся 5 работ уже 30 с никто не проверяет; x"
        );
        assert_eq!(
            said(Lang::En, Note::ToppedUp(1, None)),
            "note: asked for 1 more worker: others are gone and work remains"
        );
        assert_eq!(
            said(Lang::Ru, Note::Asked(2)),
            "заметка: запрошено: 2 исполнителя"
        );
    }
}
