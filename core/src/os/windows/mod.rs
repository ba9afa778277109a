//! Windows, of 64 bits.
//!
//! - The modules that are `pub(crate)` implement the [contract](super).
//! - `system` declares the system's functions, and `teb` reads the system's record of the running thread.
//! - `wide` translates text, and `pe` reads the headers of modules.
//! - `command_line`, `detach` and `unloads` each serve one of the modules above.
//!
//! Windows has no forks, no signals that interrupt a thread, and no sandbox that a program lays over itself: these modules
//! are those of `absent`. It cannot lay a file under memory that is in use, so a recording has its file from the start.

mod command_line;
mod detach;
mod pe;
mod system;
mod teb;
mod unloads;
mod wide;

pub(crate) mod backing_file;
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
pub(crate) mod pages;
pub(crate) mod probe;
pub(crate) mod process;
pub(crate) mod signals;
pub(crate) mod start;
pub(crate) mod thread;
pub(crate) mod thread_memory;
pub(crate) mod thread_stack;
pub(crate) mod unwind_tables;
pub(crate) mod wake;

pub(crate) use super::absent::{fork, fork_gate, sandbox, signal_mask};
