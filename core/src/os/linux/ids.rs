//! The ids of the process and its user, by system calls that a sandbox may forbid.

use super::calls;
use super::sandbox::calls_allowed::{Call, allows};
use crate::sync::*;

/// The process's id and its user, from before a filter forbade the calls.
static ID: AtomicU32 = AtomicU32::new(0);
static USER: AtomicU32 = AtomicU32::new(0);

/// The process's id. Where a sandbox forbids the call, the id from before: a child that is forked there gets its
/// parent's.
pub(crate) fn id() -> u32 {
    if allows(Call::Getpid) { calls::getpid() as u32 } else { ID.load(Relaxed) }
}

/// The id of the parent process; 0 when it is unknown.
pub(crate) fn parent() -> u32 {
    calls::getppid().max(0) as u32
}

/// The effective user, who owns the files that the process creates.
pub(crate) fn user() -> u32 {
    if allows(Call::Geteuid) { calls::geteuid() } else { USER.load(Relaxed) }
}

/// Stores the current ids for the time when a sandbox forbids the calls.
#[cfg(interposing)]
pub(crate) fn remember() {
    ID.store(id(), Relaxed);
    USER.store(user(), Relaxed);
}
