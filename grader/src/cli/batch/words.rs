//! What only `batch` says.

use std::path::Path;
use std::time::Duration;

use grader::batch::Damage;
use grader::gradebook::{LabInfo, time};
use grader::lab::Lang;
use grader::report::missing_in_russian;
use grader::text::{clean, some_of};
use supervisor::event::Enforced;

use super::progress::Counts;
use crate::cli::words::Words;

const SUBMISSIONS: [&str; 2] = ["submission", "submissions"];

impl Words {
    pub(super) fn found(self, submissions: usize, students: usize) -> String {
        let works = self.count(submissions, SUBMISSIONS, ["работа", "работы", "работ"]);
        let students = self.of_students(students);
        match self.0 {
            Lang::En => format!("found {works} of {students}"),
            Lang::Ru => format!("найдено: {works} {students}"),
        }
    }

    /// Of many notes only the first few are told.
    pub(super) fn more_notes(self, n: usize) -> String {
        let more = self.count(
            n,
            ["more note", "more notes"],
            ["заметка", "заметки", "заметок"],
        );
        self.pick(
            format!("note: and {more}; --dry-run shows them all"),
            format!("и ещё {more}; все показывает --dry-run"),
        )
    }

    /// A line of the journal that is no result.
    pub(super) fn damaged(self, path: &Path, damage: &Damage) -> String {
        let (path, line) = (path.display(), damage.line);
        let place = self.pick(
            format!("{path}, line {line}"),
            format!("{path}, строка {line}"),
        );
        let whose = damage.whose.as_ref().map_or(String::new(), |whose| {
            self.pick(format!(" of {whose}"), format!(" ({whose})"))
        });
        match (self.0, damage.torn) {
            (Lang::En, true) => format!(
                "{place}: the result{whose} was being written when the batch ended; it is made again"
            ),
            (Lang::En, false) => format!("{place}: the result{whose} is damaged; it is made again"),
            (Lang::Ru, true) => format!(
                "{place}: результат{whose} не был дописан, когда проверка закончилась; он будет получен снова"
            ),
            (Lang::Ru, false) => {
                format!("{place}: результат{whose} повреждён; он будет получен снова")
            }
        }
    }

    pub(super) fn nothing_from(self, students: usize) -> String {
        let students = self.of_students(students);
        match self.0 {
            Lang::En => format!("nothing from {students}"),
            Lang::Ru => format!("ничего нет от {students}"),
        }
    }

    /// Nothing is taken away from whom is not known to be late.
    pub(super) fn times_unknown(self, unknown: &[String], all: usize, by_files: bool) -> String {
        // Whose, where it is not so of everybody.
        let whose = match unknown.len() {
            some if some < all => format!(" ({})", some_of(unknown.iter().map(String::as_str))),
            _ => String::new(),
        };
        let unknown = unknown.len();
        let all = self.count(all, SUBMISSIONS, ["работы", "работ", "работ"]);
        let hint = match by_files {
            true => "",
            false => self.pick(
                "; --file-times takes that of the newest file, in a git repository that of the last commit",
                "; --file-times берёт время самого нового файла, в репозитории git — последнего коммита",
            ),
        };
        match self.0 {
            Lang::En => format!(
                "note: for {unknown} of {all}{whose} the time of handing in is not known, so nothing is taken away from them{hint}"
            ),
            Lang::Ru => format!(
                "заметка: у {unknown} из {all}{whose} время сдачи неизвестно, поэтому баллы за опоздание с них не сняты{hint}"
            ),
        }
    }

    /// The roster says nowhere how it is encoded.
    pub(super) fn read_as_cp1251(self, path: &Path) -> String {
        let path = clean(&path.display().to_string());
        self.pick(
            format!("note: {path} is not UTF-8 and was read as CP1251"),
            format!("заметка: {path} не в UTF-8, прочитан как CP1251"),
        )
    }

    /// Columns of the roster that say nothing here.
    pub(super) fn unused_columns(self, path: &Path, titles: &str) -> String {
        let path = clean(&path.display().to_string());
        self.pick(
            format!("note: {path}: columns that are not understood were not used: {titles}"),
            format!("заметка: {path}: непонятные столбцы не использованы: {titles}"),
        )
    }

    /// Times of handing in that cannot be right.
    pub(super) fn handed_in_ahead(self, who: &str) -> String {
        self.pick(
            format!(
                "note: handed in later than now, by their own times: {who}; a clock was wrong there or is here, and lateness counts by it"
            ),
            format!(
                "заметка: судя по времени, сданы позже, чем сейчас: {who}; там или здесь неверны часы, а опоздание считается по ним"
            ),
        )
    }

