//! A cell for comments that is the teacher's as well: what is ours stands in brackets, and only that is
//! written anew.

/// What ours begins with, in every language: a cell may be filled in one and filled again in another.
const BEGIN: &str = "[grader: ";
const END: char = ']';

/// The cell with our comment in it: in the place of the one before, or behind what is there.
pub(super) fn with_ours(cell: &str, ours: &str) -> String {
    let plain: String = ours
        .chars()
        .map(|c| match c {
            '[' => '(',
            END => ')',
            c => c,
        })
        .collect();
    let ours = format!("{BEGIN}{plain}{END}");
    if let Some((before, after)) = around(cell) {
        return format!("{before}{ours}{after}");
    }
    match cell.trim() {
        "" => ours,
        theirs => format!("{theirs} {ours}"),
    }
}

/// Whether there is anything in the cell besides our comment.
pub(super) fn has_theirs(cell: &str) -> bool {
    match around(cell) {
        Some((before, after)) => !before.trim().is_empty() || !after.trim().is_empty(),
        None => !cell.trim().is_empty(),
    }
}

/// What stands before and behind ours.
fn around(cell: &str) -> Option<(&str, &str)> {
    let (before, rest) = cell.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some((before, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_is_written_anew() {
        let first = with_ours("", "90 of 100; failed: s[1]");
        assert_eq!(first, "[grader: 90 of 100; failed: s(1)]");
        assert!(!has_theirs(&first));
        assert_eq!(with_ours(&first, "95"), "[grader: 95]");
        let both = with_ours("Well [nearly] done.\n", "95");
        assert_eq!(both, "Well [nearly] done. [grader: 95]");
        assert!(has_theirs(&both));
        // As an editor of the system's leaves it.
        let edited = "<p>Well done. [grader: 95]</p><p>Come to me.</p>";
        let again = "<p>Well done. [grader: 100]</p><p>Come to me.</p>";
        assert_eq!(with_ours(edited, "100"), again);
        // Whose bracket is gone is not ours any more.
        assert_eq!(with_ours("[grader: 95", "1"), "[grader: 95 [grader: 1]");
    }
}
