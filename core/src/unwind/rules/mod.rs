//! Rules: how to get from a frame to its caller's.
//!
//! - [`rule`]: a rule, and one step by it;
//! - [`packed`]: a rule in eight bytes;
//! - [`find`]: finds the rule of a code address;
//! - [`cache`]: the rules that a thread has used;
//! - [`walk`]: goes from frame to frame.

pub(super) mod cache;
#[cfg(not(pdata))]
pub(super) mod find;
#[cfg(pdata)]
#[path = "find/pdata.rs"]
pub(super) mod find;
pub(super) mod packed;
pub(super) mod rule;
pub(super) mod walk;
