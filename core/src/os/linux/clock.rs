//! The clocks.
//!
//! Most machines read them without a system call. A sandbox in the strict mode forbids the processor's counter as well.
//! From then on the clocks stand still at the time when the sandbox began.

use super::calls;
use super::sandbox::calls_allowed::{Call, allows};
use crate::sync::*;

/// The last times of the monotonic and the wall clock, from before a sandbox forbade them.
static LAST: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Nanoseconds of a clock that never goes back and whose start is arbitrary. Cannot fail.
pub(crate) fn monotonic() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds of the wall clock since 1970-01-01 00:00 UTC. Cannot fail.
pub(crate) fn since_1970() -> u64 {
    read(libc::CLOCK_REALTIME)
}

fn read(clock: libc::clockid_t) -> u64 {
    if !allows(Call::Clock) {
        return last(clock).load(Relaxed);
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec, which the call fills in.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}

fn last(clock: libc::clockid_t) -> &'static AtomicU64 {
    &LAST[usize::from(clock == libc::CLOCK_REALTIME)]
}

/// Stores the current times for the calls after a sandbox has forbidden the clocks.
#[cfg(interposing)]
pub(crate) fn remember() {
    for clock in [libc::CLOCK_MONOTONIC, libc::CLOCK_REALTIME] {
        last(clock).store(read(clock), Relaxed);
    }
}

const SECOND: u64 = 1_000_000_000;

/// A number of nanoseconds as the system's type.
pub(crate) fn timespec(nanoseconds: u64) -> libc::timespec {
    libc::timespec { tv_sec: (nanoseconds / SECOND) as _, tv_nsec: (nanoseconds % SECOND) as libc::c_long }
}

/// Sleeps for that many nanoseconds, or until a signal arrives. Returns at once where a sandbox forbids the sleep. May
/// change `errno`.
pub(crate) fn sleep(nanoseconds: u64) {
    calls::nanosleep(&timespec(nanoseconds));
}
