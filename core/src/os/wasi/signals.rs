//! Signals that ask for a snapshot. WASI has none.

use super::errno::NOT_SUPPORTED;
use crate::Error;

/// The values that [`parse`] accepts, for a message about one that it does not.
pub(crate) const EXPECTED: &str = "unset, because WASI has no signals: MEMTRACK_DUMP_INTERVAL and MEMTRACK_DUMP_PEAK ask for snapshots there";

/// The number of a signal. `None`: there is no signal.
pub(crate) fn parse(_: &[u8]) -> Option<i32> {
    None
}

/// Calls [`Callbacks::signal`](crate::os::Callbacks) whenever the process gets `signal`: [`Error::Signal`], because no
/// process gets one.
pub(crate) fn dump_on(_: i32) -> Result<(), Error> {
    Err(Error::Signal(NOT_SUPPORTED))
}

/// Performs the default action of `signal` in its handler. There is no handler.
pub(crate) fn act_by_default(_: i32) {}
