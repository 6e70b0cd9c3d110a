//! A command line that cannot be read, as it is told in Russian; in English clap tells it.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What is wrong, what may be meant, how it is written, and where to read more.
pub(super) fn in_russian(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::StyledStrs(texts)) => {
            let texts = texts.iter().map(ToString::to_string);
            texts.collect::<Vec<_>>().join(", ")
        }
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let argument = text(ContextKind::InvalidArg);
    let value = text(ContextKind::InvalidValue);
    let what = match error.kind() {
        ErrorKind::UnknownArgument => format!("неизвестный аргумент '{argument}'"),
        ErrorKind::InvalidSubcommand => {
            let command = text(ContextKind::InvalidSubcommand);
            format!("неизвестная команда '{command}'")
        }
        ErrorKind::MissingSubcommand => {
            let known = text(ContextKind::ValidSubcommand);
            format!("нужна команда: {known}")
        }
        ErrorKind::MissingRequiredArgument => format!("не хватает: {argument}"),
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("для '{argument}' нужно значение")
        }
        ErrorKind::InvalidValue => format!("'{value}' — неверное значение для '{argument}'"),
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string);
            let why = why.as_deref().map(why_not).unwrap_or_default();
            format!("'{value}' — неверное значение для '{argument}'{why}")
        }
        ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg);
            if other == argument || other.is_empty() {
                format!("'{argument}' можно указать только один раз")
            } else {
                format!("'{argument}' нельзя указать вместе с '{other}'")
            }
        }
        ErrorKind::TooManyValues => format!("'{value}' — лишнее значение для '{argument}'"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("не хватает значений для '{argument}'")
        }
        ErrorKind::NoEquals => format!("значение для '{argument}' пишется через знак равенства"),
        ErrorKind::InvalidUtf8 => "аргумент не в UTF-8".to_owned(),
        _ => return error.to_string(),
    };
    let mut out = format!("ошибка: {what}\n");
    let known = text(ContextKind::ValidValue);
    if !known.is_empty() {
        out.push_str(&format!("  возможные значения: {known}\n"));
    }
    let close = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ];
    for close in close.map(text).iter().filter(|close| !close.is_empty()) {
        out.push_str(&format!("совет: может быть, {close}?\n"));
    }
    let usage = text(ContextKind::Usage);
    if !usage.is_empty() {
        out.push_str(&format!("\n{}\n", super::help::headings(&usage)));
    }
    out.push_str("\nПодробнее: --help\n");
    out
}

/// Why a value is refused: what is ours is in Russian already, the rest are numbers.
fn why_not(why: &str) -> String {
    if let Some((_, range)) = why.split_once(" is not in ") {
        return format!(": нужно число из {range}");
    }
    match why.chars().any(|c| matches!(c, 'а'..='я')) {
        true => format!(": {why}"),
        false => ": нужно целое число".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;
    use super::*;

    fn told(line: &str) -> String {
        let error = Cli::try_parse_from(line.split(' ')).err();
        in_russian(&error.expect("a mistake"))
    }

    #[test]
    fn a_command_line_is_put_right_in_russian() {
        for (line, says) in [
            (
                "grader doctr",
                "ошибка: неизвестная команда 'doctr'\nсовет: может быть, doctor?\n",
            ),
            (
                "grader check --sed 7 .",
                "ошибка: неизвестный аргумент '--sed'\nсовет: может быть, --seed?\n",
            ),
            ("grader check", "ошибка: не хватает: <LAB> [DIR]...\n"),
            (
                "grader check . --lang de",
                "ошибка: 'de' — неверное значение для '--lang <LANG>'\n  возможные значения: en, ru\n",
            ),
            (
                "grader check . --repeat x",
                "ошибка: 'x' — неверное значение для '--repeat <N>': нужно целое число\n",
            ),
            (
                "grader check . --repeat 0",
                "ошибка: '0' — неверное значение для '--repeat <N>': нужно число из 1..",
            ),
            (
                "grader check . --seed",
                "ошибка: для '--seed <N>' нужно значение\n",
            ),
            (
                "grader batch a b --regrade --resume",
                "ошибка: '--regrade' нельзя указать вместе с '--resume'\n",
            ),
            (
                "grader check . --seed 1 --seed 2",
                "ошибка: '--seed <N>' можно указать только один раз\n",
            ),
        ] {
            let told = told(line);
            assert!(told.starts_with(says), "{line}: {told}");
            assert!(told.ends_with("\nПодробнее: --help\n"), "{line}: {told}");
        }
    }
}
