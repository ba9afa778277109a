//! The clocks. Reading them is no system call on most machines.

use super::system::{
    GetSystemTimePreciseAsFileTime, QueryPerformanceCounter, QueryPerformanceFrequency, Sleep,
};
use crate::sync::*;

const SECOND: u64 = 1_000_000_000;
/// Nanoseconds of the system's unit of the wall clock.
const UNIT: u64 = 100;
/// Units from 1601-01-01, at which the system begins to count, to 1970-01-01.
const TO_1970: u64 = 116_444_736_000_000_000;

/// Counts of the monotonic clock in a second, which never change; 0 before they are known.
static FREQUENCY: AtomicU64 = AtomicU64::new(0);

fn frequency() -> u64 {
    match FREQUENCY.load(Relaxed) {
        0 => {
            let mut frequency = 0;
            // SAFETY: the call writes the number, and cannot fail.
            unsafe { QueryPerformanceFrequency(&raw mut frequency) };
            FREQUENCY.store(frequency as u64, Relaxed);
            frequency as u64
        }
        frequency => frequency,
    }
}

/// Nanoseconds of a clock that never goes back and whose start is arbitrary. Cannot fail.
pub(crate) fn monotonic() -> u64 {
    let mut count = 0;
    // SAFETY: the call writes the number, and cannot fail.
    unsafe { QueryPerformanceCounter(&raw mut count) };
    let (count, frequency) = (count as u64, frequency().max(1));
    (count / frequency).wrapping_mul(SECOND) + count % frequency * SECOND / frequency
}

/// Nanoseconds of the wall clock since 1970-01-01 00:00 UTC. Cannot fail.
pub(crate) fn since_1970() -> u64 {
    let mut time = 0;
    // SAFETY: the call writes the number.
    unsafe { GetSystemTimePreciseAsFileTime(&raw mut time) };
    from_system(time)
}

/// A time of the system's as nanoseconds since 1970.
pub(super) fn from_system(time: u64) -> u64 {
    time.saturating_sub(TO_1970).wrapping_mul(UNIT)
}

/// Sleeps for that many nanoseconds, rounded up to milliseconds. May change the error number.
pub(crate) fn sleep(nanoseconds: u64) {
    // SAFETY: the call takes a number.
    unsafe { Sleep(milliseconds(nanoseconds)) };
}

/// Nanoseconds as milliseconds, rounded up, and at most some weeks.
pub(super) fn milliseconds(nanoseconds: u64) -> u32 {
    /// The system takes the highest number as "for ever".
    const MOST: u64 = u32::MAX as u64 - 1;
    nanoseconds.div_ceil(1_000_000).min(MOST) as u32
}
