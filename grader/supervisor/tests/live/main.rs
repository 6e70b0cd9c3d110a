//! Tests against real programs, without isolation and without tracing: what `/proc` shows of them.

mod support;
mod waits;
