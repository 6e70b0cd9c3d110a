//! What a student begins with: the lab's starter, and what goes around it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::lab::catalog::LabSource;
use crate::lab::{Lab, Lang};

/// The handout, as a student gets it.
pub const HANDOUT: &str = "HANDOUT.md";
/// The workflow that grades each push.
pub const WORKFLOW: &str = ".github/workflows/grader.yml";

/// All files that a student of `source` begins with, by path: the handout, a source for each
/// program, `Makefile`, `.gitignore` and a workflow. `name` is the lab as `grader check` takes it.
/// What the lab's own starter has is taken from there.
#[must_use]
pub fn files(source: &LabSource, lang: Lang, name: &str) -> BTreeMap<String, String> {
    let lab = &source.lab;
    let mut files = source.starter.files.clone();
    let own_makefile = files.contains_key("Makefile");
    for program in &lab.programs {
        let file = format!("{}.c", program.executable);
        if !own_makefile && !files.contains_key(&file) {
            files.insert(file, blank(&program.executable));
        }
    }
    if !own_makefile {
        files.insert("Makefile".to_owned(), makefile(lab, name));
    }
    files
        .entry(".gitignore".to_owned())
        .or_insert_with(|| ignored(lab));
    files.insert(WORKFLOW.to_owned(), workflow(name));
    if let Some(handout) = source.handout(lang) {
        files.insert(HANDOUT.to_owned(), handout.to_owned());
    }
    files
}

/// A program that says that it is not there yet.
fn blank(executable: &str) -> String {
    format!(
        "/* {executable}: what it must do is in {HANDOUT}. */\n\
         #include <stdio.h>\n\
         #include <stdlib.h>\n\
         \n\
         int main(void)\n\
         {{\n    \
             /* TODO */\n    \
             fputs(\"{executable}: not written yet\\n\", stderr);\n    \
             return EXIT_FAILURE;\n\
         }}\n"
    )
}

fn executables(lab: &Lab) -> Vec<&str> {
    let own = lab.programs.iter().filter(|p| p.same_as.is_none());
    let mut names: Vec<&str> = own.map(|p| p.executable.as_str()).collect();
    names.dedup();
    names
}

fn makefile(lab: &Lab, name: &str) -> String {
    let programs = executables(lab).join(" ");
    format!(
        "# make builds, make check grades, make clean removes what was built.\n\
         CPPFLAGS = -D_GNU_SOURCE\n\
         CFLAGS   = -std=c11 -O1 -g -Wall -Wextra\n\
         PROGRAMS = {programs}\n\
         LAB      = {}\n\
         \n\
         all: $(PROGRAMS)\n\
         \n\
         # Each program from the source of its name.\n\
         %: %.c\n\
         \t$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LDLIBS)\n\
         \n\
         check:\n\
         \tgrader check $(LAB) .\n\
         \n\
         clean:\n\
         \trm -f $(PROGRAMS) *.o\n\
         \n\
         .PHONY: all check clean\n",
        crate::text::quote(name)
            .replace('$', "$$")
            .replace('#', "\\#"),
    )
}

fn ignored(lab: &Lab) -> String {
    let mut text = String::from("# What make makes.\n*.o\n");
    for name in executables(lab) {
        let _ = writeln!(text, "/{name}");
    }
    text + "/report.xml\n"
}

/// Where the grader is kept, as its own package says; else a place to fill in.
fn repository() -> &'static str {
    match env!("CARGO_PKG_REPOSITORY") {
        "" => "https://github.com/OWNER/grader",
        known => known,
    }
}

/// Whether the workflow names where the grader is kept, or a student must fill that in.
#[must_use]
pub fn knows_repository() -> bool {
    !env!("CARGO_PKG_REPOSITORY").is_empty()
}

