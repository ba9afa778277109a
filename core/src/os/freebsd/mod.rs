//! FreeBSD.
//!
//! - The modules that are `pub(crate)` implement the [contract](super).
//! - `calls` makes the system calls, and `information` asks the kernel about processes (`sysctl`).
//! - `signal_numbers` and `write_signals` have what differs in the modules that are shared with other systems
//!   ([`unix`](super::unix)).
//!
//! Nothing moves memory over other memory here, so no file can take the place of memory in use: recordings fail with
//! [`Error::RecordingSystem`](crate::Error::RecordingSystem), by the modules of `absent`. A program in the capability mode gets errors
//! of the calls that the mode forbids, as if they were missing: there is no sandbox to foresee.

pub(super) mod calls;
mod information;
pub(super) mod signal_numbers;
pub(super) mod write_signals;

pub(crate) mod clock;
pub(crate) mod environment;
pub(crate) mod fork;
pub(crate) mod modules;
pub(crate) mod probe;
pub(crate) mod process;
pub(crate) mod start;
pub(crate) mod thread;
pub(crate) mod thread_stack;
pub(crate) mod unwind_tables;
pub(crate) mod wake;

pub(crate) use super::absent::{backing_file, fault, fork_gate, pages, sandbox};
use super::unix::stamp;
pub(crate) use super::unix::{errno, exit, file, memory, signal_mask, signals, thread_memory};
pub(super) use super::unix::{error_stream, library_ids as ids, names, other_stack};
