//! Cheap, textual facts about C source: enough to tell a program from its helpers.

use std::ops::Range;

use memchr::{memchr3, memmem};

/// The code of a C or C++ file with comments, strings and character constants blanked out.
///
/// Works on bytes: sources in CP1251 are handed in as well.
pub(super) fn code_only(source: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(source.len());
    let mut i = 0;
    while let Some(&b) = source.get(i) {
        let next = source.get(i + 1).copied();
        match (b, next) {
            (b'/', Some(b'/')) => {
                // A backslash before the newline carries the comment on.
                while let Some(&b) = source.get(i) {
                    if b == b'\n' && source.get(i.wrapping_sub(1)) != Some(&b'\\') {
                        break;
                    }
                    i += 1;
                }
                out.push(b' ');
            }
            (b'/', Some(b'*')) => {
                let end = position(source.get(i + 2..).unwrap_or_default(), b"*/");
                i = end.map_or(source.len(), |end| i + end + 4);
                out.push(b' ');
            }
            (b'"' | b'\'', _) => {
                i += 1;
                // An unfinished constant ends with its line, as for the compiler.
                while let Some(&c) = source.get(i) {
                    if c == b || c == b'\n' {
                        break;
                    }
                    i += if c == b'\\' { 2 } else { 1 };
                }
                i += 1;
                out.push(b' ');
            }
            _ => {
                let end = next_mark(source, i + 1);
                out.extend_from_slice(&source[i..end]);
                i = end;
            }
        }
    }
    out
}

/// Where the next comment or constant may begin.
fn next_mark(source: &[u8], from: usize) -> usize {
    let rest = source.get(from..).unwrap_or_default();
    memchr3(b'/', b'"', b'\'', rest).map_or(source.len(), |found| from + found)
}

/// What is no code in a C or C++ file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Comment,
    Text,
    Character,
}

/// Comments and constants with where they begin and end, their marks included.
fn parts(source: &[u8]) -> Vec<(Part, Range<usize>)> {
    let mut out = Vec::new();
    let mut i = 0;
    while let Some(&b) = source.get(i) {
        let rest = &source[i..];
        let (part, length) = if rest.starts_with(b"//") {
            let end = position(rest, b"\n").unwrap_or(rest.len());
            (Part::Comment, end)
        } else if rest.starts_with(b"/*") {
            let end = rest.get(2..).and_then(|rest| position(rest, b"*/"));
            (Part::Comment, end.map_or(rest.len(), |end| end + 4))
        } else if matches!(b, b'"' | b'\'') {
            let mut end = 1;
            while let Some(&c) = rest.get(end).filter(|&&c| c != b && c != b'\n') {
                end += if c == b'\\' { 2 } else { 1 };
            }
            let part = if b == b'"' {
                Part::Text
            } else {
                Part::Character
            };
            (part, (end + 1).min(rest.len()))
        } else {
            i = next_mark(source, i + 1);
            continue;
        };
        out.push((part, i..i + length));
        i += length;
    }
    out
}

/// The text of a constant without its marks.
fn inside(source: &[u8], at: &Range<usize>) -> String {
    let all = source.get(at.clone()).unwrap_or_default();
    let text = all.get(1..).unwrap_or_default();
    // An unfinished one ends with its line, or with the file.
    let text = match text {
        [text @ .., last] if *last == b'\n' || all.first() == Some(last) => text,
        text => text,
    };
    String::from_utf8_lossy(text).into_owned()
}

/// The string constants of a C or C++ file, as they are written, without those in comments.
pub(super) fn strings(source: &[u8]) -> Vec<String> {
    let texts = parts(source)
        .into_iter()
        .filter(|(part, _)| *part == Part::Text);
    texts.map(|(_, at)| inside(source, &at)).collect()
}

