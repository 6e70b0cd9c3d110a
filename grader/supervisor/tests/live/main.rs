//! Tests against real programs, without isolation and without tracing: what `/proc` shows of them.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod inspect;
mod support;
mod waits;
