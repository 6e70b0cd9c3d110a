//! Rust: a Cargo package, or one program.

use std::os::unix::ffi::OsStrExt;

use super::{CARGO, Missing, OWN, Recipe, as_operand, needed};
use crate::submission::find::Sources;
use crate::submission::toolchain::{Tool, Toolchain};

/// Builds the Cargo package.
pub(in crate::submission) fn cargo(toolchain: &Toolchain) -> Result<Recipe, Missing> {
    let sysroot = needed(toolchain.rust_sysroot(), "cargo")?;
    let cargo = Tool {
        path: sysroot.join("bin/cargo"),
        lead: Vec::new(),
    };
    let mut tools = vec![cargo.clone()];
    tools.extend(toolchain.cc.clone());
    let mut recipe = Recipe::new(tools);
    recipe.readable.insert(sysroot.to_path_buf());
    // Crates fetched earlier, but never CARGO_HOME itself: it holds credentials.
    if let Some(home) = &toolchain.cargo_home {
        let fetched = ["registry", "git"].map(|part| home.join(part));
        recipe
            .readable
            .extend(fetched.into_iter().filter(|dir| dir.is_dir()));
        recipe
            .env
            .push(("CARGO_HOME", home.as_os_str().as_bytes().into()));
    }
    recipe.env.push(("CARGO_TARGET_DIR", "target".into()));
    recipe.env.push(("CARGO_TERM_COLOR", "never".into()));
    // rustc reserves far more addresses than it uses.
    recipe.memory = 0;
    recipe.budget = CARGO;
    recipe.command(
        cargo.path,
        ["build", "--release", "--offline"]
            .map(str::to_owned)
            .to_vec(),
    );
    // The target directory holds much more than the programs.
    recipe.shell(
        &format!(
            "for f in target/release/*; do \
             if [ -f \"$f\" ] && [ -x \"$f\" ]; then cp \"$f\" {OWN}/out/; fi; done"
        ),
        &[],
    );
    Ok(recipe)
}

/// Compiles one program.
pub(super) fn rustc(
    sources: &Sources,
    executable: &str,
    toolchain: &Toolchain,
) -> Result<Recipe, Missing> {
    let sysroot = needed(toolchain.rust_sysroot(), "rustc")?;
    let rustc = Tool {
        path: sysroot.join("bin/rustc"),
        lead: Vec::new(),
    };
    let mut tools = vec![rustc.clone()];
    tools.extend(toolchain.cc.clone());
    let mut recipe = Recipe::new(tools);
    recipe.readable.insert(sysroot.to_path_buf());
    recipe.memory = 0;
    recipe.budget = CARGO;
    let mut args: Vec<String> = ["--edition", "2021", "-O", "--crate-name", "program", "-o"]
        .map(str::to_owned)
        .to_vec();
    args.push(format!("{OWN}/out/{executable}"));
    args.extend(sources.files.iter().map(|file| as_operand(file)));
    recipe.command(rustc.path, args);
    Ok(recipe)
}
