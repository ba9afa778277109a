//! Sandboxes: a program that forbids itself system calls (seccomp) goes on as without the tracker.
//!
//! The program says so by `prctl` or `syscall`, which memtrack [interposes](super::interpose). Before the filter takes
//! effect it is asked about each system call that the tracker makes. From then on the tracker makes no call that the
//! filter does not allow for certain: it leaves out what needs the call and counts a loss, as if the kernel lacked the call.
//! When the filter does not let a snapshot be written at exit, one is written before.
//!
//! A filter that comes with the process, from who started it, is not seen. It has let the program start, and where it
//! refuses a call by an error, that is handled like any other error.
//!
//! A filter may belong to one thread. The tracker assumes that it holds for the whole process, since new threads inherit
//! it.

mod bpf;
pub(crate) mod calls_allowed;
mod seal;

pub(crate) use calls_allowed::{allows_all, allows_snapshots};
pub(crate) use seal::Seal;