fn workflow(name: &str) -> String {
    let repository = repository();
    let fill_in = if knows_repository() {
        ""
    } else {
        "  # put the address here that your course gives you"
    };
    // A lab on disk is elsewhere on the runner.
    let lab = Path::new(name);
    let (lab, where_is) = match lab.file_name().and_then(|last| last.to_str()) {
        Some(last) if lab.is_absolute() => (
            format!("labs/{last}"),
            "  # the lab's directory, as seen from here",
        ),
        _ => (name.to_owned(), ""),
    };
    format!(
        "# Grades each push. The verdicts stand in the summary of the run.\n\
         name: grader\n\
         on: [push, pull_request]\n\
         permissions:\n\
         \x20 contents: read\n\
         env:\n\
         \x20 GRADER: {repository}{fill_in}\n\
         \x20 LAB: '{}'{where_is}\n\
         jobs:\n\
         \x20 check:\n\
         \x20   runs-on: ubuntu-24.04\n\
         \x20   timeout-minutes: 30\n\
         \x20   steps:\n\
         \x20     - uses: actions/checkout@v4\n\
         \x20     # Ubuntu's runners restrict user namespaces, which isolate the programs.\n\
         \x20     - run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n\
         \x20     # Compiled once for each state of the grader.\n\
         \x20     - id: grader\n\
         \x20       run: echo \"state=$(git ls-remote \"$GRADER\" HEAD | cut -f1)\" >> \"$GITHUB_OUTPUT\"\n\
         \x20     - uses: actions/cache@v4\n\
         \x20       with:\n\
         \x20         path: ~/.cargo/bin/grader\n\
         \x20         key: grader-${{{{ steps.grader.outputs.state }}}}\n\
         \x20     - run: command -v grader || cargo install --locked --git \"$GRADER\" grader\n\
         \x20     - run: grader doctor || true\n\
         \x20     - run: grader check \"$LAB\" . --format human --format github --format junit=report.xml\n",
        lab.replace('\'', "''"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::catalog::{self, LabSource};

    fn source(id: &str) -> LabSource {
        let lab = catalog::embedded().iter().find(|lab| lab.id == id);
        lab.unwrap().load(reference::NAMES).unwrap()
    }

    #[test]
    fn every_lab_has_all_that_a_student_needs() {
        for lab in catalog::embedded() {
            let source = source(lab.id);
            let files = files(&source, Lang::En, lab.id);
            for name in [HANDOUT, "Makefile", ".gitignore", WORKFLOW] {
                assert!(files.contains_key(name), "{}: {name}", lab.id);
            }
            for program in &source.lab.programs {
                let executable = &program.executable;
                assert!(files.contains_key(&format!("{executable}.c")), "{}", lab.id);
                assert!(
                    files[".gitignore"].contains(&format!("/{executable}\n")),
                    "{}",
                    lab.id
                );
            }
        }
    }

    #[test]
    fn the_handout_comes_in_the_readers_language() {
        let source = source("us-upper");
        let of = |lang| files(&source, lang, "us-upper").remove(HANDOUT).unwrap();
        assert!(of(Lang::En).contains("half-closes") && of(Lang::Ru).contains("сервер"));
    }

    #[test]
    fn what_the_lab_brings_is_taken_from_there() {
        let mut source = source("us-upper");
        source.starter.files.clear();
        let blank = files(&source, Lang::En, "us-upper");
        assert!(blank["us-client.c"].contains("us-client: not written yet"));
        assert!(blank["Makefile"].contains("PROGRAMS = us-server us-client\n"));
        source
            .starter
            .files
            .insert("Makefile".to_owned(), "all:\n".to_owned());
        let own = files(&source, Lang::En, "us-upper");
        assert_eq!(own["Makefile"], "all:\n");
        assert!(!own.contains_key("us-server.c"));
    }

    #[test]
    fn a_lab_on_disk_is_named_so_that_make_and_the_workflow_find_it() {
        let source = source("us-upper");
        let files = files(&source, Lang::En, "/srv/my labs/a$b");
        assert!(files["Makefile"].contains("LAB      = '/srv/my labs/a$$b'\n"));
        assert!(files[WORKFLOW].contains("LAB: 'labs/a$b'  # the lab's directory"));
    }
}
