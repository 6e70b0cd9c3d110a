//! What only `results export`, `results forget`, `results merge` and `results override` say.

use std::path::Path;

use grader::batch::Shard;
use grader::gradebook::{Doubt, Kept, Override};
use grader::lab::Lang;
use grader::text::some_of;

use super::parts::Unlike;
use crate::cli::words::Words;

impl Words {
    pub(super) fn in_the_journal(self, journal: &str) -> String {
        self.pick(
            format!("note: {journal} holds results that are not in the gradebook yet: a batch is under way, or was interrupted and goes on when it is started again"),
            format!("заметка: в {journal} есть результаты, которых в ведомости ещё нет: проверка идёт или была прервана; запущенная снова, она продолжится"),
        )
    }

    pub(super) fn filled(self, rows: usize) -> String {
        let rows = self.count(rows, ["row", "rows"], ["строка", "строки", "строк"]);
        self.pick(format!("{rows} filled in"), format!("заполнено: {rows}"))
    }

    /// What was filled in is encoded as it was; `lost` characters are not in that encoding.
    pub(super) fn written_as_cp1251(self, lost: usize) -> String {
        let marks = match lost {
            0 => String::new(),
            _ => self.pick(
                format!("; {lost} characters that it does not have are `?`"),
                format!("; символов, которых в ней нет: {lost}, вместо них `?`"),
            ),
        };
        self.pick(
            format!("the file is not UTF-8; it was read as CP1251 and written back so{marks}"),
            format!("файл не в UTF-8; прочитан как CP1251 и записан в той же кодировке{marks}"),
        )
    }

    /// The assignment is worth `most` where the file goes.
    pub(super) fn scaled(self, most: &str, lab: u32) -> String {
        match self.0 {
            Lang::En => format!(
                "the assignment is worth {most} there and the lab {lab}: points were scaled"
            ),
            Lang::Ru => {
                format!("задание оценивается там из {most}, здесь из {lab}: баллы пересчитаны")
            }
        }
    }

    /// The file does not say what the assignment is worth.
    pub(super) fn unscaled(self, lab: u32) -> String {
        match self.0 {
            Lang::En => format!(
                "the file does not say what the assignment is worth: points are those of the lab, of {lab}"
            ),
            Lang::Ru => format!(
                "в файле не сказано, из скольких баллов задание: баллы как в работе, из {lab}"
            ),
        }
    }

    /// What is odd about points set by hand.
    pub(super) fn doubt(self, doubt: Doubt, lab: &str) -> String {
        match (self.0, doubt) {
            (Lang::En, Doubt::More(worth)) => {
                format!("note: that is more than it is worth, {worth}")
            }
            (Lang::Ru, Doubt::More(worth)) => {
                format!("заметка: это больше, чем можно получить ({worth})")
            }
            (Lang::En, Doubt::NotAsked) => {
                format!("note: {lab} does not ask for it any more, so it counts nothing")
            }
            (Lang::Ru, Doubt::NotAsked) => {
                format!("заметка: {lab} этого больше не требует, поэтому баллы не засчитаны")
            }
            (Lang::En, Doubt::NotGraded) => format!(
                "note: nothing of the student could be graded, so it counts only once something can; \
                 set {lab} as a whole to decide now"
            ),
            (Lang::Ru, Doubt::NotGraded) => format!(
                "заметка: работу не удалось проверить, поэтому это засчитается, только когда удастся; \
                 чтобы решить сейчас, выставьте баллы за {lab} целиком"
            ),
        }
    }

    /// Nothing of a lab is kept of those who were named.
    pub(super) fn nothing_of(self, lab: &str) -> String {
        self.pick(
            format!("nothing of {lab} is kept of them"),
            format!("по {lab} от них ничего нет"),
        )
    }

    /// Points set by hand are less than what was earned since.
    pub(super) fn outdone(self, who: &str, by_hand: &Override, earned: f64) -> String {
        let (id, earned) = (by_hand.id, self.points(earned));
        let set = self.number(by_hand.points);
        let requirement = by_hand.requirement.as_ref();
        let requirement = requirement.map_or(String::new(), |name| format!("/{name}"));
        let what = format!("{}{requirement}", by_hand.lab);
        self.pick(
            format!("note: {who}: override {id} keeps {what} at {set}, but {earned} were earned since; `grader results override --withdraw {id}` lets them count"),
            format!("заметка: {who}: ручная оценка {id} держит {what} на {set}, а с тех пор заработано {earned}; чтобы засчитать: `grader results override --withdraw {id}`"),
        )
    }

    fn students(self, n: usize) -> String {
        self.count(
            n,
            ["student", "students"],
            ["студент", "студента", "студентов"],
        )
    }

