//! `grader doctor`: what was tried, and what came of it.

use super::findings::pad;
use super::page::{Page, Tone};
use crate::text::{WIDTH, columns, one_line, wrap};

/// One thing that was tried on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What: `user namespace`.
    pub name: String,
    /// Whether it is granted.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
    /// What would grant it.
    pub remedy: Option<String>,
}

/// All findings, one below the other, each refusal with its remedy. With colours.
#[must_use]
pub fn findings_page(findings: &[Finding]) -> String {
    let mut page = Page::coloured();
    let width = findings
        .iter()
        .map(|finding| columns(&one_line(&finding.name)))
        .max()
        .unwrap_or(0);
    for finding in findings {
        let (mark, tone) = if finding.ok {
            ("✓ ", Tone::Good)
        } else {
            ("✗ ", Tone::Bad)
        };
        let name = pad(&one_line(&finding.name), width + 2);
        let room = WIDTH.saturating_sub(columns(&name) + 2).max(20);
        for (row, text) in wrap(&one_line(&finding.detail), room).iter().enumerate() {
            if row == 0 {
                page.put(tone, mark).add(&name).line(text);
            } else {
                page.add(&" ".repeat(columns(&name) + 2)).line(text);
            }
        }
        if let Some(remedy) = &finding.remedy {
            for (row, text) in wrap(&one_line(remedy), WIDTH - 6).iter().enumerate() {
                page.add(if row == 0 { "    → " } else { "      " })
                    .line(text);
            }
        }
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_would_grant_it() {
        let finding = |name: &str, ok, detail: &str, remedy: Option<&str>| Finding {
            name: name.to_owned(),
            ok,
            detail: detail.to_owned(),
            remedy: remedy.map(str::to_owned),
        };
        let text = findings_page(&[
            finding("ptrace", true, "SEIZE", None),
            finding(
                "user namespace",
                false,
                "EPERM",
                Some("sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
            ),
        ]);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(
            text,
            "✓ ptrace          SEIZE\n✗ user namespace  EPERM\n    → sysctl kernel.apparmor_restrict_unprivileged_userns=0\n"
        );
    }
}
