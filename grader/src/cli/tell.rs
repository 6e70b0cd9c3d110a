//! What is said beside results.

/// Says a line on standard error. That it is closed stops nothing: nobody is left to be told.
macro_rules! tell {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(anstream::stderr().lock(), $($words)*);
    }};
}

pub(super) use tell;
