//! Labs in a list, and one lab with its requirements.

use std::collections::BTreeMap;

use crate::lab::{Lab, Lang};

use super::findings::{pad, paragraph};
use super::page::{Page, Tone};
use super::phrases::phrases;
use crate::text::{WIDTH, columns, one_line, wrap};

/// Columns of an id in a list.
const ID: usize = 12;

/// Labs by level, each with its size and what it teaches. With colours.
#[must_use]
pub fn labs_page<'a>(labs: impl IntoIterator<Item = &'a Lab>, lang: Lang) -> String {
    let phrases = phrases(lang);
    let mut page = Page::coloured();
    for (level, labs) in by_level(labs) {
        page.gap().put(Tone::Strong, &phrases.level(level)).end();
        for lab in labs {
            page.add("  ");
            heading(&mut page, lab, lang);
            let counts = phrases.counts(lab.requirements.len(), lab.scenarios.len());
            let about = match one_line(&lab.concepts.join(", ")) {
                concepts if concepts.is_empty() => counts,
                concepts => format!("{counts} · {concepts}"),
            };
            paragraph(&mut page, &" ".repeat(ID + 4), &about);
        }
    }
    page.gap();
    let commands = phrases.with_labs();
    let width = commands.iter().map(|(c, _)| columns(c)).max().unwrap_or(0);
    for (command, about) in commands {
        page.line(&format!("{}  {about}", pad(command, width)));
    }
    page.finish()
}

fn by_level<'a>(labs: impl IntoIterator<Item = &'a Lab>) -> BTreeMap<u8, Vec<&'a Lab>> {
    let mut levels: BTreeMap<u8, Vec<&Lab>> = BTreeMap::new();
    for lab in labs {
        levels.entry(lab.level).or_default().push(lab);
    }
    levels
}

/// A lab with all its requirements. With colours.
#[must_use]
pub fn lab_page(lab: &Lab, lang: Lang) -> String {
    let mut page = Page::coloured();
    heading(&mut page, lab, lang);
    page.end();
    for requirement in &lab.requirements {
        let left = format!("{}{:>4}  ", pad(&requirement.id, ID), requirement.points);
        let title = one_line(requirement.title.in_lang(lang));
        for (row, text) in wrap(&title, WIDTH - columns(&left)).iter().enumerate() {
            if row == 0 {
                page.put(Tone::Strong, &left).line(text);
            } else {
                page.add(&" ".repeat(columns(&left))).line(text);
            }
        }
    }
    page.finish()
}

fn heading(page: &mut Page, lab: &Lab, lang: Lang) {
    page.put(Tone::Strong, &pad(&lab.id, ID))
        .line(&format!("  {}", one_line(lab.title.in_lang(lang))));
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn labs_are_listed_by_level_with_their_size() {
        let (mut high, low) = (sample::lab(), sample::lab());
        high.level = 5;
        high.id = "us-high".to_owned();
        let text = labs_page([&high, &low], Lang::Ru);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(
            text.starts_with(&phrases(Lang::Ru).level(low.level)),
            "{text}"
        );
        assert!(text.contains("\n  us-upper      Сервис"), "{text}");
        assert!(
            text.contains("  4 требования · 2 сценария · socket"),
            "{text}"
        );
        assert!(text.find("us-upper") < text.find("us-high"), "{text}");
        assert!(text.contains("Уровень 5"), "{text}");
    }

    #[test]
    fn a_lab_is_shown_with_its_requirements() {
        let page = lab_page(&sample::lab(), Lang::En);
        assert!(
            page.contains("The server listens where it was told to"),
            "{page}"
        );
    }
}
