//! How programs were built whose first way did not work.

use crate::lab::Lang;
use crate::submission::BuildReport;

use super::phrases::{Phrases, phrases};
use crate::text::one_line;

/// For programs that were built alike: how, what had failed, and what to change. One text a line.
pub(super) fn ladders(builds: &[BuildReport], lang: Lang) -> Vec<Vec<String>> {
    let words = phrases(lang);
    let mut alike: Vec<(&BuildReport, Vec<String>, Vec<String>)> = Vec::new();
    for build in builds.iter().filter(|build| !build.tried.is_empty()) {
        let Some(rung) = build.rung else { continue };
        let name = one_line(&build.executable);
        let how = one_line(&rung.words(&build.from, lang));
        let same = |other: &BuildReport| {
            (other.rung, &other.tried, &other.hint) == (Some(rung), &build.tried, &build.hint)
        };
        match alike.iter_mut().find(|(other, ..)| same(other)) {
            Some((_, names, hows)) => {
                names.push(name);
                if !hows.contains(&how) {
                    hows.push(how);
                }
            }
            None => alike.push((build, vec![name], vec![how])),
        }
    }
    alike
        .into_iter()
        .map(|(build, names, hows)| {
            let mut texts = vec![words.climbed(&names.join(", "), &hows.join(", "))];
            texts.extend(tried(build, words));
            if let (Some(hint), Some(first)) = (&build.hint, build.tried.first()) {
                texts.push(one_line(&words.enough(&first.how, hint)));
            }
            texts
        })
        .collect()
}

/// `Tried:` and a line for each way that did not work.
pub(super) fn tried(build: &BuildReport, words: &dyn Phrases) -> Vec<String> {
    let mut out = vec![words.tried().to_owned()];
    for tried in &build.tried {
        out.push(one_line(&format!("- {}: {}", tried.how, tried.why)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::Rung;
    use crate::submission::Tried;

    fn build(executable: &str, rung: Option<Rung>, from: &str) -> BuildReport {
        BuildReport {
            program: "server".into(),
            executable: executable.into(),
            from: from.into(),
            rung,
            tried: vec![Tried {
                rung: Rung::Make,
                how: "make".into(),
                why: "cannot find -lsocket".into(),
            }],
            cached: false,
            warnings: String::new(),
            failure: None,
            unavailable: None,
            hint: Some("remove it.".into()),
        }
    }

    #[test]
    fn programs_built_alike_are_told_together() {
        let both = [
            build("us-server", Some(Rung::Compiler), "s.c"),
            build("us-client", Some(Rung::Compiler), "c.c"),
        ];
        assert_eq!(
            ladders(&both, Lang::En),
            [[
                "us-server, us-client: built by cc s.c, cc c.c; this costs nothing",
                "Tried:",
                "- make: cannot find -lsocket",
                "for `make` to be enough: remove it."
            ]]
        );
    }

    #[test]
    fn the_first_way_and_failures_are_not_told_here() {
        let mut first = build("us-server", Some(Rung::Make), "Makefile");
        first.tried.clear();
        let failed = build("us-client", None, "c.c");
        assert!(ladders(&[first, failed], Lang::Ru).is_empty());
    }
}
