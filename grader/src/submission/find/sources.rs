//! What is compiled together, and in which language.

use std::collections::BTreeSet;

use super::super::language::Language;
use super::super::tree::{File, Tree};
use super::layout::Sources;
use super::names::directory;
use super::role::Role;

/// The main source with the helpers that are linked with it: files without `main`, not named like
/// another role's, that share its directory or live where no other program does.
pub(super) fn sources_of(tree: &Tree, roles: &[Role<'_>], role: &Role<'_>, main: &str) -> Sources {
    let home = directory(main);
    let language = tree.get(main).and_then(language_in).unwrap_or(Language::C);
    let kin: &[Language] = match language {
        Language::C | Language::Cxx => &[Language::C, Language::Cxx],
        Language::Go => &[Language::Go],
        // Their compilers and interpreters find the rest themselves.
        Language::Rust | Language::Java | Language::Script => &[],
    };
    let akin = |file: &File| language_in(file).filter(|language| kin.contains(language));
    let is_main = |file: &File| {
        akin(file).is_some_and(|language| language.has_main(file.bytes().unwrap_or_default()))
    };
    let foreign: BTreeSet<&str> = tree
        .files
        .iter()
        .filter(|file| is_main(file))
        .map(File::directory)
        .filter(|dir| *dir != home)
        .collect();
    let mut files = vec![main.to_owned()];
    for file in &tree.files {
        let helper = file.path != main
            && akin(file).is_some()
            && file.bytes().is_some()
            && !is_main(file)
            && !foreign.contains(file.directory());
        let others = roles
            .iter()
            .any(|r| r.name() != role.name() && r.rank(&file.path).is_some());
        if helper && (!others || role.rank(&file.path).is_some()) {
            files.push(file.path.clone());
        }
    }
    Sources {
        role: role.name().to_owned(),
        language: language_of(tree, &files),
        files,
        flags: Vec::new(),
    }
}

pub(super) fn language_in(file: &File) -> Option<Language> {
    Language::of(&file.path, file.bytes()?)
}

/// The language of several files together: one file of C++ makes it C++.
pub(super) fn language_of(tree: &Tree, files: &[String]) -> Language {
    let languages = files
        .iter()
        .filter_map(|path| tree.get(path).and_then(language_in));
    let first = tree
        .get(files.first().map_or("", String::as_str))
        .and_then(language_in);
    match first {
        Some(Language::C) | None => languages
            .into_iter()
            .find(|language| *language == Language::Cxx)
            .unwrap_or(Language::C),
        Some(other) => other,
    }
}
