//! Русский.

use supervisor::event::LimitKind;

use crate::lab::Lang;
use crate::locale::limit_words;

use super::{Phrase, by_fd, comma, grouped, in_brackets, semicolon};

pub(super) fn say(phrase: Phrase<'_>) -> String {
    use Phrase::*;
    match phrase {
        NewlineMissing => "в конце не хватает перевода строки".to_owned(),
        NewlineTooMany => "в конце лишний перевод строки".to_owned(),
        BlankMissing => "в конце строки не хватает пробела".to_owned(),
        BlankTooMany => "в конце строки лишний пробел".to_owned(),
        CarriageReturn => r"лишний возврат каретки \r: строка кончается одним \n".to_owned(),
        NulByte => r"лишний нулевой байт \x00: пишите столько байтов, сколько в тексте".to_owned(),
        BlanksDiffer => "отличаются только пробелы и табуляции".to_owned(),
        CaseOnly => "отличается только регистр букв".to_owned(),
        LookAlikes(pair) => format!("буквы выглядят одинаково, но это разные буквы: {pair}"),
        Encoding(name) => format!("текст верный, но его байты в кодировке {name}, а не в UTF-8"),
        LineBreaks => "текст верный, но переводы строк стоят в других местах".to_owned(),
        EmptyLine => "лишняя пустая строка".to_owned(),
        CameLater(step) => format!("это пришло позже, на шаге {step}"),
        OnStderr => "это выведено в stderr, а не в stdout".to_owned(),
        Wrote(text) => format!("что написано: {text}"),
        WroteNothing => "там ничего не написано".to_owned(),

        PeerFinished(peer) => format!("{peer}: передача закончена"),
        OtherSideFinished => "другая сторона закончила передачу".to_owned(),
        EndOfFile => "конец файла".to_owned(),
        EmptyMessage => "пустое сообщение, а не конец".to_owned(),
        InputEnded => "стандартный ввод кончился".to_owned(),
        NothingTyped => "ничего не набрано, а вызов не ждёт: VMIN равен 0".to_owned(),
        ReaderGone => "читать это уже некому".to_owned(),
        Reset => "другая сторона ушла, не прочитав всего".to_owned(),
        AddressTaken => "адрес занят: файл с таким именем уже есть".to_owned(),
        PortTaken => "порт занят".to_owned(),
        Interrupted => "прервано сигналом: это не ошибка".to_owned(),
        MadeAgain => "пришёл сигнал, и вызов был повторён".to_owned(),
        NothingListens => "там никто не слушает".to_owned(),
        NoSuchFile => "такого файла нет".to_owned(),
        NobodyReads => "никто не открыл его на чтение".to_owned(),
        Short { done, asked } => format!("только {done} из {asked} байтов: остаток надо дописать"),
        Repeated(times) => format!(
            "тот же ответ ещё {} {}",
            grouped(times),
            if matches!(times % 10, 2..=4) && !matches!(times % 100, 12..=14) {
                "раза"
            } else {
                "раз"
            }
        ),
        StillWaits => "всё ещё ждёт".to_owned(),

        Child(number) => format!("потомок {number}"),
        ChildOf(role, number) => format!("{role}, потомок {number}"),

        InQueue { peer, server } => {
            format!("{peer} ждёт в очереди <socket>, пока {server} не вызовет accept")
        }
        Waits {
            who,
            call,
            what,
            ends,
        } => {
            format!("{who} ждёт в {call}{}{}", comma(what), semicolon(ends))
        }
        WaitsAtMost {
            who,
            call,
            what,
            ms,
        } => {
            format!(
                "{who} ждёт в {call}{}, не дольше {} мс",
                comma(what),
                grouped(ms)
            )
        }
        Polls { who, call, ms } => {
            format!(
                "{who} просыпается каждые {} мс и ничего не делает ({call})",
                grouped(ms)
            )
        }
        SpinsInCall { who, call } => {
            format!("{who} не ждёт, а крутится без конца, снова и снова вызывая {call}")
        }
        SpinsBetween { who, call } => {
            format!("{who} не ждёт, а крутится без конца между двумя вызовами {call}")
        }
        Computes(who) => format!("{who} не ждёт, а крутится без конца без единого вызова"),
        IsStopped(who) => format!("{who} остановлен сигналом"),
        IsZombie(who) => format!("{who}: уже завершился, но никто не вызвал для него wait"),
        CannotBeSeen(who) => format!("чего ждёт {who}, не видно"),

        PipeToRead(name) => format!("{}: пусто", pipe(name)),
        PipeToWrite(name) => format!("{}: места нет", pipe(name)),
        SocketToRead(peer) => format!("соединение с {peer}, из него ничего не приходит"),
        SocketToWrite(peer) => format!("соединение с {peer}, оно заполнено"),
        Connection(address) => format!("нового соединения на {address}"),
        OneOf(things) => format!("чего-то одного: {things}"),
        AnyChild => "завершения потомка".to_owned(),
        Thread(number) => format!("поток {number}"),
        ThreadOf(process, number) => format!("{process} (поток {number})"),
        EndOf(thread) => format!("пока закончится {thread}"),
        MutexOf(holder) => format!("мьютекса, который держит {holder}"),
        MutexOfNobody => "мьютекса, владелец которого уже завершился".to_owned(),
        StreamOf(thread) => {
            format!("FILE, с которым работает {thread} (новые версии glibc ждут его и в exit)")
        }
        FileLock(path) => format!("блокировки на {path}"),
        SomeLock => "условной переменной, семафора или другой блокировки".to_owned(),
        ASignal => "сигнала".to_owned(),
        FifoEnd(path) => format!("пока откроют другой конец FIFO {path}"),
        ATerminal => "терминала".to_owned(),
        TimeOnly => "пока пройдёт время".to_owned(),

        WriteEndInItself { who, fd } => {
            format!(
                "её пишущий конец ещё открыт у того же процесса: {who}{}",
                by_fd(fd)
            )
        }
        ReadEndInItself { who, fd } => {
            format!(
                "её читающий конец ещё открыт у того же процесса: {who}{}",
                by_fd(fd)
            )
        }
        WriteEndIn { who, fd } => format!("её пишущий конец открыт у процесса {who}{}", by_fd(fd)),
        ReadEndIn { who, fd } => format!("её читающий конец открыт у процесса {who}{}", by_fd(fd)),
        EndedBy(who) => format!("продолжит, когда завершится {who}"),
        HeldByItself { who, fd } => {
            format!(
                "прервать это может только тот же процесс: {who}{}",
                by_fd(fd)
            )
        }
        HeldBy { who, fd } => format!("прервать это может {who}{}", by_fd(fd)),
        ByGrader => "другой конец у проверяющей программы".to_owned(),
        GraderOpens => "проверяющая программа откроет его на одном из следующих шагов".to_owned(),
        ByPeer(peer) => format!("дело за {peer}"),
        ByNobody => "другого конца ни у кого нет".to_owned(),
        ByUnknown(reason) => format!("кто может это прервать, узнать нельзя: {reason}"),
        ByUnowned => {
            "кто может это прервать, узнать нельзя: у условных переменных и семафоров нет владельца"
                .to_owned()
        }

        Killed {
            who,
            signal,
            meaning,
        } => {
            format!("{who}: завершён сигналом {signal}{}", in_brackets(meaning))
        }
        EndedEarlier { who, step, how } => {
            let how = if how == "ended" {
                String::new()
            } else {
                format!(" ({how})")
            };
            format!("{who} уже не работает: завершение на шаге {step}{how}")
        }
        NeverListened(who) => format!("{who} ни разу не вызвал listen"),
        BindFailed {
            who,
            address,
            error,
        } => {
            format!("{who}: bind к {address} не удался: {error}")
        }
        ExecFailed { who, error } => format!("{who} не удалось запустить: {error}"),
        LimitReached { who, limit, most } => {
            let words = limit_words(limit, most, Lang::Ru);
            match limit {
                LimitKind::Output => format!("вывод {who} обрезан: достигнут предел ({words})"),
                _ if limit.interferes() => format!("{who} остановлен на пределе: {words}"),
                _ => format!("{who} достиг предела: {words}"),
            }
        }
        RunLimit { limit, most } => format!(
            "запуск остановлен на пределе: {}",
            limit_words(limit, most, Lang::Ru)
        ),
        ActFailed(error) => format!("этот шаг выполнить не удалось: {error}"),
        SignalMeaning(signal) => meaning(signal).to_owned(),

        WithoutArguments(who) => {
            format!("{who} не принимает аргументов из задания: запуск без них")
        }
        WithPath(who) => {
            format!("{who} не принимает аргументов из задания: запуск с одним путём")
        }
        WithPathRole(who) => {
            format!("{who} не принимает аргументов из задания: запуск с путём и словом `{who}`")
        }
        WithPort(who) => {
            format!("{who} не принимает аргументов из задания: запуск с номером порта")
        }
        OwnArguments(who) => {
            format!("{who}: запуск со своими аргументами, из исходного текста или grader.toml")
        }
        WroteToInput(who) => format!(
            "{who} пишет в дескриптор 0, то есть в стандартный ввод. Это видно только на терминале: \
             пишите в дескриптор 1"
        ),
        ListensElsewhere { who, address } => format!(
            "{who} слушает по адресу {address}, а не по тому, что задан аргументом. Там его и нашли"
        ),
        ConnectsElsewhere { who, address } => format!(
            "{who} подключается к {address}, а не по адресу из аргумента. Его провели куда надо"
        ),
        NameNotCleared { who, address } => {
            format!("{who}: имя сокета продолжается байтами, которые никто не задавал ({address})")
        }
        NameCut { who, address } => {
            format!("{who}: длина адреса слишком мала, и имя сокета обрезано: {address}")
        }
        NameFull { who, address } => format!(
            "{who}: имя сокета занимает все 108 байтов sun_path, для NUL места нет ({address})"
        ),
        NameBehindNul { who, address } => format!(
            "{who}: sun_path начинается с NUL, поэтому {address} — абстрактное имя, а не файл"
        ),
        NameEmpty(who) => {
            format!("{who}: в sun_path одни NUL, поэтому имя сокета абстрактное, а файла нет")
        }
        IsTcp {
            who,
            address,
            listens,
        } => format!(
            "{who} {} TCP-порт {address}, а не Unix-сокет",
            if listens {
                "слушает"
            } else {
                "выбирает для соединения"
            },
        ),
        AtDeclared {
            who,
            address,
            listens,
        } => format!(
            "{who} {} {address}, как сказано в grader.toml",
            if listens {
                "слушает по адресу"
            } else {
                "подключается к"
            },
        ),
        FromEnvironment(who) => {
            format!("{who} берёт адрес из переменной окружения, а не из аргументов")
        }
        OnTerminal(who) => format!(
            "{who} придерживает то, что печатает в трубу. Поэтому был ещё один запуск, на терминале; \
             оценён он"
        ),
        CostsNothing => "Это ничего не стоило".to_owned(),
        Costs(ids) => format!("Цена: {ids}"),
        HowToClear => "Обнулите всю struct sockaddr_un через memset, прежде чем её заполнять, и \
                       оставьте место для NUL"
            .to_owned(),
        HowToMeasure => "Передавайте bind и connect sizeof(struct sockaddr_un)".to_owned(),
        HowToFill => "Копируйте путь в само поле sun_path: strncpy(addr.sun_path, path, sizeof \
                      addr.sun_path - 1)"
            .to_owned(),
        HowToUnix => "Нужны socket(AF_UNIX, SOCK_STREAM, 0) и struct sockaddr_un".to_owned(),
        HowToArgv => "Берите адрес из argv".to_owned(),
        HowToArguments => "Принимайте аргументы, как сказано в задании".to_owned(),
        HowToFlush => "Вызывайте fflush(stdout) после того, что должно быть видно сразу".to_owned(),
        Ignored { who, what } => {
            format!(
                "{who}: вывод отличается от ожидаемого только тем, что здесь не считается: {what}"
            )
        }
        OnlyAtExit(who) => format!(
            "{who}: текст появился только при завершении. Стандартный вывод здесь — труба, и stdio \
             придерживает текст: вызовите fflush(stdout)"
        ),
        TwiceAfterFork { who, text } => format!(
            "{who}: `{text}` написано дважды. fork скопировал текст, который stdio ещё придерживала: \
             вызовите fflush(stdout) до fork"
        ),
    }
}

/// У трубы есть буква или описание: `filter's stdin`.
fn pipe(name: &str) -> String {
    if name.contains(' ') {
        name.to_owned()
    } else {
        format!("труба {name}")
    }
}

/// Отчего обычно бывает такой сигнал; пусто, если добавить нечего. См. signal(7).
fn meaning(signal: i32) -> &'static str {
    match signal {
        1 | 2 | 3 | 10 | 12 | 14 | 15 | 34..=64 => "обработчика этого сигнала нет",
        4 => "выполнено то, что командой не является",
        6 => "abort(): сработал assert, или библиотека C нашла порчу памяти",
        7 => "обращение за конец отображённого файла",
        8 => "деление на ноль",
        9 => "его нельзя перехватить",
        11 => "обращение к чужой памяти: неверный указатель или индекс",
        13 => "запись в трубу или соединение, из которых уже некому читать",
        24 => "исчерпано процессорное время",
        25 => "записано больше, чем вмещает файл",
        31 => "вызов, который здесь запрещён",
        _ => "",
    }
}
