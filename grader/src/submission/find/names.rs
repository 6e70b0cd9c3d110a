//! Names of files: what their parts say.

/// A file the C or C++ compiler is called with.
pub(in crate::submission) fn is_source(path: &str) -> bool {
    matches!(extension(path), Some("c")) || is_cxx(path)
}

/// A C++ source file.
pub(in crate::submission) fn is_cxx(path: &str) -> bool {
    matches!(extension(path), Some("cc" | "cpp" | "cxx" | "C"))
}

/// A C or C++ header.
pub(super) fn is_header(path: &str) -> bool {
    matches!(extension(path), Some("h" | "hpp" | "hh"))
}

fn extension(path: &str) -> Option<&str> {
    base(path).rsplit_once('.').map(|(_, extension)| extension)
}

/// The name without directories.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The name without directories and extension.
pub(in crate::submission) fn stem(path: &str) -> &str {
    let base = base(path);
    base.rsplit_once('.')
        .map_or(base, |(stem, _)| if stem.is_empty() { base } else { stem })
}

/// The whole path but for the extension.
pub(super) fn without_extension(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') => stem,
        _ => path,
    }
}

/// The directories; empty for a file at the top.
pub(super) fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// Whether a name holds one of the numbers.
pub(in crate::submission) fn is_numbered(name: &str, numbers: &[u32]) -> bool {
    all_numbers(name).iter().any(|n| numbers.contains(n))
}

/// The runs of digits in a name.
pub(in crate::submission) fn all_numbers(name: &str) -> Vec<u32> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}
