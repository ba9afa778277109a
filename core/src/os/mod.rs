//! The contract with the operating system.
//!
//! A heap profiler needs threads, stacks, signals, files, memory, loaded modules and forks, and each system offers them
//! in its own way. The rest of the tracker is the same on every system. It asks the system only through the modules of
//! this table, and a system implements them in a folder of its own.
//!
//! | module | offers |
//! |---|---|
//! | `clock` | the monotonic clock, the wall clock, a sleep |
//! | `process` | ids, the command line, the number of threads, whether another process runs |
//! | `thread` | ids, names, a callback at a thread's end, the tracker's own thread, a barrier on all threads |
//! | `thread_memory` | memory of each thread's own |
//! | `thread_stack`, `probe` | the bounds of the running thread's stack, the readable pages of another stack |
//! | `other_stack` | a call on another stack than the thread's own |
//! | `signals`, `signal_mask` | signals that ask for a snapshot, signals that are blocked for a while |
//! | `wake` | a bell on which one thread waits until a time |
//! | `file`, `names`, `error_stream` | files that are written and read, the form of their paths, standard error |
//! | `memory` | pages at a place that the system or the caller chooses |
//! | `pages`, `backing_file`, `fault` | memory that a file backs, and faults in it. Where a file cannot take the place of memory in use, only new memory has a file, and nobody handles faults |
//! | `modules`, `unwind_tables` | executables and libraries that are loaded, and their unwind tables |
//! | `fork`, `fork_gate` | callbacks around a fork, and the wait of a parent for its child |
//! | `exit`, `start` | functions that run after the program's own code, and before its `main` |
//! | `environment` | environment variables, and whether the process may obey them |
//! | `sandbox` | which of these functions the program has forbidden to itself |
//! | `errno` | the error number of the last call |
//!
//! Five modules are the same on every system, and use the modules of the table: `dump_stack` has the stack on which
//! snapshots are written, `keep_errno` restores the error number, `path` has the paths of files, `patience` the time that a
//! caller waits, and `stderr` writes messages for people.
//!
//! # Rules for every function
//!
//! A function of the contract may run inside an allocator, in a signal handler or in a forked child. Unless its
//! documentation says otherwise:
//!
//! - It allocates nothing.
//! - It takes no lock that other code can hold: none of the C library's and none of the dynamic linker's.
//! - It leaves `errno` unchanged when it succeeds. When it fails inside the hook, it or its caller restores the number
//!   by [`keep_errno`](errno::keep_errno).
//! - It fails by its result, never by a panic.
//!
//! "Outside the hook" in a function's documentation lifts the first two rules: the caller is not inside an allocator, a
//! signal handler or a forked child.
//!
//! # Units
//!
//! Times are nanoseconds, sizes and offsets are bytes, and addresses are `usize`, unless the name says otherwise.
//!
//! # Calls back
//!
//! A system reports events through [`Callbacks`] and [`Interposed`]. It depends on nothing else of the tracker's
//! decisions.

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod absent;
#[cfg(target_os = "macos")]
mod apple;
mod callbacks;
pub(crate) mod dump_stack;
#[cfg(target_os = "freebsd")]
mod freebsd;
pub(crate) mod keep_errno;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
pub(crate) mod path;
pub(crate) mod patience;
pub(crate) mod stderr;
#[cfg(unix)]
mod unix;
#[cfg(target_os = "wasi")]
mod wasi;
#[cfg(windows)]
mod windows;

// The build script refuses other systems, with one sentence.

#[cfg(target_os = "macos")]
pub(crate) use apple::*;
pub(crate) use callbacks::{Callbacks, Interposed, Sealing, set_callbacks, set_interposed};
#[cfg(target_os = "freebsd")]
pub(crate) use freebsd::*;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::*;
#[cfg(target_os = "wasi")]
pub(crate) use wasi::*;
#[cfg(windows)]
pub(crate) use windows::*;
