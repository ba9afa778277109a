//! The clocks. A host may round their times: browsers and some engines do.

/// Nanoseconds of a clock that never goes back and whose start is arbitrary. Cannot fail.
pub(crate) fn monotonic() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds of the wall clock since 1970-01-01 00:00 UTC. Cannot fail.
pub(crate) fn since_1970() -> u64 {
    read(libc::CLOCK_REALTIME)
}

const SECOND: u64 = 1_000_000_000;

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec, which the call fills in.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}

/// Sleeps for that many nanoseconds. May change `errno`.
pub(crate) fn sleep(nanoseconds: u64) {
    let time = libc::timespec {
        tv_sec: (nanoseconds / SECOND) as libc::time_t,
        tv_nsec: (nanoseconds % SECOND) as libc::c_long,
    };
    // SAFETY: `time` is a timespec. The second pointer may be null.
    unsafe { libc::nanosleep(&raw const time, core::ptr::null_mut()) };
}
