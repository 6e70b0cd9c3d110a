//! The languages, and what is said in all of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text in the languages of the course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// English; always there.
    pub en: String,
    /// Russian; falls back to English.
    pub ru: Option<String>,
}

/// The language of titles, hints and reports.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

impl Lang {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::En => Self::Ru,
            Self::Ru => Self::En,
        }
    }

    /// What is for this one.
    #[must_use]
    pub fn pick<T>(self, en: T, ru: T) -> T {
        match self {
            Self::En => en,
            Self::Ru => ru,
        }
    }
}

impl Text {
    /// A text that is in both.
    #[must_use]
    pub fn both(en: impl Into<String>, ru: impl Into<String>) -> Self {
        Self {
            en: en.into(),
            ru: Some(ru.into()),
        }
    }

    /// The same with something before it that is in no language: the name of a file.
    #[must_use]
    pub fn behind(&self, what: impl fmt::Display) -> Self {
        Self {
            en: format!("{what}{}", self.en),
            ru: self.ru.as_ref().map(|ru| format!("{what}{ru}")),
        }
    }

    /// [`Text::in_lang`] as a text of its own.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        self.in_lang(lang).to_owned()
    }

    /// The text in `lang`, or in English where it is not translated.
    #[must_use]
    pub fn in_lang(&self, lang: Lang) -> &str {
        match (lang, &self.ru) {
            (Lang::Ru, Some(ru)) => ru,
            _ => &self.en,
        }
    }
}

impl fmt::Display for Text {
    /// In English, as errors and logs are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}
