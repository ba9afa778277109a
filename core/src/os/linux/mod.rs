//! Linux, through calls that neither allocate nor wait.

mod bpf;
pub(crate) mod calls;
pub(crate) mod elf;
pub(crate) mod exit;
pub(crate) mod fault;
pub(crate) mod file;
pub(crate) mod fork_gate;
pub(crate) mod interpose;
pub(crate) mod maps;
pub(crate) mod memory;
pub(crate) mod modules;
pub(crate) mod open;
mod own_stack;
pub(crate) mod pages;
pub(crate) mod pages_file;
pub(crate) mod private;
mod probe;
mod program;
pub(crate) mod resident;
pub(crate) mod sandbox;
pub(crate) mod signal_mask;
pub(crate) mod signals;
pub(crate) mod stack;
pub(crate) mod stamp;
pub(crate) mod stderr;
pub(crate) mod thread;
pub(crate) mod unwind_tables;
