//! The seccomp programs.
