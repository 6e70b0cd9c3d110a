//! Java: classes packed into one file that can be started.

use super::{CARGO, Missing, OWN, Recipe, as_operand, needed};
use crate::submission::find::Sources;
use crate::submission::toolchain::{self, Toolchain};
use crate::submission::tree::{File, Tree};

/// Java's classes in one file that can be started: an archive with a line for the shell before
/// it, which readers of archives skip.
pub(super) fn java(
    tree: &Tree,
    sources: &Sources,
    executable: &str,
    toolchain: &Toolchain,
) -> Result<Recipe, Missing> {
    let javac = needed(toolchain.javac.as_ref(), "javac")?;
    let real = javac
        .path
        .canonicalize()
        .unwrap_or_else(|_| javac.path.clone());
    let [java, jar] = ["java", "jar"].map(|name| real.with_file_name(name));
    for tool in [&java, &jar] {
        let shown = tool.to_str().and_then(toolchain::in_sandbox);
        shown.ok_or_else(|| Missing(tool.display().to_string()))?;
    }
    let file = sources.files.first().map_or("", String::as_str);
    let (class, root) = main_class(tree, file);
    let mut recipe = Recipe::new(vec![javac.clone()]);
    recipe.memory = 0;
    recipe.budget = CARGO;
    recipe.command(
        javac.path.clone(),
        [
            "-encoding",
            "UTF-8",
            "-d",
            &format!("{OWN}/classes"),
            "-sourcepath",
            &root,
            &as_operand(file),
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    // Small and single-threaded where it can be: the address space of a program is limited.
    let start = format!(
        "#!/bin/sh\nexec {} -Xshare:auto -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx128m \
         -Xss512k -XX:ReservedCodeCacheSize=16m -XX:CompressedClassSpaceSize=32m -jar \"$0\" \"$@\"\n",
        java.display()
    );
    recipe.own(format!("{OWN}/start"), &start, 0o644);
    recipe.shell(
        &format!(
            "\"$1\" --create --file {OWN}/program.jar --main-class \"$2\" -C {OWN}/classes . && \
             cat {OWN}/start {OWN}/program.jar > \"$3\""
        ),
        &[
            &jar.display().to_string(),
            &class,
            &format!("{OWN}/out/{executable}"),
        ],
    );
    Ok(recipe)
}

/// The class in a file, with its package, and the directory below which packages begin.
fn main_class(tree: &Tree, file: &str) -> (String, String) {
    let text = tree.get(file).and_then(File::bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let package = text.lines().find_map(|line| {
        let name = line.trim().strip_prefix("package ")?.trim_end();
        Some(name.strip_suffix(';')?.trim())
    });
    let (directory, base) = file.rsplit_once('/').unwrap_or((".", file));
    let class = base.strip_suffix(".java").unwrap_or(base);
    let Some(package) = package else {
        return (class.to_owned(), directory.to_owned());
    };
    let inner = package.replace('.', "/");
    let root = directory.strip_suffix(&inner).unwrap_or(directory);
    let root = root.trim_end_matches('/');
    let root = if root.is_empty() { "." } else { root };
    (format!("{package}.{class}"), root.to_owned())
}