    /// What forgetting students, or one lab of theirs, takes away.
    pub(super) fn would_be_lost(self, kept: &[Kept], lab: Option<&str>) -> String {
        let sum = |of: &dyn Fn(&Kept) -> usize| kept.iter().map(of).sum::<usize>();
        let results = self.results(sum(&|kept| kept.results));
        let overrides = match sum(&|kept| kept.overrides.len()) {
            0 => String::new(),
            count => {
                let count = self.count(
                    count,
                    ["override", "overrides"],
                    ["ручная оценка", "ручные оценки", "ручных оценок"],
                );
                self.pick(format!(" and {count}"), format!(", {count}"))
            }
        };
        let students = self.students(kept.len());
        let what = match (self.0, lab) {
            (_, None) => students,
            (Lang::En, Some(lab)) => format!("{lab} of {students}"),
            (Lang::Ru, Some(lab)) => format!("{lab}, {students}"),
        };
        self.pick(
            format!("to be forgotten: {what} with {results}{overrides}; what was exported before keeps them"),
            format!("будет забыто: {what}, {results}{overrides}; в выгруженном раньше всё останется"),
        )
    }

    /// Asks; no is meant where nothing is answered.
    pub(super) fn forget(self) -> &'static str {
        self.pick("forget them? [y/N] ", "забыть? [д/Н] ")
    }

    pub(super) fn not_forgotten(self) -> &'static str {
        self.pick(
            "nothing was forgotten; with --yes it is",
            "ничего не забыто; чтобы забыть, добавьте --yes",
        )
    }

    pub(super) fn forgotten(self, students: usize) -> String {
        let students = self.students(students);
        self.pick(
            format!("forgotten: {students}"),
            format!("забыто: {students}"),
        )
    }

    pub(super) fn files(self, count: usize, dir: &str) -> String {
        let files = self.count(count, ["file", "files"], ["файл", "файла", "файлов"]);
        self.pick(format!("{files} in {dir}"), format!("{files} в {dir}"))
    }

    pub(super) fn merged(self, new: usize, parts: usize, pending: usize) -> String {
        let new = self.count(
            new,
            ["new result", "new results"],
            ["новый результат", "новых результата", "новых результатов"],
        );
        let parts = self.count(parts, ["part", "parts"], ["части", "частей", "частей"]);
        let said = self.pick(format!("{new} from {parts}"), format!("{new} из {parts}"));
        if pending == 0 {
            return said;
        }
        let results = self.results(pending);
        match self.0 {
            Lang::En => format!("{said}; {results} would change: grader results compare"),
            Lang::Ru => format!("{said}; изменилось бы: {results} (grader results compare)"),
        }
    }

    pub(super) fn twice(self, lab: &str, shard: Shard, one: &Path, other: &Path) -> String {
        let (number, of) = (shard.number(), shard.of());
        let (one, other) = (one.display(), other.display());
        self.pick(
            format!("note: {one} and {other} both are part {number} of {of} of {lab}"),
            format!("заметка: {one} и {other} — одна и та же часть {number} из {of}, {lab}"),
        )
    }

    /// The class was there, and only some of its parts come again.
    pub(super) fn some_parts(self, lab: &str, parts: u32, into: &Path) -> String {
        let into = into.display();
        self.pick(
            format!("note: {lab}: not all of its {parts} parts were named; of the others {into} keeps what it had"),
            format!("заметка: {lab}: названы не все части ({parts}); остальное в {into} — как было"),
        )
    }

    /// Parts that are not there, in a gradebook or among those that are merged.
    pub(super) fn missing_parts(self, lab: &str, parts: u32, missing: &[u32]) -> String {
        let numbers: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let shown = some_of(numbers.iter().map(String::as_str));
        match (self.0, missing.len()) {
            (Lang::En, 1) => format!(
                "warning: {lab}: part {shown} of {parts} is missing, and the students in it; add it with grader results merge"
            ),
            (Lang::En, _) => format!(
                "warning: {lab}: parts {shown} of {parts} are missing, and the students in them; add them with grader results merge"
            ),
            (Lang::Ru, 1) => format!(
                "внимание: {lab}: нет части {shown} из {parts} и её студентов; добавьте её: grader results merge"
            ),
            (Lang::Ru, _) => format!(
                "внимание: {lab}: нет частей {shown} из {parts} и их студентов; добавьте их: grader results merge"
            ),
        }
    }

    pub(super) fn unlike_machines(self, unlike: &Unlike) -> String {
        let lab = &unlike.lab;
        let kinds = unlike.kinds.iter();
        let kinds: Vec<String> = kinds
            .map(|((isolation, observation, lacks), (count, one))| {
                let results = self.results(*count);
                let without = match &lacks[..] {
                    [] => String::new(),
                    lacks => format!(
                        "{} {}",
                        self.pick(" · without", " · без"),
                        lacks.join(", ")
                    ),
                };
                self.pick(
                    format!(
                        "{results} with isolation {isolation} · observation {observation}{without} ({one})"
                    ),
                    format!("{results} — изоляция {isolation} · наблюдение {observation}{without} ({one})"),
                )
            })
            .collect();
        let kinds = kinds.join(", ");
        self.pick(
            format!(
                "warning: {lab}: points cannot be compared, machines granted unlike things: {kinds}"
            ),
            format!("внимание: {lab}: баллы не сравнимы, машины дали разное: {kinds}"),
        )
    }
}
