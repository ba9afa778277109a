//! macOS.
//!
//! - The modules that are `pub(crate)` implement the [contract](super).
//! - `calls` makes the system calls, `recording_calls` those that only recordings need, and `mach` declares the functions of the kernel's other interface.
//! - `images` lists the executables and libraries that are loaded, and `macho` reads their headers.
//! - `ids`, `signal_numbers` and `write_signals` have what differs in the modules that are shared with other systems
//!   ([`unix`](super::unix)).
//!
//! macOS clears no memory in forked children and knows no filters of system calls: these modules are those of `absent`. It has no
//! barrier on all threads either.

pub(super) mod calls;
mod images;
mod mach;
mod macho;
pub(super) mod recording_calls;
pub(super) mod signal_numbers;
pub(super) mod write_signals;

pub(crate) mod clock;
pub(crate) mod environment;
pub(crate) mod exit;
pub(crate) mod modules;
pub(crate) mod probe;
pub(crate) mod process;
pub(crate) mod start;
pub(crate) mod thread;
pub(crate) mod thread_stack;
pub(crate) mod unwind_tables;
pub(crate) mod wake;

pub(crate) use super::absent::{fork, sandbox};
use super::unix::stamp;
pub(crate) use super::unix::{
    backing_file, errno, fault, file, fork_gate, key_memory as thread_memory, memory, pages, signal_mask,
    signals,
};
pub(super) use super::unix::{error_stream, library_ids as ids, names, other_stack};
