//! How long a caller waits for a part of the tracker that another thread has.

use super::clock;
use super::errno::keep_errno;

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all: the caller is in the middle of an event or of a signal's handler.
    None,
    /// One nap: the other thread may be the caller itself, interrupted by a signal.
    Moment,
    /// Three seconds: the caller needs the result, or there is no other time for it.
    Seconds,
}

impl Patience {
    /// Calls `attempt` until it returns something or the patience ends, with naps between.
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
