//! Sandboxes: a program that forbids system calls to itself runs on with the tracker as it does without.
//!
//! The problem: a seccomp filter may end the process at a call that it does not list, and it does not list the calls of
//! a tracker that its author does not know.
//!
//! The idea: a program installs its filter by `prctl` or `syscall`, which memtrack [interposes](super::interpose).
//! Before the filter is in force the tracker finds out which of its own calls the filter allows. From then on it makes
//! no other call. What needs a forbidden call fails, as on a kernel that lacks the call, and the loss is counted. When
//! the filter forbids the snapshot at exit, the tracker writes a snapshot before.
//!
//! - *Seal*: the program's request for a sandbox.
//! - *Call*: a system call of the tracker, with the arguments that are always the same.
//! - *Forbidden*: not allowed by a filter for all values of the other arguments.
//!
//! Three limits:
//!
//! - A filter that the process inherits from its parent is not seen. It has allowed the program's start, and a call
//!   that it refuses by an error fails like any other.
//! - A filter may belong to one thread. The tracker assumes that it is in force for the process, because new threads
//!   inherit it.
//! - Where memtrack interposes nothing, as on Android, no filter is seen. That of Android's apps is inherited, and allows all
//!   [calls](calls_allowed::Call) of the tracker (bionic's `SYSCALLS.TXT` and `SECCOMP_ALLOWLIST_COMMON.TXT`).
//!
//! For the rest of the tracker a system offers two functions: [`allows_all`] and [`allows_snapshots`]. A system without
//! sandboxes returns true.

#[cfg(interposing)]
mod bpf;
pub(crate) mod calls_allowed;
#[cfg(interposing)]
mod seal;

pub(crate) use calls_allowed::{allows_all, allows_snapshots};
#[cfg(interposing)]
pub(crate) use seal::Seal;
