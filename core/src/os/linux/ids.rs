//! The process's own ids, by system calls that a sandbox may forbid.

use super::calls;
use super::sandbox::calls_allowed::{Call, allows};
use crate::sync::*;

/// The process's id, and the user whose files it makes, from before a filter forbade to ask for them.
static ID: AtomicU32 = AtomicU32::new(0);
static USER: AtomicU32 = AtomicU32::new(0);

/// The process's id. A child of a process that may not ask has its parent's.
pub(crate) fn id() -> u32 {
    if allows(Call::Getpid) { calls::getpid() as u32 } else { ID.load(Relaxed) }
}

/// The id of the process's parent; 0 when it is unknown.
pub(crate) fn parent() -> u32 {
    calls::getppid().max(0) as u32
}

/// The user whose files the process makes.
pub(crate) fn user() -> u32 {
    if allows(Call::Geteuid) { calls::geteuid() } else { USER.load(Relaxed) }
}

/// Keeps the answers of now for when the system cannot be asked any more.
pub(crate) fn remember() {
    ID.store(id(), Relaxed);
    USER.store(user(), Relaxed);
}
