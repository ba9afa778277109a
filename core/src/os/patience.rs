//! How long a caller waits for a part of the tracker that another thread uses.

use super::clock;
use super::errno::keep_errno;

/// The time that a caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// No time: the caller is in the middle of an event or of a signal handler.
    None,
    /// One nap of 10 ms: the other thread may be the caller itself, interrupted by a signal.
    Moment,
    /// Three seconds: the caller needs the result, or has no second chance.
    Seconds,
}

impl Patience {
    /// Calls `attempt` until it returns a value or the time is over, and naps between two calls. Restores `errno` after
    /// each nap.
    pub(crate) fn wait<T>(self, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
        const NAP_NS: u64 = 10_000_000;
        let naps = match self {
            Patience::None => 0,
            Patience::Moment => 1,
            Patience::Seconds => 300,
        };
        attempt().or_else(|| {
            (0..naps).find_map(|_| {
                keep_errno(|| clock::sleep(NAP_NS));
                attempt()
            })
        })
    }
}
