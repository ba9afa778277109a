//! Whole stacks that a thread has seen, each with the words that decided its walk.
//!
//! - [`trace`]: the words that decide a walk;
//! - [`arena`]: where stacks and their words are stored;
//! - [`fingerprint`]: by which words a stack is found;
//! - [`cache`]: predicts, looks up and stores stacks.

mod arena;
pub(super) mod cache;
pub(super) mod fingerprint;
pub(super) mod trace;