    /// Students are in the gradebook under two names each.
    pub(super) fn renamed(self, n: usize, pairs: &str) -> String {
        let students = self.count(
            n,
            ["student", "students"],
            ["студент", "студента", "студентов"],
        );
        self.pick(
            format!(
                "note: the gradebook has {students} under an earlier name as well ({pairs}); what was set by hand stays with that one: set it again, and remove the earlier name with `grader results forget`"
            ),
            format!(
                "заметка: в ведомости есть ещё и под прежним именем: {students} ({pairs}); поставленное вручную осталось у прежнего: поставьте его снова, а прежнее имя удалите, `grader results forget`"
            ),
        )
    }

    /// Whom the gradebook has with another account.
    pub(super) fn namesakes_apart(self, names: &str) -> String {
        self.pick(
            format!(
                "note: the gradebook has students of the same names with other accounts: the number of the account is put behind the name ({names}); a column `lms` of the roster may tell who they are"
            ),
            format!(
                "заметка: в ведомости есть студенты с теми же именами и другими учётными записями: к имени добавлен её номер ({names}); кто они, может сказать столбец `lms` списка"
            ),
        )
    }

    /// Those who have other numbers than before, all of them.
    pub(super) fn other_accounts(self, n: usize, names: &str) -> String {
        let students = self.count(
            n,
            ["student", "students"],
            ["студента", "студентов", "студентов"],
        );
        self.pick(
            format!(
                "note: {students} of the same names have other numbers in the gradebook, as in another assignment of Moodle's: taken for the same ({names}); if they are others, say so with a column `lms` of the roster"
            ),
            format!(
                "заметка: у {students} с теми же именами в ведомости другие номера, как в другом задании Moodle: считаются теми же ({names}); если это другие, скажите об этом столбцом `lms` списка"
            ),
        )
    }

    /// Students whose work was in the source once.
    pub(super) fn not_found_again(self, names: &str) -> String {
        self.pick(
            format!(
                "note: not found this time, and their results stay: {names}; `grader results forget` removes who should not be there"
            ),
            format!(
                "заметка: на этот раз не найдены, их результаты остаются: {names}; лишних удаляет `grader results forget`"
            ),
        )
    }

    /// Who wrote no offset may have meant another time.
    pub(super) fn due(self, due: time::Written, only: bool) -> String {
        let due = due.shown();
        match (self.0, only) {
            (Lang::En, false) => format!("due {due}"),
            (Lang::Ru, false) => format!("срок сдачи {due}"),
            (Lang::En, true) => format!("due {due} for these students alone"),
            (Lang::Ru, true) => format!("срок сдачи {due} только для этих студентов"),
        }
    }

    /// What is set for a lab otherwise than before; nothing where all is as it was.
    pub(super) fn moved(self, was: &LabInfo, is: &LabInfo) -> String {
        let mut parts = Vec::new();
        if was.due != is.due {
            let shown = |due: Option<i64>| match due {
                Some(due) => time::shown(due),
                None => self.pick("no date", "без срока").to_owned(),
            };
            let (was, is) = (shown(was.due), shown(is.due));
            parts.push(self.pick(
                format!("due {is}, was {was}"),
                format!("срок сдачи {is}, был {was}"),
            ));
        }
        if was.extensions != is.extensions {
            let own = is.extensions.len();
            let own = self.count(
                own,
                [
                    "student has a date of his own",
                    "students have dates of their own",
                ],
                [
                    "студента свой срок",
                    "студентов свой срок",
                    "студентов свой срок",
                ],
            );
            parts.push(self.pick(own.clone(), format!("у {own}")));
        }
        if was.late != is.late {
            let (was, is) = (&was.late, &is.late);
            parts.push(self.pick(
                format!("late {is}, was {was}"),
                format!("за опоздание {is}, было {was}"),
            ));
        }
        if was.pick != is.pick {
            let (was, is) = (was.pick.word(), is.pick.word());
            parts.push(self.pick(
                format!("attempt {is}, was {was}"),
                format!("попытка {is}, была {was}"),
            ));
        }
        parts.join("; ")
    }

    /// How many grades of a lab change by what was set.
    pub(super) fn grades_moved(self, lab: &str, what: &str, grades: usize) -> String {
        let grades = self.count(
            grades,
            ["grade changes", "grades change"],
            ["оценка", "оценки", "оценок"],
        );
        match self.0 {
            Lang::En => format!("{lab}: {what}: {grades} by it"),
            Lang::Ru => format!("{lab}: {what}: изменилось: {grades}"),
        }
    }

