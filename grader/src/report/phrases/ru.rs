//! Russian.

use super::{LaidFile, Phrases};
use crate::lab::Lang;
use crate::locale::{count_in_russian as count, decimal};
use crate::report::missing_in_russian;
use crate::transcript::{CHECKS, END};

pub(super) struct Russian;

impl Phrases for Russian {
    fn expected(&self) -> &'static str {
        "ожидалось"
    }
    fn yours(&self) -> &'static str {
        "у вас"
    }
    fn nothing(&self) -> &'static str {
        "(ничего)"
    }
    fn hint(&self) -> &'static str {
        "совет"
    }
    fn try_this(&self) -> &'static str {
        "дальше"
    }
    fn built(&self, list: &str) -> String {
        format!("собрано: {list}")
    }
    fn built_one(&self, executable: &str, from: &str, cached: bool) -> String {
        format!(
            "{executable} из {from}{}",
            if cached { " (из кэша)" } else { "" }
        )
    }
    fn enforced(&self, isolation: &str, observation: &str) -> String {
        format!("изоляция {isolation} · наблюдение {observation}")
    }
    fn counts(&self, requirements: usize, scenarios: usize) -> String {
        format!(
            "{} · {}",
            count(requirements, "требование", "требования", "требований"),
            count(scenarios, "сценарий", "сценария", "сценариев")
        )
    }
    fn not_enforced(&self, what: &str) -> String {
        format!("не обеспечено: {}", missing_in_russian(what))
    }
    fn warnings(&self, executable: &str) -> String {
        format!("предупреждения компилятора для {executable} (на баллы не влияют)")
    }
    fn not_built(&self, executable: &str, from: &str) -> String {
        if from.is_empty() {
            executable.to_owned()
        } else {
            format!("{executable} из {from}")
        }
    }
    fn needs_program(&self, executable: &str, requirements: usize) -> String {
        format!(
            "без {executable} нельзя проверить {}",
            count(requirements, "требование", "требования", "требований")
        )
    }
    fn place(&self, scenario: &str, step: u32, title: &str) -> String {
        match step {
            0 if title == CHECKS => format!("{scenario}, в конце: проверки прогона целиком"),
            0 if title == END => format!("{scenario}, в конце: завершение"),
            0 => format!("{scenario}, в конце: {title}"),
            _ => format!("{scenario}, шаг {step}: {title}"),
        }
    }
    fn actions(&self, program: &str, since: Option<u32>, step: u32) -> String {
        match (since, step) {
            (Some(since), _) => format!("ваша программа {program} после шага {since}"),
            (None, 0) => format!("ваша программа {program} в конце"),
            (None, _) => format!("ваша программа {program} на шаге {step}"),
        }
    }
    fn who_waits(&self) -> &'static str {
        "кто кого ждёт"
    }
    fn proved(&self, micros: u64) -> String {
        let after = if micros < 1000 {
            format!("{micros} мкс")
        } else {
            format!("{},{} мс", micros / 1000, micros % 1000 / 100)
        };
        format!("доказано через {after}: ни один поток больше не сможет работать.")
    }
    fn more_lines(&self, more: usize) -> String {
        format!("отличий ещё: {}", count(more, "строка", "строки", "строк"))
    }
    fn cut(&self, more: usize) -> String {
        format!("… и ещё {}", count(more, "строка", "строки", "строк"))
    }
    fn first_needs(&self) -> &'static str {
        "сначала нужно"
    }
    fn needs(&self, requirement: &str) -> String {
        format!("не проверено: сначала нужно {requirement}")
    }
    fn earlier(&self, scenario: &str, step: u32, requirement: &str) -> String {
        format!("не проверено: {scenario} пошёл не так на шаге {step}, это учтено в {requirement}")
    }
    fn program_missing(&self, program: &str) -> String {
        format!("не проверено: {program} не собрана")
    }
    fn not_reached(&self) -> &'static str {
        "не проверено"
    }
    fn unstable(&self) -> &'static str {
        "от запуска к запуску ведёт себя по-разному"
    }
    fn unavailable(&self, why: &str) -> String {
        format!("на этой машине не проверить: {why}")
    }
    fn error(&self) -> &'static str {
        "ошибка"
    }
    fn our_fault(&self) -> &'static str {
        "виноваты мы или машина, а не работа: баллы за это не сняты"
    }
    fn not_judged(&self, list: &str) -> String {
        format!("не оценено: {list}")
    }
    fn tried(&self) -> &'static str {
        "Сначала пробовали:"
    }
    fn enough(&self, how: &str, hint: &str) -> String {
        format!("чтобы хватило `{how}`: {hint}")
    }
    fn climbed(&self, names: &str, how: &str) -> String {
        format!("{names}: собрано так: {how}; на баллы это не влияет")
    }
    fn ignored(&self, words: &str) -> String {
        format!("здесь не считается: {words}")
    }
    fn note(&self) -> &'static str {
        "заметка"
    }
    fn exit_status(&self, status: u8) -> String {
        format!("код завершения {status}")
    }
    fn seconds(&self, seconds: f64) -> String {
        format!("{} с", decimal(seconds, 2, Lang::Ru))
    }
    fn points(&self) -> &'static str {
        "баллы"
    }
    fn requirement(&self) -> &'static str {
        "требование"
    }
    fn result(&self) -> &'static str {
        "итог"
    }
    fn scenario(&self) -> &'static str {
        "сценарий"
    }
    fn level(&self, level: u8) -> String {
        let about = match level {
            1 => ": один-два процесса, их завершение, труба, сигналы",
            2 => ": конвейеры, именованные трубы, время, первый сокет",
            3 => ": надзор за процессами, имена сокетов, сети",
            4 => ": много клиентов, сообщения",
            5 => ": много клиентов и то, что у них общее",
            6 => ": общее без блокировок",
            _ => "",
        };
        format!("Уровень {level}{about}")
    }
    fn laid_down(&self, dir: &str) -> String {
        format!("создано в {dir}")
    }
    fn nothing_to_lay(&self, dir: &str) -> String {
        format!("все файлы уже есть в {dir}; ничего не изменено")
    }
    fn file_is(&self, what: LaidFile) -> &'static str {
        match what {
            LaidFile::Handout => "задание",
            LaidFile::Source => "пишете вы",
            LaidFile::Makefile => "make собирает, make check проверяет",
            LaidFile::Ignore => "что не нужно хранить в git",
            LaidFile::Workflow => "проверяет каждый push",
            LaidFile::WorkflowToFill => "проверяет каждый push; впишите адрес в GRADER",
        }
    }
    fn next(&self) -> &'static str {
        "дальше"
    }
    fn with_labs(&self) -> [(&'static str, &'static str); 3] {
        [
            ("grader init LAB DIR", "создаёт всё, с чего начать"),
            ("grader explain LAB", "рассказывает, что требуется"),
            ("grader check LAB DIR", "проверяет то, что лежит в DIR"),
        ]
    }
}
