//! Linux.
//!
//! - The modules that are `pub(crate)` implement the [contract](super).
//! - `calls` makes the system calls (by `system_call`), and `sandbox` forbids each that a filter of the program would
//!   refuse.
//! - `maps` reads the kernel's list of mappings, and `elf` the headers of the modules in them.
//! - `interpose` has the functions of the C library that memtrack replaces.
//! - `private`, `open`, `ids`, `program`, `stamp` and `resident` each serve one or two of the modules above.

pub(crate) mod backing_file;
mod calls;
pub(crate) mod clock;
mod elf;
pub(crate) mod environment;
pub(crate) mod errno;
pub(super) mod error_stream;
pub(crate) mod exit;
pub(crate) mod fault;
pub(crate) mod file;
pub(crate) mod fork;
pub(crate) mod fork_gate;
mod ids;
mod interpose;
mod maps;
pub(crate) mod memory;
pub(crate) mod modules;
pub(super) mod names;
mod open;
pub(super) mod other_stack;
pub(crate) mod pages;
mod private;
pub(crate) mod probe;
pub(crate) mod process;
mod program;
mod resident;
pub(crate) mod sandbox;
pub(crate) mod signal_mask;
pub(crate) mod signals;
mod stamp;
pub(crate) mod start;
mod system_call;
pub(crate) mod thread;
pub(crate) mod thread_memory;
pub(crate) mod thread_stack;
pub(crate) mod unwind_tables;
pub(crate) mod wake;