    pub(super) fn no_due(self, lab: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "note: it is not known when {lab} is due, so nobody is late; say it with --due"
            ),
            Lang::Ru => format!(
                "заметка: срок сдачи {lab} неизвестен, поэтому опоздавших нет; его задаёт --due"
            ),
        }
    }

    pub(super) fn going_on(self, left: usize) -> String {
        let results = self.results(left);
        match self.0 {
            Lang::En => format!("going on: an interrupted batch left {results}"),
            Lang::Ru => format!("продолжение: от прерванной проверки осталось: {results}"),
        }
    }

    /// This machine grants less than everything.
    pub(super) fn granted(self, granted: &Enforced) -> String {
        let (isolation, observation) = (&granted.isolation, &granted.observation);
        self.pick(
            format!("note: isolation {isolation} · observation {observation}: what cannot be shown here is skipped and leaves the total; such points are not comparable with those of a full run"),
            format!("заметка: изоляция {isolation} · наблюдение {observation}: что здесь показать нельзя, пропускается и не входит в сумму; такие баллы не сравнимы с баллами полной проверки"),
        )
    }

    pub(super) fn not_enforced(self, what: &str) -> String {
        self.pick(
            format!("not enforced: {what}"),
            format!("не обеспечено: {}", missing_in_russian(what)),
        )
    }

    /// A lab needs something that this machine does not have.
    pub(super) fn lab_lacks(self, lab: &str, means: &str) -> String {
        self.pick(
            format!("note: {lab} needs {means}, which this machine does not have: what rests on it is skipped and leaves the total; such points are not comparable with those of a full run"),
            format!("заметка: для {lab} нужен {means}, а на этой машине его нет: что на нём держится, пропускается и не входит в сумму; такие баллы не сравнимы с баллами полной проверки"),
        )
    }

    pub(super) fn waiting_for(self, who: &str, seconds: u64) -> String {
        self.pick(
            format!("waiting for {who}, {seconds} s"),
            format!("ждём {who}, {seconds} с"),
        )
    }

    pub(super) fn stopping(self) -> &'static str {
        self.pick(
            "stopping: what is under way is finished; once more ends it at once",
            "остановка: начатое проверяется до конца; ещё раз — и всё закончится сразу",
        )
    }

    pub(super) fn stopped(self, done: usize, all: usize) -> String {
        let left = all - done;
        self.pick(
            format!("stopped: {done} of {all} have a result, and it is kept; the same command goes on with the other {left}"),
            format!("остановлено: {done} из {all} проверены, их результаты сохранены; та же команда проверит остальные ({left})"),
        )
    }

    pub(super) fn graded(self, counts: Counts, all: usize, took: Duration) -> String {
        let (fresh, unchanged) = (counts.graded + counts.ungradable, counts.unchanged);
        if counts.unchanged == all {
            return self.pick(
                format!("nothing to be graded, {unchanged} unchanged"),
                format!("проверять нечего, без изменений: {unchanged}"),
            );
        }
        let seconds = took.as_secs_f64();
        let rate = self.decimal(fresh as f64 / seconds.max(0.001), 1);
        let seconds = self.decimal(seconds, 1);
        let mut text = self.pick(
            format!("graded {fresh} in {seconds} s ({rate} a second), {unchanged} unchanged"),
            format!(
                "проверено: {fresh} за {seconds} с ({rate} в секунду), без изменений: {unchanged}"
            ),
        );
        if counts.errors > 0 {
            let n = counts.errors;
            text.push_str(&self.pick(format!(", {n} not: errors"), format!(", ошибок: {n}")));
        }
        text
    }

    pub(super) fn kept(self, n: usize) -> String {
        match self.0 {
            Lang::En => {
                format!("{n} could not be graded this time and keep their earlier result")
            }
            Lang::Ru => {
                let works = self.count(n, SUBMISSIONS, ["работу", "работы", "работ"]);
                format!("на этот раз не удалось проверить {works}: в силе прежний результат")
            }
        }
    }

    pub(super) fn would_change(self, n: usize) -> String {
        let results = self.results(n);
        match self.0 {
            Lang::En => format!("{results} would change: look at them before they count"),
            Lang::Ru => format!("изменилось бы: {results}; посмотрите, прежде чем засчитать"),
        }
    }
}
