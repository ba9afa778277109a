//! Linux, and Android, whose kernel is Linux.
//!
//! - The modules that are `pub(crate)` implement the [contract](super).
//! - `calls` makes the system calls (by `system_call`), and `sandbox` forbids each that a filter of the program would
//!   refuse.
//! - `recording_calls` makes those that only recordings need.
//! - `maps` reads the kernel's list of mappings, and `elf` the headers of the modules in them.
//! - `interpose` has the functions of the C library that memtrack replaces.
//! - `kernel_headers` has what the libc crate lacks for Android.
//! - `ids`, `program`, `resident`, `signal_numbers` and `write_signals` each serve one or two of the modules above,
//!   or of those that Linux shares with other systems ([`unix`](super::unix)).

pub(super) mod calls;
pub(crate) mod clock;
mod elf;
pub(crate) mod environment;
pub(crate) mod fork;
pub(super) mod ids;
mod interpose;
mod kernel_headers;
mod maps;
pub(crate) mod modules;
pub(crate) mod probe;
pub(crate) mod process;
mod program;
pub(super) mod recording_calls;
mod resident;
pub(crate) mod sandbox;
pub(super) mod signal_numbers;
pub(crate) mod start;
mod system_call;
pub(crate) mod thread;
pub(crate) mod thread_stack;
pub(crate) mod unwind_tables;
pub(crate) mod wake;
pub(super) mod write_signals;

#[cfg(target_os = "android")]
pub(crate) use super::unix::key_memory as thread_memory;
use super::unix::stamp;
#[cfg(not(target_os = "android"))]
pub(crate) use super::unix::thread_memory;
pub(crate) use super::unix::{
    backing_file, errno, exit, fault, file, fork_gate, memory, pages, signal_mask, signals,
};
pub(super) use super::unix::{error_stream, names, other_stack};
