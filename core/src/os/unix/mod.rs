//! What Linux, Android, macOS and FreeBSD have in common: each module is a module of the [contract](super), or serves one.
//!
//! Each system brings the modules that are imported here: its calls, and the facts that differ.

#[cfg(file_backed)]
pub(crate) mod backing_file;
#[cfg(not(target_os = "macos"))]
pub(crate) mod elf_start;
pub(super) mod environment;
pub(crate) mod errno;
pub(super) mod error_stream;
#[cfg(not(target_os = "macos"))]
pub(crate) mod exit;
#[cfg(not(target_os = "macos"))]
pub(super) mod failed_writes;
#[cfg(file_backed)]
pub(crate) mod fault;
pub(crate) mod file;
pub(super) mod fork;
#[cfg(file_backed)]
pub(crate) mod fork_gate;
#[cfg(any(target_os = "macos", target_os = "android", test))]
pub(crate) mod key_memory;
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
pub(super) mod library_calls;
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
pub(super) mod library_ids;
pub(crate) mod memory;
pub(super) mod names;
#[cfg(not(target_os = "macos"))]
pub(super) mod notes;
pub(super) mod open;
pub(super) mod other_stack;
#[cfg(file_backed)]
pub(crate) mod pages;
#[cfg(file_backed)]
mod private;
pub(crate) mod signal_mask;
pub(super) mod signal_names;
pub(crate) mod signals;
pub(super) mod spawn;
pub(super) mod stamp;
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
pub(super) mod thread_end;
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
pub(crate) mod thread_memory;

#[cfg(file_backed)]
use super::recording_calls;
use super::{calls, ids, signal_numbers, thread, write_signals};
