//! Options that several commands have.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use grader::lab::Lang;
use grader::run::EngineOptions;
use grader::submission::CacheMode;
use supervisor::event::Means;
use supervisor::plan;

use super::lang::lang;

/// The language of reports.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Language {
    /// English
    En,
    /// Русский
    Ru,
}

/// `--lang`, or the locale.
#[derive(Args)]
pub(super) struct LangOption {
    /// Language of the report [default: from the locale]
    #[arg(long, value_enum)]
    lang: Option<Language>,
}

impl LangOption {
    /// `--lang`, or else this.
    pub(super) fn or(&self, otherwise: Lang) -> Lang {
        match self.lang {
            Some(_) => self.get(),
            None => otherwise,
        }
    }

    pub(super) fn get(&self) -> Lang {
        match self.lang {
            Some(Language::En) => Lang::En,
            Some(Language::Ru) => Lang::Ru,
            None => lang(),
        }
    }
}

/// How strictly to isolate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Isolation {
    /// As much as this machine grants; the report says what
    BestEffort,
    /// Refuse to run with less than namespaces, limits and the deny list
    Required,
    /// No namespaces even where they are granted
    Reduced,
}

/// How closely to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Observation {
    /// Every call of interest, with ptrace
    Full,
    /// /proc only: no calls are shown, and waiting is told by silence
    Bare,
}

/// What some machines do not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Without {
    /// The address ::1
    Ipv6,
    /// A user besides that of the programs, as whom peers connect
    OtherUser,
}

impl Without {
    pub(super) fn means(self) -> Means {
        match self {
            Self::Ipv6 => Means::Ipv6,
            Self::OtherUser => Means::OtherUser,
        }
    }
}

/// The word by which a value is said.
pub(super) fn word<T: ValueEnum>(value: &T) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// How scenarios are run.
#[derive(Args)]
pub(super) struct EngineArgs {
    /// How strictly to isolate
    #[arg(long, value_enum, default_value = "best-effort")]
    isolation: Isolation,
    /// How closely to watch
    #[arg(long, value_enum, default_value = "full")]
    observation: Observation,
    /// Scenarios run at a time [default: one for each CPU]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// Build anew, and keep nothing
    #[arg(long)]
    no_cache: bool,
    /// Where built programs are kept [default: $XDG_CACHE_HOME/grader]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache_dir: Option<PathBuf>,
}

impl EngineArgs {
    /// How strictly to isolate and how closely to watch, as words.
    pub(super) fn strictness(&self) -> (String, String) {
        (word(&self.isolation), word(&self.observation))
    }

    pub(super) fn options(&self) -> EngineOptions {
        EngineOptions {
            workers: self.workers.map(NonZeroUsize::get),
            isolation: match self.isolation {
                Isolation::BestEffort => plan::Isolation::BestEffort,
                Isolation::Required => plan::Isolation::Required,
                Isolation::Reduced => plan::Isolation::Reduced,
            },
            observation: match self.observation {
                Observation::Full => plan::Observation::Full,
                Observation::Bare => plan::Observation::Bare,
            },
            cache: match &self.cache_dir {
                _ if self.no_cache => CacheMode::Off,
                Some(dir) => CacheMode::At(dir.clone()),
                None => CacheMode::Standard,
            },
            ..EngineOptions::default()
        }
    }

    /// The options that change what happens in a scenario, where they are not the default.
    pub(super) fn changed(&self) -> Vec<String> {
        let mut changed = Vec::new();
        let mut add = |name: &str, value: Option<clap::builder::PossibleValue>| {
            changed.extend(value.map(|value| vec![name.to_owned(), value.get_name().to_owned()]));
        };
        if self.isolation != Isolation::BestEffort {
            add("--isolation", self.isolation.to_possible_value());
        }
        if self.observation != Observation::Full {
            add("--observation", self.observation.to_possible_value());
        }
        changed.concat()
    }
}
