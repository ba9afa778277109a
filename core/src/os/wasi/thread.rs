//! The one thread of the program.

use super::errno::NOT_SUPPORTED;

/// Its id.
pub(super) const MAIN: u64 = 1;

/// The system's id of the running thread.
pub(crate) fn id() -> u64 {
    MAIN
}

/// The name of a thread of this process, padded with zeros; all zero when there is no such thread.
pub(crate) fn name(thread_id: u64) -> [u8; 16] {
    if thread_id == MAIN { *b"main\0\0\0\0\0\0\0\0\0\0\0\0" } else { [0; 16] }
}

/// Requests [`Callbacks::thread_ended`](crate::os::Callbacks) for the end of the running thread. The one thread ends with the
/// program.
pub(crate) fn watch_end() {}

/// Starts a thread of the tracker's own. The error says that there is none.
pub(crate) fn spawn(_: fn()) -> Result<(), i32> {
    Err(NOT_SUPPORTED)
}

/// Makes every running thread of the process execute a full memory barrier before this returns. There is one thread, which
/// needs none.
pub(crate) fn barrier() -> bool {
    true
}

/// Whether the thread with this id has not ended yet.
pub(crate) fn is_running(id: u32) -> bool {
    u64::from(id) == MAIN
}

/// Gives the processor to other threads for a moment.
pub(crate) fn yield_now() {}
