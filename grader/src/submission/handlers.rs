//! Plain global variables that signal handlers write: what optimisation may make of them.

use super::language::Language;
use super::note::Note;
use super::source::code_only;
use super::tree::Tree;

/// Such variables told of, at most.
const MOST: usize = 4;

/// A note for each plain global variable that a handler writes, as far as the text tells.
pub(super) fn plain_flags(tree: &Tree) -> Vec<Note> {
    let mut out = Vec::new();
    for file in &tree.files {
        let bytes = file.bytes().unwrap_or_default();
        if !matches!(
            Language::of(&file.path, bytes),
            Some(Language::C | Language::Cxx)
        ) {
            continue;
        }
        let code = String::from_utf8_lossy(&code_only(bytes)).into_owned();
        let tokens = tokens(&code);
        for handler in handlers(&tokens) {
            let Some(body) = body(&tokens, handler) else {
                continue;
            };
            for name in written(body) {
                let note = Note::PlainFlag(file.path.clone(), name.to_owned(), handler.to_owned());
                if is_plain_global(&tokens, name) && !out.contains(&note) && out.len() < MOST {
                    out.push(note);
                }
            }
        }
    }
    out
}

/// Words, numbers and single signs; preprocessor lines are left out.
fn tokens(code: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = Vec::new();
    for line in code
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
    {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let end = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else {
                first.len_utf8()
            };
            out.push(&rest[..end]);
            rest = rest[end..].trim_start();
        }
    }
    out
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names given to signal, sigset or a `struct sigaction`.
fn handlers<'t>(tokens: &[&'t str]) -> Vec<&'t str> {
    let mut out: Vec<&str> = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let name = match *token {
            "signal" | "sigset" | "bsd_signal" => {
                let comma = tokens[i..].iter().take(8).position(|t| *t == ",");
                comma.and_then(|comma| tokens[i + comma + 1..].iter().find(|t| **t != "&"))
            }
            "sa_handler" | "sa_sigaction" if tokens.get(i + 1) == Some(&"=") => {
                tokens[i + 2..].iter().find(|t| **t != "&")
            }
            _ => None,
        };
        let name = name.filter(|name| is_name(name) && !name.starts_with("SIG_"));
        if let Some(name) = name
            && !out.contains(name)
        {
            out.push(name);
        }
    }
    out
}

/// The tokens between the braces of a function's definition.
fn body<'a, 't>(tokens: &'a [&'t str], function: &str) -> Option<&'a [&'t str]> {
    for (i, token) in tokens.iter().enumerate() {
        if *token != function || tokens.get(i + 1) != Some(&"(") {
            continue;
        }
        let close = i + tokens[i..].iter().position(|t| *t == ")")?;
        if tokens.get(close + 1) != Some(&"{") {
            continue;
        }
        let mut depth = 0usize;
        for (j, token) in tokens.iter().enumerate().skip(close + 1) {
            match *token {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return Some(&tokens[close + 2..j]);
            }
        }
    }
    None
}

/// Variables that are assigned to, or counted up or down.
fn written<'t>(body: &[&'t str]) -> Vec<&'t str> {
    let at = |i: usize| body.get(i).copied().unwrap_or_default();
    let mut out = Vec::new();
    for (i, token) in body.iter().enumerate() {
        let before = i.checked_sub(1).map(at).unwrap_or_default();
        // A member, or a declaration of its own (`int x = …`).
        if !is_name(token) || before == "." || before == ">" || is_name(before) || before == "*" {
            continue;
        }
        let (one, two) = (at(i + 1), at(i + 2));
        let assigned = one == "=" && two != "=";
        let changed = ["+", "-", "|", "&", "^"].contains(&one)
            && (two == "=" || (two == one && one != "&" && one != "|"));
        let ahead = i >= 2 && ["+", "-"].contains(&before) && at(i - 2) == before;
        if (assigned || changed || ahead) && !out.contains(token) {
            out.push(*token);
        }
    }
    out
}

/// Whether the variable is declared outside all functions, neither `volatile` nor atomic.
fn is_plain_global(tokens: &[&str], name: &str) -> bool {
    let mut depth = 0usize;
    let mut begin = 0;
    for (i, token) in tokens.iter().enumerate() {
        match *token {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    begin = i + 1;
                }
            }
            ";" if depth == 0 => begin = i + 1,
            token if token == name && depth == 0 => {
                let next = tokens.get(i + 1).copied().unwrap_or_default();
                let declared = &tokens[begin..i];
                let guarded = declared.iter().any(|word| {
                    *word == "volatile" || word.to_lowercase().contains("atomic") || *word == "("
                });
                if [";", "=", ","].contains(&next) && !declared.is_empty() && !guarded {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::find::tests::tree;
    use super::*;

    fn flags(code: &str) -> Vec<String> {
        plain_flags(&tree(&[("a.c", code)]))
            .into_iter()
            .map(|note| match note {
                Note::PlainFlag(_, variable, _) => variable,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn plain_variables_that_a_handler_writes_are_found() {
        for (code, found) in [
            (
                "int stop = 0; void h(int s) { stop = 1; } int main(void) { signal(SIGINT, h); }",
                vec!["stop"],
            ),
            (
                "static int n; void h(int s) { n++; } int main(void) { struct sigaction a; a.sa_handler = h; }",
                vec!["n"],
            ),
            (
                "int a, b; static void h(int s) { ++b; } int main(void) { sigset(SIGINT, &h); }",
                vec!["b"],
            ),
        ] {
            assert_eq!(flags(code), found, "{code}");
        }
    }

    #[test]
    fn guarded_local_and_unwritten_ones_are_not() {
        for code in [
            "volatile sig_atomic_t stop; void h(int s) { stop = 1; } int main(void) { signal(SIGINT, h); }",
            "volatile int stop; void h(int s) { stop = 1; } int main(void) { signal(SIGINT, h); }",
            "atomic_int stop; void h(int s) { stop = 1; } int main(void) { signal(SIGINT, h); }",
            "int stop; void h(int s) { int stop = 1; } int main(void) { signal(SIGINT, h); }",
            "int stop; void h(int s) { if (stop == 1) return; } int main(void) { signal(SIGINT, h); }",
            "int stop; void h(int s); int main(void) { stop = 1; signal(SIGINT, SIG_IGN); }",
            "int stop; void g(int s) { stop = 1; } int main(void) { signal(SIGINT, h); }",
            "void h(int s) { stop = 1; } int main(void) { int stop = 0; signal(SIGINT, h); }",
        ] {
            assert_eq!(flags(code), Vec::<String>::new(), "{code}");
        }
    }
}
