//! Whole stacks that a thread has seen.

pub(super) mod cache;
pub(super) mod fingerprint;
pub(super) mod trace;
