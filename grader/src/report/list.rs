//! Labs in a list, and one lab with its requirements.

use crate::lab::{Lab, Lang};

use super::findings::{pad, paragraph};
use super::page::{Page, Tone};
use super::phrases::phrases;
use super::text::{WIDTH, columns, one_line, wrap};

/// Columns of an id in a list.
const ID: usize = 12;

/// A lab in the list of labs: id, title, how much there is to do. With colours.
#[must_use]
pub fn lab_line(lab: &Lab, lang: Lang) -> String {
    let mut page = Page::coloured();
    heading(&mut page, lab, lang);
    let points: u32 = lab
        .requirements
        .iter()
        .map(|requirement| requirement.points)
        .sum();
    let counts = phrases(lang).counts(lab.requirements.len(), lab.scenarios.len());
    let concepts = one_line(&lab.concepts.join(", "));
    let about = format!(
        "{counts} · {} · {concepts}",
        phrases(lang).points_in_all(points)
    );
    paragraph(&mut page, &" ".repeat(ID + 2), &about);
    page.finish()
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
    fn a_lab_is_listed_with_its_size() {
        let text = lab_line(&sample::lab(), Lang::Ru);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(text.starts_with("us-upper      Сервис"), "{text}");
        assert!(
            text.contains("4 требования · 2 сценария · 30 баллов · socket"),
            "{text}"
        );
        let page = lab_page(&sample::lab(), Lang::En);
        assert!(
            page.contains("The server listens where it was told to"),
            "{page}"
        );
    }
}
