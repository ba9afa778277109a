//! Clocks.
//!
//! Most machines read them without a system call. A sandbox in the strict mode takes the processor's own counter away as
//! well: from then on the clocks show the time when that began.

use super::calls;
use super::sandbox::calls_allowed::{Call, allows};
use crate::sync::*;

/// Times of the clocks, monotonic and real, when a filter came to forbid them.
static LAST: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Nanoseconds of a clock that does not go back.
pub(crate) fn monotonic() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds since 1970.
pub(crate) fn since_1970() -> u64 {
    read(libc::CLOCK_REALTIME)
}

fn read(clock: libc::clockid_t) -> u64 {
    if !allows(Call::Clock) {
        return last(clock).load(Relaxed);
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec for the call to fill in.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}

fn last(clock: libc::clockid_t) -> &'static AtomicU64 {
    &LAST[usize::from(clock == libc::CLOCK_REALTIME)]
}

/// Keeps the times of now for when clocks cannot be read any more.
pub(crate) fn remember() {
    for clock in [libc::CLOCK_MONOTONIC, libc::CLOCK_REALTIME] {
        last(clock).store(read(clock), Relaxed);
    }
}

const SECOND: u64 = 1_000_000_000;

/// A time of the system's type.
pub(crate) fn timespec(nanoseconds: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (nanoseconds / SECOND) as libc::time_t,
        tv_nsec: (nanoseconds % SECOND) as libc::c_long,
    }
}

/// Sleeps for that many nanoseconds, or until a signal comes.
pub(crate) fn sleep(nanoseconds: u64) {
    calls::nanosleep(&timespec(nanoseconds));
}
