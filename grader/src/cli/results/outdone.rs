//! Points set by hand hold back what was earned since: that has to be known.

use grader::batch::qualified;
use grader::gradebook::{Gradebook, GradebookError};
use grader::text::clean;

use crate::cli::tell::tell;
use crate::cli::words::Words;

/// Tells of each override that is less than what was earned after it was set.
pub(in crate::cli) fn say_outdone(book: &Gradebook, words: Words) -> Result<(), GradebookError> {
    for outdone in book.outdone()? {
        let by_hand = &outdone.by_hand;
        let who = clean(&qualified(&by_hand.group, &by_hand.student));
        tell!("{}", words.outdone(&who, by_hand, outdone.earned));
    }
    Ok(())
}
