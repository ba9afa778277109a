//! The clocks. They are read from a page that the kernel shares with all processes.

use super::calls;

const SECOND: u64 = 1_000_000_000;

unsafe extern "C" {
    fn clock_gettime_nsec_np(clock: libc::clockid_t) -> u64;
}

/// Nanoseconds of a clock that never goes back and whose start is arbitrary. Cannot fail. It stands still while the machine
/// sleeps.
pub(crate) fn monotonic() -> u64 {
    // SAFETY: the call only returns a number.
    unsafe { clock_gettime_nsec_np(libc::CLOCK_UPTIME_RAW) }
}

/// Nanoseconds of the wall clock since 1970-01-01 00:00 UTC. Cannot fail.
pub(crate) fn since_1970() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec, which the call fills in.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}

/// Sleeps for that many nanoseconds, or until a signal arrives. May change `errno`.
pub(crate) fn sleep(nanoseconds: u64) {
    calls::nanosleep(&libc::timespec {
        tv_sec: (nanoseconds / SECOND) as libc::time_t,
        tv_nsec: (nanoseconds % SECOND) as libc::c_long,
    });
}
