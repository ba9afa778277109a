//! What Linux, Android and macOS have in common: each module is a module of the [contract](super), or serves one.
//!
//! Each system brings the modules that are imported here: its calls, and the facts that differ.

pub(crate) mod backing_file;
pub(crate) mod errno;
pub(super) mod error_stream;
pub(crate) mod fault;
pub(crate) mod file;
pub(super) mod fork;
pub(crate) mod fork_gate;
#[cfg(any(target_os = "macos", target_os = "android", test))]
pub(crate) mod key_memory;
pub(crate) mod memory;
pub(super) mod names;
pub(super) mod open;
pub(super) mod other_stack;
pub(crate) mod pages;
mod private;
pub(crate) mod signal_mask;
pub(super) mod signal_names;
pub(crate) mod signals;
pub(super) mod stamp;

use super::{calls, ids, recording_calls, signal_numbers, write_signals};
