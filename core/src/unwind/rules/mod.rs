//! Rules: how to get from a frame to its caller's.

pub(super) mod cache;
pub(super) mod find;
pub(super) mod packed;
pub(super) mod rule;
pub(super) mod walk;
