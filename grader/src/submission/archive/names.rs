//! Names in archives: relative, printable, downwards only.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::legacy;

/// A name that leads to a place inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    path: PathBuf,
    translated: bool,
}

/// What becomes of an entry with another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is passed over, with the reason in both languages.
    Skip(&'static str, &'static str),
    /// The archive is not unpacked: nobody packs such a name by accident.
    Stop(&'static str, &'static str),
}

/// The longest part of a name, NAME_MAX.
const LONGEST: usize = 255;

impl Name {
    /// Reads the name of an entry; `None` for the root itself (`./`). Packers on Windows separate
    /// by `\`.
    pub(super) fn new(raw: &[u8], depth: usize) -> Result<Option<Self>, Refused> {
        if raw.contains(&0) {
            return Err(Refused::Stop(
                "a name with a NUL byte",
                "имя с нулевым байтом",
            ));
        }
        let separated = |c: &u8| matches!(c, b'/' | b'\\');
        let drive = matches!(raw, [letter, b':', ..] if letter.is_ascii_alphabetic());
        if raw.first().is_some_and(separated) || drive {
            return Err(Refused::Stop(
                "an absolute name; pack the directory itself",
                "абсолютное имя; упакуйте сам каталог",
            ));
        }
        let mut path = PathBuf::new();
        let mut parts = 0;
        let mut translated = false;
        for part in raw.split(|c| separated(c)) {
            match part {
                b"" | b"." => continue,
                b".." => {
                    return Err(Refused::Stop(
                        "a name that leads outside; pack the directory itself",
                        "имя ведёт наружу; упакуйте сам каталог",
                    ));
                }
                _ => {}
            }
            let text = match std::str::from_utf8(part) {
                Ok(text) => Some(Cow::Borrowed(text)),
                Err(_) => legacy::cyrillic(part).map(Cow::Owned),
            };
            translated |= matches!(text, Some(Cow::Owned(_)));
            let text = text
                .filter(|text| !text.chars().any(is_out_of_place))
                .ok_or(Refused::Skip(
                    "its name is not printable UTF-8; rename it",
                    "имя — не печатаемый текст в UTF-8; переименуйте",
                ))?;
            if text.len() > LONGEST {
                return Err(Refused::Skip("its name is too long", "имя слишком длинное"));
            }
            path.push(&*text);
            parts += 1;
            if parts > depth {
                return Err(Refused::Stop(
                    "too many directories deep",
                    "слишком много вложенных каталогов",
                ));
            }
        }
        Ok((parts > 0).then_some(Self { path, translated }))
    }

    /// Relative, without `.` and `..`.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is not as the archive has it, which is not UTF-8.
    pub(super) fn is_translated(&self) -> bool {
        self.translated
    }
}

/// Controls, and what reorders what stands behind it. Marks that names have in many scripts, between
/// or inside their letters, are not: joiners, marks of direction, blanks of other widths.
fn is_out_of_place(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Component;

    fn name(raw: &[u8]) -> Result<Option<String>, Refused> {
        let name = Name::new(raw, 4)?;
        Ok(name.map(|name| name.path().display().to_string()))
    }

    #[test]
    fn what_leads_down_is_kept() {
        assert_eq!(name(b"./lab30/server.c"), Ok(Some("lab30/server.c".into())));
        assert_eq!(name(b"lab30\\server.c"), Ok(Some("lab30/server.c".into())));
        assert_eq!(name(b"a//b/"), Ok(Some("a/b".into())));
        assert_eq!(name(b"./"), Ok(None));
        assert_eq!(name(b"..."), Ok(Some("...".into())));
        // A Persian name, a family of emoji, a blank of Japanese.
        for raw in [
            "علی\u{200c}رضا/a.c",
            "👩\u{200d}👧/a.c",
            "山田\u{3000}太郎/a.c",
        ] {
            assert_eq!(name(raw.as_bytes()), Ok(Some(raw.into())));
        }
    }

    #[test]
    fn what_leads_elsewhere_stops_everything() {
        for raw in [
            &b"../server.c"[..],
            b"a/../../b",
            b"a/..",
            b"/etc/passwd",
            b"\\\\host\\share",
            b"..\\b",
            b"C:\\b",
            b"c:b",
            b"a\0b",
            b"a/b/c/d/e",
        ] {
            assert!(matches!(name(raw), Err(Refused::Stop(..))), "{raw:?}");
        }
    }

    #[test]
    fn what_cannot_be_printed_is_passed_over() {
        for raw in [
            &b"caf\xb3.c"[..],
            b"a\nb.c",
            b"a\x1b[2J.c",
            "a\u{202e}c.b".as_bytes(),
            &[b'x'; 300],
        ] {
            assert!(matches!(name(raw), Err(Refused::Skip(..))), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn every_kept_name_stays_inside(raw in "[a./\\\\:\\PC]{0,24}") {
            if let Ok(Some(name)) = Name::new(raw.as_bytes(), 16) {
                let normal = |c: Component<'_>| matches!(c, Component::Normal(_));
                prop_assert!(name.path().components().all(normal), "{}", name.path().display());
            }
        }
    }
}
