//! The clocks. They are read from a page that the kernel shares with all processes.

use super::calls;

const SECOND: u64 = 1_000_000_000;

/// Nanoseconds of a clock that never goes back and whose start is arbitrary. Cannot fail.
pub(crate) fn monotonic() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds of the wall clock since 1970-01-01 00:00 UTC. Cannot fail.
pub(crate) fn since_1970() -> u64 {
    read(libc::CLOCK_REALTIME)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = timespec(0);
    // SAFETY: `time` is a timespec, which the call fills in.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}

/// A number of nanoseconds as the system's type.
pub(super) fn timespec(nanoseconds: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (nanoseconds / SECOND) as libc::time_t,
        tv_nsec: (nanoseconds % SECOND) as libc::c_long,
    }
}

/// Sleeps for that many nanoseconds, or until a signal arrives. May change `errno`.
pub(crate) fn sleep(nanoseconds: u64) {
    calls::nanosleep(&timespec(nanoseconds));
}