/// The code with its character constants; comments and strings are blanked out.
pub(super) fn with_characters(source: &[u8]) -> String {
    let mut code = source.to_vec();
    for (part, at) in parts(source) {
        if part != Part::Character
            && let Some(part) = code.get_mut(at)
        {
            part.fill(b' ');
        }
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// The string constants with the code near them on either side: comments and other constants are
/// blanked out.
pub(super) fn constants(source: &[u8]) -> Vec<(String, String, String)> {
    /// So much of the code.
    const NEAR: usize = 160;
    let parts = parts(source);
    let mut code = source.to_vec();
    for (_, at) in &parts {
        if let Some(part) = code.get_mut(at.clone()) {
            part.fill(b' ');
        }
    }
    let near = |from: usize, to: usize| {
        let code = code.get(from..to.min(code.len())).unwrap_or_default();
        String::from_utf8_lossy(code).into_owned()
    };
    let texts = parts.iter().filter(|(part, _)| *part == Part::Text);
    texts
        .map(|(_, at)| {
            (
                near(at.start.saturating_sub(NEAR), at.start),
                inside(source, at),
                near(at.end, at.end + NEAR),
            )
        })
        .collect()
}

/// Whether the code has this text, white space aside.
pub(super) fn names(source: &[u8], text: &str) -> bool {
    let code: Vec<u8> = code_only(source)
        .into_iter()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    position(&code, text.as_bytes()).is_some()
}

/// Whether the code names `function` followed by `(`: a definition, a declaration or a call.
#[must_use]
pub(super) fn names_function(source: &[u8], function: &str) -> bool {
    let code = code_only(source);
    let name = function.as_bytes();
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
    let mut from = 0;
    while let Some(found) = code.get(from..).and_then(|rest| position(rest, name)) {
        let start = from + found;
        let end = start + name.len();
        let before = start.checked_sub(1).and_then(|i| code.get(i)).copied();
        let after = code[end..].iter().find(|b| !b.is_ascii_whitespace());
        if !before.is_some_and(is_word) && after == Some(&b'(') {
            return true;
        }
        from = end;
    }
    false
}

/// Whether the file defines `main`, as far as a textual scan can tell.
#[must_use]
pub(super) fn has_main(source: &[u8]) -> bool {
    names_function(source, "main")
}

/// Whether the body of `main` names the second parameter, the arguments.
#[must_use]
pub(super) fn looks_at_arguments(source: &[u8]) -> bool {
    let code = String::from_utf8_lossy(&code_only(source)).into_owned();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words = |text: &str| -> Vec<String> {
        let all = text.split(|c| !is_word(c)).filter(|word| !word.is_empty());
        all.map(str::to_owned).collect()
    };
    for (at, _) in code.match_indices("main") {
        let (before, after) = (&code[..at], &code[at + "main".len()..]);
        let Some(inside) = after.trim_start().strip_prefix('(') else {
            continue;
        };
        let (Some((parameters, rest)), false) = (inside.split_once(')'), before.ends_with(is_word))
        else {
            continue;
        };
        // What stands before the body declares the parameters once more, as K&R did.
        let body = rest.split_once('{').map_or("", |(_, body)| body);
        let second = parameters.split(',').nth(1).map(words).unwrap_or_default();
        return second.last().is_some_and(|name| words(body).contains(name));
    }
    false
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memmem::find(haystack, needle)
}

/// Whether a program imports a function: its name stands in the table of dynamic strings. Unlike
/// the symbol table, that table is there in every stripped program.
#[must_use]
pub(super) fn imports(program: &[u8], function: &str) -> bool {
    let name = [b"\0", function.as_bytes(), b"\0"].concat();
    position(program, &name).is_some()
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Magic {
    /// A compiled program, object file or shared library.
    Elf,
    /// A compiled program or object file of another system.
    Foreign,
    /// A static library.
    Archive,
    /// A script with an interpreter line.
    Script,
    /// Anything else.
    Other,
}

/// Looks at the first bytes.
#[must_use]
pub(super) fn magic(content: &[u8]) -> Magic {
    // Mach-O in its four forms, fat Mach-O and Java classes, PE: other systems' programs.
    let foreign: [&[u8]; 6] = [
        b"\xcf\xfa\xed\xfe",
        b"\xce\xfa\xed\xfe",
        b"\xfe\xed\xfa\xcf",
        b"\xfe\xed\xfa\xce",
        b"\xca\xfe\xba\xbe",
        b"MZ\x90\0",
    ];
    if content.starts_with(b"\x7fELF") {
        Magic::Elf
    } else if foreign.iter().any(|magic| content.starts_with(magic)) {
        Magic::Foreign
    } else if content.starts_with(b"!<arch>\n") {
        Magic::Archive
    } else if content.starts_with(b"#!") {
        Magic::Script
    } else {
        Magic::Other
    }
}

/// Whether an ELF file can be started: an executable, not an object file (`e_type`, elf(5):
/// 2 `ET_EXEC`, 3 `ET_DYN`; 1 is `ET_REL`).
#[must_use]
pub(super) fn is_program(content: &[u8]) -> bool {
    magic(content) == Magic::Elf && matches!(content.get(16..18), Some([2 | 3, 0] | [0, 2 | 3]))
}

/// Whether a file can be started: a compiled program or one with an interpreter line.
#[must_use]
pub(super) fn is_startable(content: &[u8]) -> bool {
    is_program(content) || magic(content) == Magic::Script
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn main_is_found_in_code_only() {
        for yes in [
            "int main(void) { return 0; }",
            "int\nmain (int argc, char **argv)\n{",
            "/* server */ int main\n(void){}",
            "char q = '\"'; int main(void){}",
            "char *s = \"\\\"\"; int main(void){}",
            "// it's\nint main(){}",
            "int main/* here */(void){}",
        ] {
            assert!(has_main(yes.as_bytes()), "{yes}");
        }
        for no in [
            "",
            "// int main(void)",
            "/* int main(void) { */",
            "char *s = \"int main(void)\";",
            "int domain(int x);",
            "int main_loop(void);",
            "int remain(void); int xmain(void);",
            "int main;",
            "// goes on \\\nint main(void)",
            "/* int main(void)",
        ] {
            assert!(!has_main(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn arguments_are_looked_at_in_the_body_only() {
        for yes in [
            "int main(int argc, char *argv[]) { puts(argv[1]); }",
            "int main(int n, char **words) { open(words[1], 0); }",
            "main(argc, argv) int argc; char **argv; { f(argv); }",
        ] {
            assert!(looks_at_arguments(yes.as_bytes()), "{yes}");
        }
        for no in [
            "int main(void) { f(argv); }",
            "int main() { }",
            "int main(int argc, char *argv[]) { puts(\"argv\"); }",
            "main(argc, argv) int argc; char **argv; { }",
            "int domain(int a, int b) { return b; }",
            "int main(int argc, char *argv[]",
            "",
        ] {
            assert!(!looks_at_arguments(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn strings_are_found_in_code_only() {
        let text = br#"a("one\"1", 'x', '"', "two"); /* "three" */ b("") // "four"
            "unfinished
            "five" "six"#;
        assert_eq!(
            strings(text),
            [r#"one\"1"#, "two", "", "unfinished", "five", "six"]
        );
    }

    #[test]
    fn calls_are_seen_whatever_the_encoding() {
        let mut cp1251 = b"/* \xd1\xe5\xf0\xe2\xe5\xf0 */ if (listen(fd, 5) < 0)".to_vec();
        assert!(names_function(&cp1251, "listen"));
        assert!(!names_function(&cp1251, "connect"));
        cp1251.extend_from_slice(b"connect (fd, a, n)");
        assert!(names_function(&cp1251, "connect"));
    }

    #[test]
    fn objects_are_no_programs() {
        let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
        elf.resize(16, 0);
        let with_type = |t: u8| [elf.as_slice(), &[t, 0]].concat();
        assert!(is_program(&with_type(2)));
        assert!(is_program(&with_type(3)));
        assert!(!is_program(&with_type(1)));
        assert!(!is_program(b"\x7fELF"));
        assert_eq!(magic(b"!<arch>\n..."), Magic::Archive);
        assert_eq!(magic(b"#!/bin/sh\n"), Magic::Script);
    }

    proptest! {
        /// Hostile bytes neither panic nor hang, and code outside comments and constants stays.
        #[test]
        fn any_bytes_are_scanned(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (has_main(&bytes), strings(&bytes), looks_at_arguments(&bytes));
            let plain: Vec<u8> = bytes.iter().copied().filter(|b| !b"/\"'".contains(b)).collect();
            prop_assert_eq!(code_only(&plain), plain);
        }

        #[test]
        fn a_main_after_a_comment_is_found(noise in "[a-z \"'\n]{0,40}") {
            let text = format!("/*{noise}*/int main(void){{}}");
            prop_assert!(has_main(text.as_bytes()));
        }
    }
}
