//! Things about a submission worth saying that cost nothing.

use serde::{Deserialize, Serialize};

use crate::lab::Lang;

/// One such thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// A compiled program lies beside the sources.
    Compiled(String),
    /// A script with the line ends of Windows.
    Crlf(String),
    /// A script without `#!`, and what it is run with.
    NoInterpreter(String, String),
    /// A script whose `#!` names what does not exist here, and what is taken instead.
    OtherInterpreter(String, String, String),
    /// A source that another one starts by this name, built under it: source, name.
    Helper(String, String),
    /// The same, but it does not compile: source, name.
    NoHelper(String, String),
    /// So many files handed in are not beside the programs: too many or too large.
    NotBeside(usize),
    /// One program plays both roles: its file, its arguments as the server, as the client.
    OneProgram(String, String, String),
    /// The directory that is taken for the newest of several states of the work.
    Newest(String),
    /// A plain global variable that a signal handler writes: file, variable, handler.
    PlainFlag(String, String, String),
    /// A source that is passed over, as its name says that it is an earlier state.
    Earlier(String),
    /// A program that plays the same part as the one that is graded: its source, the other's.
    Another(String, String),
}

impl Note {
    /// One sentence.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Compiled(file), Lang::En) => format!("{file}: a compiled program, ignored"),
            (Self::Compiled(file), Lang::Ru) => {
                format!("{file}: скомпилированная программа, не используется")
            }
            (Self::Crlf(file), Lang::En) => format!(
                "{file}: CRLF line ends keep a script from being started on Linux; run without them"
            ),
            (Self::Crlf(file), Lang::Ru) => format!(
                "{file}: с концами строк CRLF скрипт в Linux не запускается; запущен без них"
            ),
            (Self::NoInterpreter(file, with), Lang::En) => format!(
                "{file}: there is no interpreter line; run as if it began with `#!/usr/bin/env {with}`"
            ),
            (Self::NoInterpreter(file, with), Lang::Ru) => format!(
                "{file}: нет строки с интерпретатором; запущен так, будто начинается с `#!/usr/bin/env {with}`"
            ),
            (Self::OtherInterpreter(file, named, with), Lang::En) => {
                format!("{file}: there is no {named} here; run with {with}")
            }
            (Self::OtherInterpreter(file, named, with), Lang::Ru) => {
                format!("{file}: здесь нет {named}; запущен с {with}")
            }
            (Self::Another(file, taken), Lang::En) => {
                format!("{file}: could be the same program; {taken} is graded, by its name")
            }
            (Self::Another(file, taken), Lang::Ru) => {
                format!("{file}: мог бы быть той же программой; по имени выбран {taken}")
            }
            (Self::Earlier(file), Lang::En) => {
                format!("{file}: by its name an earlier state, passed over")
            }
            (Self::Earlier(file), Lang::Ru) => {
                format!("{file}: судя по имени, прежний вариант; не учитывается")
            }
            (Self::Helper(file, name), Lang::En) => {
                format!("{file}: built as ./{name}, which the program starts")
            }
            (Self::Helper(file, name), Lang::Ru) => {
                format!("{file}: собран как ./{name}, его запускает программа")
            }
            (Self::NoHelper(file, name), Lang::En) => {
                format!("{file}: does not compile, so the program will not find ./{name}")
            }
            (Self::NoHelper(file, name), Lang::Ru) => {
                format!("{file}: не компилируется, программа не найдёт ./{name}")
            }
            (Self::NotBeside(count), Lang::En) => format!(
                "{count} of the files handed in are too large or too many to lie beside the programs"
            ),
            (Self::NotBeside(count), Lang::Ru) => format!(
                "файлов, не положенных рядом с программами, потому что они велики или их слишком \
                 много: {count}"
            ),
            (Self::OneProgram(file, server, client), Lang::En) => format!(
                "{file}: one program is both server and client, as its source says: started {}, and \
                 {}; `run` in a grader.toml says otherwise",
                with_en(server, "as the server"),
                with_en(client, "as the client")
            ),
            (Self::OneProgram(file, server, client), Lang::Ru) => format!(
                "{file}: одна программа — и сервер, и клиент, как видно из исходного текста: запущена \
                 {} и {}; иначе — `run` в grader.toml",
                with_ru(server, "как сервер"),
                with_ru(client, "как клиент")
            ),
            (Self::Newest(directory), Lang::En) => format!(
                "{directory}: taken for the newest state of the work, by its name; what lies beside \
                 it is not looked at"
            ),
            (Self::Newest(directory), Lang::Ru) => format!(
                "{directory}: судя по имени, это последнее состояние работы; то, что рядом, не \
                 проверяется"
            ),
            (Self::PlainFlag(file, variable, handler), Lang::En) => format!(
                "{file}: the handler {handler} writes `{variable}`, a plain variable: with \
                 optimisation (-O2) the program may never see the change; declare it \
                 `volatile sig_atomic_t`"
            ),
            (Self::PlainFlag(file, variable, handler), Lang::Ru) => format!(
                "{file}: обработчик {handler} пишет в обычную переменную `{variable}`: с \
                 оптимизацией (-O2) программа может не увидеть изменения; объявите её \
                 `volatile sig_atomic_t`"
            ),
        }
    }
}

fn with_en(arguments: &str, role: &str) -> String {
    match arguments {
        "" => format!("without an argument {role}"),
        _ => format!("with `{arguments}` {role}"),
    }
}

fn with_ru(arguments: &str, role: &str) -> String {
    match arguments {
        "" => format!("без аргумента {role}"),
        _ => format!("с `{arguments}` {role}"),
    }
}
