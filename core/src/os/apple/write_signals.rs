//! The signals that the kernel sends when a write fails.

/// The mask of the signals that the tracker never [blocks](crate::os::signal_mask), beside those of faults: none.
pub(crate) const NEVER_BLOCKED: u64 = 0;

/// A write beyond the limit of a file's size, or to a pipe without a reader, fails with an error, and sends the program no signal:
/// [`calls::write`](super::calls::write) sees to that.
#[derive(Debug)]
pub(crate) struct WriteSignalsBlocked;

impl WriteSignalsBlocked {
    pub(crate) fn new() -> Self {
        WriteSignalsBlocked
    }

    /// There is no signal of a write that failed.
    pub(crate) fn take(&self) {}
}

/// Runs `f`, which writes.
pub(crate) fn while_write_signals_blocked<T>(f: impl FnOnce() -> T) -> T {
    f()
}
