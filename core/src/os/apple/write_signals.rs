//! The signals that the kernel sends when a write fails.

/// The mask of the signals that the tracker never [blocks](crate::os::signal_mask), beside those of faults: none.
pub(crate) const NEVER_BLOCKED: u64 = 0;

/// Runs `f`, which writes to a file. A write beyond the limit of a file's size, or to a pipe without a reader, fails with an
/// error, and sends the program no signal: [`calls::write`](super::calls::write) sees to that.
pub(crate) fn while_write_signals_blocked<T>(f: impl FnOnce() -> T) -> T {
    f()
}
