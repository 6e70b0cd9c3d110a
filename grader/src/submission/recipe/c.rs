//! C and C++: a submission's program without a Makefile, and the lab's own programs.

use std::collections::BTreeSet;

use super::{Missing, OWN, Recipe, as_operand, needed};
use crate::lab::Tools;
use crate::submission::find::Sources;
use crate::submission::language::Language;
use crate::submission::solaris;
use crate::submission::toolchain::Toolchain;
use crate::submission::tree::{File, Tree};

/// Compiles and links one program.
pub(in crate::submission) fn compile(
    tree: &Tree,
    sources: &Sources,
    executable: &str,
    toolchain: &Toolchain,
    lenient: bool,
) -> Result<Recipe, Missing> {
    let (tool, flags) = if sources.language == Language::Cxx {
        let tool = needed(toolchain.cxx.as_ref(), "g++")?;
        (tool, toolchain.cxx_flags())
    } else {
        let tool = needed(toolchain.cc.as_ref(), "cc")?;
        (tool, toolchain.c_flags())
    };
    let mut recipe = Recipe::new(vec![tool.clone()]);
    let mut args = tool.lead.clone();
    args.extend(flags.into_iter().map(str::to_owned));
    if lenient {
        let header = format!("{OWN}/solaris.h");
        args.extend(["-include".to_owned(), header.clone()]);
        recipe.own(header, solaris::HEADER, 0o644);
        args.extend([
            "-idirafter".to_owned(),
            super::make::own_headers(&mut recipe),
        ]);
    }
    let headers: BTreeSet<&str> = tree
        .files
        .iter()
        .filter(|file| file.path.ends_with(".h") || file.path.ends_with(".hpp"))
        .map(File::directory)
        .collect();
    for directory in headers {
        args.push("-I".to_owned());
        args.push(if directory.is_empty() { "." } else { directory }.to_owned());
    }
    args.extend(["-o".to_owned(), format!("{OWN}/out/{executable}")]);
    args.extend(sources.files.iter().map(|file| as_operand(file)));
    args.extend(sources.flags.iter().cloned());
    args.extend(["-lrt".to_owned(), "-lm".to_owned()]);
    recipe.command(tool.path.clone(), args);
    Ok(recipe)
}

/// Compiles the lab's own programs, each from one file.
pub(in crate::submission) fn tools(
    tools: &Tools,
    toolchain: &Toolchain,
) -> Result<Recipe, Missing> {
    let cc = needed(toolchain.cc.as_ref(), "cc")?;
    let mut recipe = Recipe::new(vec![cc.clone()]);
    for (name, text) in &tools.files {
        recipe.own(format!("tools/{name}"), text, 0o644);
    }
    for tool in &tools.programs {
        let mut args = cc.lead.clone();
        args.extend(toolchain.c_flags().into_iter().map(str::to_owned));
        args.extend(["-o".to_owned(), format!("{OWN}/out/{}", tool.name)]);
        args.push(format!("tools/{}", tool.source));
        recipe.command(cc.path.clone(), args);
    }
    Ok(recipe)
}
