//! What `grader init` has laid down.

use std::path::Path;

use crate::lab::{Lab, Lang};
use crate::starter::{self, HANDOUT, WORKFLOW};

use super::findings::pad;
use super::page::{Page, Tone};
use super::phrases::{LaidFile, phrases};
use crate::text::{clean, columns, one_line, quote};

/// The files `names` that were laid down in `dir`, each with what it is for, and what to do next.
/// `lab` is what `grader check` calls the lab. With colours.
#[must_use]
pub fn laid_page(lab: &Lab, dir: &Path, names: &[&str], called: &str, lang: Lang) -> String {
    let words = phrases(lang);
    let mut page = Page::coloured();
    page.put(Tone::Strong, &lab.id)
        .line(&format!("  {}", one_line(lab.title.in_lang(lang))));
    let place = clean(&dir.display().to_string());
    if names.is_empty() {
        page.line(&words.nothing_to_lay(&place));
    } else {
        page.line(&words.laid_down(&place));
    }
    let mut names = names.to_vec();
    names.sort_by_key(|name| kind(name) as u8);
    let width = names.iter().map(|name| columns(name)).max().unwrap_or(0);
    for name in &names {
        let about = words.file_is(kind(name));
        page.line(&format!("  {}  {about}", pad(&clean(name), width)));
    }
    page.gap();
    let next = words.next();
    let indent = " ".repeat(columns(next) + 2);
    let mut commands = Vec::new();
    if dir != Path::new(".") {
        commands.push(format!("cd {}", quote(&dir.display().to_string())));
    }
    // A lab of one's own may have none.
    if names.is_empty() || names.contains(&HANDOUT) {
        commands.push(format!("less {HANDOUT}"));
    }
    commands.push(format!("grader check {} .", quote(called)));
    page.put(Tone::Strong, next).add("  ");
    page.line(&commands.join(&format!("\n{indent}")));
    page.finish()
}

fn kind(name: &str) -> LaidFile {
    match name {
        HANDOUT => LaidFile::Handout,
        "Makefile" => LaidFile::Makefile,
        ".gitignore" => LaidFile::Ignore,
        WORKFLOW if starter::knows_repository() => LaidFile::Workflow,
        WORKFLOW => LaidFile::WorkflowToFill,
        _ => LaidFile::Source,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn page(dir: &str, names: &[&str], lang: Lang) -> String {
        let page = laid_page(&sample::lab(), Path::new(dir), names, "us-upper", lang);
        anstream::adapter::strip_str(&page).to_string()
    }

    #[test]
    fn files_are_named_with_what_they_are_for() {
        let text = page("work", &[HANDOUT, "us-server.c"], Lang::En);
        assert!(
            text.contains("laid down in work\n  HANDOUT.md   what is asked for\n"),
            "{text}"
        );
        assert!(
            text.ends_with("next  cd work\n      less HANDOUT.md\n      grader check us-upper .\n"),
            "{text}"
        );
    }

    #[test]
    fn who_got_no_handout_is_not_told_to_read_it() {
        let text = page(".", &["us-server.c"], Lang::En);
        assert!(text.ends_with("next  grader check us-upper .\n"), "{text}");
    }

    #[test]
    fn a_second_time_nothing_is_laid_down() {
        let text = page(".", &[], Lang::Ru);
        assert!(text.contains("ничего не изменено"), "{text}");
        assert!(!text.contains("cd "), "{text}");
    }
}
