//! A submission's Makefile, and the help it may get.

use supervisor::plan::WORKSPACE;

use super::{OWN, Recipe};
use crate::submission::find::Make;
use crate::submission::mend;
use crate::submission::rung::Help;
use crate::submission::solaris;
use crate::submission::toolchain::Toolchain;

/// Runs the submission's Makefile with so much help, and all its goals where `all` is wanted.
/// `None` where there is no `make`.
pub(in crate::submission) fn make(
    unit: &Make,
    help: Help,
    all: bool,
    toolchain: &Toolchain,
) -> Option<Recipe> {
    let make = toolchain.make.as_ref()?;
    let tools = [
        Some(make),
        toolchain.cc.as_ref(),
        toolchain.cxx.as_ref(),
        toolchain.go.as_ref(),
    ];
    let mut recipe = Recipe::new(tools.into_iter().flatten().cloned().collect());
    if help.repaired
        && let Some(text) = &unit.mended
    {
        recipe.changed.push((unit.file.clone(), text.clone()));
    }
    if help.stubs {
        add_libraries(&mut recipe);
    }
    if help.headers {
        wrap_compilers(&mut recipe, toolchain);
    }
    recipe.collect = String::new();
    let mut args = Vec::new();
    let (directory, name) = unit.file.rsplit_once('/').unwrap_or(("", &unit.file));
    if !directory.is_empty() {
        args.extend(["-C".to_owned(), directory.to_owned()]);
    }
    if !mend::NAMES.contains(&name) {
        args.extend(["-f".to_owned(), name.to_owned()]);
    }
    let mut command = |goals: &[String]| {
        let mut args = args.clone();
        if !goals.is_empty() {
            args.push("--".to_owned());
            args.extend(goals.iter().cloned());
        }
        recipe.command(make.path.clone(), args);
    };
    if unit.goals.is_empty() || unit.roles.iter().any(|(_, path)| path.is_none()) {
        command(&[]);
    }
    if !unit.goals.is_empty() {
        command(&unit.goals);
    }
    if all && !unit.others.is_empty() {
        command(&unit.others);
    }
    Some(recipe)
}

/// Empty libraries in place of those that only Solaris has.
fn add_libraries(recipe: &mut Recipe) {
    for library in solaris::stubs() {
        let name = format!("{OWN}/lib/{library}");
        recipe.own(name, solaris::EMPTY_ARCHIVE, 0o644);
    }
    let stubs = format!("{WORKSPACE}/{OWN}/lib");
    recipe.env.push(("LIBRARY_PATH", stubs.as_str().into()));
}

/// Puts up the headers that only Solaris has, and says in which directory.
pub(super) fn own_headers(recipe: &mut Recipe) -> String {
    let directory = format!("{OWN}/include");
    for (name, text) in solaris::ONLY_THERE {
        recipe.own(format!("{directory}/{name}"), text, 0o644);
    }
    directory
}

/// Compilers that bring the headers that Solaris brings, first on `PATH`.
fn wrap_compilers(recipe: &mut Recipe, toolchain: &Toolchain) {
    let header = format!("{OWN}/solaris.h");
    recipe.own(header.clone(), solaris::HEADER, 0o644);
    let header = format!("{WORKSPACE}/{header}");
    let include = format!("{WORKSPACE}/{}", own_headers(recipe));
    for (name, cxx) in solaris::COMPILERS {
        let real = match (cxx, &toolchain.cc, &toolchain.cxx) {
            (true, _, Some(tool)) | (false, Some(tool), _) => &tool.path,
            _ => continue,
        };
        let script = solaris::wrapper(&real.display().to_string(), &header, &include);
        recipe.own(format!("{OWN}/bin/{name}"), &script, 0o755);
    }
    recipe.path = Some(format!("{WORKSPACE}/{OWN}/bin"));
}
