//! The executable: parse, dispatch, exit code.

fn main() {}
