//! Faults in memory that a file backs, on a system where no file backs memory.

/// Calls [`Callbacks::fault`](crate::os::Callbacks) for each fault in mapped memory: there is none.
pub(crate) fn handle() {}
