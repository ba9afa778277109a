//! The seam to the operating system.
//!
//! Everything outside of this folder is the same on every system. What it asks of the system are the functions of the
//! modules below, which a folder implements for each system:
//!
//! | module | what it offers |
//! |---|---|
//! | `clock` | the monotonic clock, the wall clock, a sleep |
//! | `process` | ids, the user, the command line, whether another process runs |
//! | `thread` | ids, names, a callback at a thread's end, threads of the tracker's own, a barrier on all threads |
//! | `thread_stack`, `probe` | the bounds of the running thread's stack, the readable pages of another one |
//! | `dump_stack` | the stack on which snapshots are written |
//! | `signals`, `signal_mask` | signals that ask for a snapshot, signals held back for a while |
//! | `wake` | a bell on which one thread waits until a time |
//! | `file`, `path`, `stderr` | files that are written and read, their paths, messages for people |
//! | `memory` | pages at a place of the system's choice or of the caller's |
//! | `pages`, `backing_file`, `fault` | memory that a file stands in for, and faults in it |
//! | `modules`, `unwind_tables` | executables and libraries that are loaded, and their unwind tables |
//! | `fork`, `fork_gate` | callbacks around a fork, and the wait of a parent for its child |
//! | `exit`, `start` | what runs behind the program, and before its `main` |
//! | `environment` | environment variables, and whether the process may obey them |
//! | `sandbox` | which of these functions the program has forbidden itself |
//! | `errno` | the error number of the last call |
//!
//! Functions that run inside an allocator, a signal's handler or a forked child say nothing else: they allocate nothing,
//! take no lock of the system's libraries and leave `errno` as they found it, unless their documentation says otherwise.
//!
//! A system calls back through [`Callbacks`] and [`Interposed`]. It depends on nothing else of the tracker.

mod callbacks;
#[cfg(target_os = "linux")]
mod linux;
pub(crate) mod patience;

// On other systems the build script says what to do.

pub(crate) use callbacks::{Callbacks, Interposed, Sealing, set_callbacks, set_interposed};
#[cfg(target_os = "linux")]
pub(crate) use linux::*;
