//! Go.

use super::{CARGO, Missing, OWN, Recipe, needed};
use crate::submission::find::Sources;
use crate::submission::toolchain::Toolchain;
use crate::submission::tree::Tree;

/// Compiles one program, without the network.
pub(super) fn go(
    tree: &Tree,
    sources: &Sources,
    executable: &str,
    toolchain: &Toolchain,
) -> Result<Recipe, Missing> {
    let go = needed(toolchain.go.as_ref(), "go")?;
    let mut recipe = Recipe::new(vec![go.clone()]);
    recipe.memory = 0;
    recipe.budget = CARGO;
    let module = tree.get("go.mod").is_some();
    recipe.env.extend([
        ("GOPROXY", "off".into()),
        ("GOFLAGS", "-trimpath".into()),
        ("GOCACHE", "/tmp/go-cache".into()),
        ("GOPATH", "/tmp/go".into()),
        ("GO111MODULE", if module { "on" } else { "off" }.into()),
        ("CGO_ENABLED", "0".into()),
    ]);
    let mut args = vec![
        "build".to_owned(),
        "-o".to_owned(),
        format!("{OWN}/out/{executable}"),
    ];
    args.extend(sources.files.iter().map(|file| format!("./{file}")));
    recipe.command(go.path.clone(), args);
    Ok(recipe)
}
