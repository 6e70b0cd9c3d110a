//! The preloaded shim that watches signal handlers.
