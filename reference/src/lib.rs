//! The reference programs.
