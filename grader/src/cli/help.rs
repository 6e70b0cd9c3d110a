//! What `--help` says, in Russian: the English is in the declarations of the commands, the Russian in
//! one table beside them.

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command};

mod russian;

use russian::HELP;

/// The Russian of an English text.
fn russian(english: &str) -> Option<&'static str> {
    let found = HELP.iter().find(|(en, _)| *en == english);
    found.map(|(_, ru)| *ru)
}

fn or_itself(text: String) -> String {
    russian(&text).map_or(text, str::to_owned)
}

/// The same command with everything that its help says in Russian.
pub(super) fn in_russian(mut command: Command) -> Command {
    let texts = [
        command.get_about(),
        command.get_long_about(),
        command.get_after_help(),
    ];
    let [about, long, after] = texts.map(|text| text.map(|text| or_itself(text.to_string())));
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(long) = long {
        command = command.long_about(long);
    }
    if let Some(after) = after {
        command = command.after_help(after);
    }
    command = command.mut_args(argument).mut_subcommands(in_russian);
    // Under no heading: the command's next one is that of its last options.
    let flag = |id, short| Arg::new(id).long(id).short(short).help_heading(None);
    if command.get_version().is_some() {
        let version = flag("version", 'V').action(ArgAction::Version);
        command = command
            .disable_version_flag(true)
            .arg(version.help("Показать версию"));
    }
    let help = flag("help", 'h').action(ArgAction::Help);
    let help = help.help("Показать справку: -h — краткую, --help — полную");
    command.disable_help_flag(true).arg(help)
}

/// clap's own words about values and defaults are English: they are said here instead.
fn argument(arg: Arg) -> Arg {
    let help = arg.get_help().map(|text| or_itself(text.to_string()));
    let mut long = arg.get_long_help().map(|text| or_itself(text.to_string()));
    let mut short = help.unwrap_or_default();
    let takes_values = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let values = match takes_values {
        true => arg.get_possible_values(),
        false => Vec::new(),
    };
    let defaults = arg.get_default_values().iter().filter(|_| takes_values);
    let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy()).collect();
    let long_text = long.get_or_insert_with(|| short.clone());
    if !values.is_empty() {
        let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        short.push_str(&format!(" [значения: {}]", names.join(", ")));
        long_text.push_str("\n\nВозможные значения:");
        for value in &values {
            let help = value.get_help().map(|text| or_itself(text.to_string()));
            let help = help.map(|help| format!(": {help}")).unwrap_or_default();
            long_text.push_str(&format!("\n- {}{help}", value.get_name()));
        }
    }
    if !defaults.is_empty() {
        let default = format!("[по умолчанию: {}]", defaults.join(" "));
        short.push_str(&format!(" {default}"));
        long_text.push_str(&format!("\n\n{default}"));
    }
    let heading = arg.get_help_heading().and_then(russian);
    let long = long.unwrap_or_default();
    let arg = arg
        .help(short)
        .long_help(long)
        .hide_possible_values(takes_values)
        .hide_default_value(takes_values);
    match heading {
        Some(heading) => arg.help_heading(heading),
        None => arg,
    }
}

/// Whether this is a help that was asked for, or that is shown where nothing was said.
pub(super) fn is_meant(error: &clap::Error) -> bool {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand};
    matches!(
        error.kind(),
        DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// clap's own words in a help that it has written.
pub(super) fn headings(help: &str) -> String {
    const WORDS: [(&str, &str); 7] = [
        ("Usage:", "Как пишется:"),
        ("Commands:", "Команды:"),
        ("Arguments:", "Аргументы:"),
        ("Options:", "Параметры:"),
        ("[OPTIONS]", "[ПАРАМЕТРЫ]"),
        ("<COMMAND>", "<КОМАНДА>"),
        (
            "Print this message or the help of the given subcommand(s)",
            "Показать эту справку или справку о команде",
        ),
    ];
    let words = WORDS.iter();
    words.fold(help.to_owned(), |text, (en, ru)| text.replace(en, ru))
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;
    use clap::CommandFactory as _;

    /// Everything that the help of a command and of those below it says.
    fn said(command: &Command, out: &mut Vec<String>) {
        let texts = [
            command.get_about(),
            command.get_long_about(),
            command.get_after_help(),
        ];
        out.extend(texts.into_iter().flatten().map(ToString::to_string));
        for arg in command.get_arguments() {
            let texts = [arg.get_help(), arg.get_long_help()];
            out.extend(texts.into_iter().flatten().map(ToString::to_string));
            out.extend(arg.get_help_heading().map(str::to_owned));
            if matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) {
                let values = arg.get_possible_values();
                let texts = values.iter().filter_map(|value| value.get_help());
                out.extend(texts.map(ToString::to_string));
            }
        }
        for command in command.get_subcommands() {
            said(command, out);
        }
    }

    /// The helps of a command and of those below it, as they are shown.
    fn shown(command: &mut Command, out: &mut Vec<String>) {
        out.push(command.render_long_help().to_string());
        out.push(command.render_help().to_string());
        for command in command.get_subcommands_mut() {
            shown(command, out);
        }
    }

    #[test]
    fn a_help_in_russian_says_nothing_in_english() {
        in_russian(Cli::command()).debug_assert();
        let mut command = in_russian(Cli::command());
        command.build();
        let mut all = Vec::new();
        shown(&mut command, &mut all);
        for text in all.iter().map(|text| headings(text)) {
            // Words of a sentence; what is to be typed stands in one of these, or is one alone.
            for line in text.lines().filter(|line| !line.starts_with("Как пишется")) {
                let word =
                    |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
                let words: Vec<&str> = line.split(' ').filter(|w| !w.is_empty()).collect();
                let three = words.windows(3).any(|words| words.iter().all(word));
                assert!(!three, "{line}");
            }
            for english in ["Usage", "Options", "Possible", "default:", "Print"] {
                assert!(!text.contains(english), "{text}");
            }
        }
    }

    #[test]
    fn whatever_a_help_says_has_its_russian() {
        let mut all = Vec::new();
        said(&Cli::command(), &mut all);
        assert!(all.len() > 100);
        let without: Vec<&String> = all.iter().filter(|text| russian(text).is_none()).collect();
        assert!(without.is_empty(), "{without:#?}");
        for (en, ru) in HELP {
            assert!(all.iter().any(|text| text == en), "nobody says `{en}`");
            let letters = |text: &str| text.chars().any(|c| matches!(c, 'а'..='я'));
            assert!(letters(ru) || en == ru, "{ru}");
            assert!(
                !ru.contains(" ..") && !ru.ends_with('.') || en.ends_with('.'),
                "{ru}"
            );
        }
    }
}
