//! What cannot be used or is not there, in words.

use super::super::error::SubmissionError;
use super::super::manifest::MANIFEST;
use super::super::source::{self, Magic};
use super::super::tree::{Content, File, Tree};
use super::layout::Layout;
use super::names::{is_header, is_source};
use super::role::Role;
use crate::lab::{Lang, Text};
use crate::text::some_of;

/// Files that are needed by their name but cannot be used.
pub(super) fn refuse_unusable(tree: &Tree, roles: &[Role<'_>]) -> Result<(), SubmissionError> {
    for file in &tree.files {
        let wanted = is_source(&file.path)
            || is_header(&file.path)
            || roles.iter().any(|role| role.rank(&file.path).is_some());
        let special = file.path == MANIFEST
            || file.path == "Cargo.toml"
            || file.path.eq_ignore_ascii_case("makefile")
            || file.path == "GNUmakefile";
        match &file.content {
            Content::Refused(why) if wanted || special => {
                return Err(SubmissionError::Unusable {
                    file: file.path.clone(),
                    why: why.clone(),
                });
            }
            Content::Bytes(bytes)
                if wanted && matches!(source::magic(bytes), Magic::Elf | Magic::Archive) =>
            {
                return Err(compiled(&file.path));
            }
            _ => {}
        }
    }
    Ok(())
}

fn compiled(path: &str) -> SubmissionError {
    SubmissionError::Unusable {
        file: path.to_owned(),
        why: Text::both(
            "this is a compiled program (ELF); hand in the source",
            "это скомпилированная программа (ELF); сдайте исходный текст",
        ),
    }
}

/// A file that the manifest names.
pub(super) fn must_exist<'t>(
    tree: &'t Tree,
    role: &str,
    path: &str,
) -> Result<&'t File, SubmissionError> {
    if let Some(file) = tree.get(path) {
        return match &file.content {
            Content::Bytes(bytes) if source::magic(bytes) == Magic::Elf => Err(compiled(path)),
            Content::Bytes(_) => Ok(file),
            Content::Refused(why) => Err(SubmissionError::Unusable {
                file: path.to_owned(),
                why: why.clone(),
            }),
        };
    }
    let there = listing(tree);
    Err(SubmissionError::Manifest(Text::both(
        format!(
            "{MANIFEST}: [programs.{role}]: there is no file `{path}`; the submission has {there}"
        ),
        format!(
            "{MANIFEST}: [programs.{role}]: файла `{path}` нет; в работе есть {}",
            there.in_lang(Lang::Ru)
        ),
    )))
}

/// Whether a file can be started as it is.
pub(super) fn runnable(file: &File) -> Result<(), SubmissionError> {
    if source::magic(file.bytes().unwrap_or_default()) == Magic::Script {
        return Ok(());
    }
    Err(SubmissionError::Unusable {
        file: file.path.clone(),
        why: Text::both(
            "it cannot be executed: not a script that begins with #!; name `sources` or `make` \
             in grader.toml instead",
            "его не запустить: это не скрипт, который начинается с #!; назовите лучше `sources` или \
             `make` в grader.toml",
        ),
    })
}

/// What was looked for in vain, and what is there instead.
pub(super) fn nothing_found(tree: &Tree, layout: &Layout) -> SubmissionError {
    let looked_for = layout
        .missing
        .iter()
        .map(|(role, names)| format!("{names} ({role})"))
        .collect::<Vec<_>>()
        .join("; ");
    SubmissionError::NothingFound {
        path: tree.root.clone(),
        looked_for: format!("Makefile, Cargo.toml, {looked_for}"),
        found: listing(tree),
    }
}

/// The first files by name, compiled ones marked.
fn listing(tree: &Tree) -> Text {
    let [en, ru] = [Lang::En, Lang::Ru].map(|lang| listing_in(tree, lang));
    Text::both(en, ru)
}

fn listing_in(tree: &Tree, lang: Lang) -> String {
    let names: Vec<String> = tree
        .files
        .iter()
        .map(|file| {
            let compiled = file.bytes().map(source::magic) == Some(Magic::Elf);
            let mark = lang.pick(
                " (a compiled program: hand in the source)",
                " (скомпилированная программа: сдайте исходный текст)",
            );
            let mark = if compiled { mark } else { "" };
            format!("{}{mark}", file.path)
        })
        .collect();
    some_of(names.iter().map(String::as_str))
}
