//! What a scenario cannot reach.
