//! WASI, preview 1: WebAssembly outside of a browser.
//!
//! - The modules that are `pub(crate)` implement the [contract](super).
//! - `system` declares those functions of the interface that the C library does not offer.
//!
//! A program of WASI has one thread, and nothing interrupts it. It has no signals, no forks and no libraries that are loaded
//! later; it cannot unwind its stack, and no file can lie under its memory. The modules for these are those of `absent`, or
//! say so by their results.

pub(crate) mod clock;
pub(crate) mod environment;
pub(crate) mod errno;
pub(super) mod error_stream;
pub(crate) mod exit;
pub(crate) mod file;
pub(crate) mod memory;
pub(crate) mod modules;
pub(super) mod names;
pub(super) mod other_stack;
pub(crate) mod probe;
pub(crate) mod process;
pub(crate) mod signals;
pub(crate) mod start;
mod system;
pub(crate) mod thread;
pub(crate) mod thread_memory;
pub(crate) mod thread_stack;
pub(crate) mod unwind_tables;
pub(crate) mod wake;

pub(crate) use super::absent::{backing_file, fault, fork, fork_gate, pages, sandbox, signal_mask};
