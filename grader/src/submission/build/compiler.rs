//! Whether the C compiler of this machine can build anything. Where the C library's headers or the
//! assembler are missing it refuses every program, and no submission is to blame for that.

use std::path::PathBuf;

use supervisor::plan::Isolation;

use super::super::error::SubmissionError;
use super::super::find::Sources;
use super::super::language::Language;
use super::super::outcome::Outcome;
use super::super::recipe;
use super::super::runner::BuildRunner;
use super::super::toolchain::Toolchain;
use super::super::tree::{Content, File, Tree};
use crate::lab::Text;

/// The name of the plan that tries it.
pub(super) const NAME: &str = "the C compiler of this machine";
const FILE: &str = "plain.c";
/// What every machine that is set up for C builds.
const PLAIN: &str = "#include <stdio.h>\n#include <unistd.h>\n#include <sys/socket.h>\n\
    int main(void) { return printf(\"%d\\n\", (int)getpid()) < 0; }\n";

/// Builds a plain program as submissions are built; asked once for a toolchain.
///
/// # Errors
/// There is no C compiler, it cannot build even that, or the machine failed.
pub fn try_compiler(
    runner: &dyn BuildRunner,
    toolchain: &Toolchain,
    isolation: Isolation,
) -> Result<(), SubmissionError> {
    let known = toolchain.useless();
    if known.get().is_none() {
        let tree = Tree {
            root: PathBuf::from("."),
            files: vec![File {
                path: FILE.to_owned(),
                content: Content::Bytes(PLAIN.as_bytes().to_vec()),
                executable: false,
            }],
            notes: Vec::new(),
        };
        let sources = Sources {
            role: "plain".to_owned(),
            language: Language::C,
            files: vec![FILE.to_owned()],
            flags: Vec::new(),
        };
        let recipe = recipe::compile(&tree, &sources, "plain", toolchain, false)
            .map_err(|_| recipe::no_compiler())?;
        let plan = recipe.plan(NAME, &tree, isolation);
        let outcome = Outcome::read(runner.run(&plan)?, plan.programs.len())?;
        if outcome.stopped() {
            // A busy machine shows nothing.
            return Ok(());
        }
        // Whoever asks at the same time finds the same.
        let _ = known.set((!outcome.succeeded()).then(|| complaint(&outcome.output)));
    }
    match known.get() {
        Some(Some(why)) => Err(SubmissionError::NoTool(Text::both(
            format!(
                "the C compiler of this machine cannot build even a plain program ({why}): install \
                 what it needs (Debian, Ubuntu: apt install build-essential; \
                 Fedora: dnf install gcc gcc-c++ make glibc-devel)"
            ),
            format!(
                "компилятор C этой машины не собирает даже простейшую программу ({why}): установите, \
                 что ему нужно (Debian, Ubuntu: apt install build-essential; \
                 Fedora: dnf install gcc gcc-c++ make glibc-devel)"
            ),
        ))),
        _ => Ok(()),
    }
}

/// The line that says what is wrong.
fn complaint(output: &str) -> String {
    let mut lines = output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let first = lines.clone().next();
    let line = lines.find(|line| line.contains("error")).or(first);
    line.unwrap_or("it says nothing").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complaint_is_the_line_with_the_error() {
        let said = "plain.c: In function\nplain.c:1:10: fatal error: stdio.h: No such file\nend\n";
        assert_eq!(
            complaint(said),
            "plain.c:1:10: fatal error: stdio.h: No such file"
        );
        assert_eq!(complaint("\n cannot find -lc \n"), "cannot find -lc");
        assert_eq!(complaint(""), "it says nothing");
    }
}
