//! Roles by the words of a name: `lab30_srv`, `30Client`, `s`.

/// How well a name's words say that it is this role: 0 the word itself, 1 a usual short form, 2 a
/// single letter; `None` for nothing.
#[must_use]
pub(super) fn rank(role: &str, stem: &str) -> Option<usize> {
    let forms: [&[&str]; 3] = match role {
        "server" => [
            &["server", "сервер"],
            &["serv", "srv", "servr", "svr"],
            &["s"],
        ],
        "client" => [
            &["client", "клиент"],
            &["clnt", "cli", "clt", "clien"],
            &["c"],
        ],
        _ => return None,
    };
    let words = words(stem);
    forms
        .iter()
        .position(|forms| words.iter().any(|word| forms.contains(&word.as_str())))
}

/// Runs of letters, in lower case; `myServer` is two of them.
fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars() {
        if c.is_alphabetic() {
            let begins = !before.is_alphabetic() || (c.is_uppercase() && before.is_lowercase());
            if begins {
                out.push(String::new());
            }
            if let Some(word) = out.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_parts_of_words() {
        for (stem, server, client) in [
            ("lab30_server", Some(0), None),
            ("30Client", None, Some(0)),
            ("сервер", Some(0), None),
            ("Lab 30 clnt", None, Some(1)),
            ("30s", Some(2), None),
            ("c", None, Some(2)),
            ("observer", None, None),
            ("clique", None, None),
        ] {
            assert_eq!(rank("server", stem), server, "{stem}");
            assert_eq!(rank("client", stem), client, "{stem}");
        }
        assert_eq!(rank("filter", "s"), None);
    }
}
