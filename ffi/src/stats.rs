//! Figures that the program can ask for.

#![allow(non_camel_case_types, reason = "names as C knows them")]

use crate::result::{MEMTRACK_ERROR_NULL, MEMTRACK_ERROR_SIZE, MEMTRACK_OK, memtrack_result_t};
use crate::tracker::TRACKER;
use memtrack_core::Stats;

/// The figures of the program, or of one thread. Bytes are the sizes that the program requested.
///
/// Later versions append members. Set `size` to `sizeof(memtrack_stats_t)` before each call. A library that knows fewer
/// members sets the others to 0; a library that knows more leaves its additional members out.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct memtrack_stats_t {
    /// `sizeof(memtrack_stats_t)`, set by the caller.
    pub size: usize,
    /// Bytes alive.
    pub live_bytes: u64,
    /// Blocks alive.
    pub live_blocks: u64,
    /// Highest live bytes since the last reset.
    pub peak_bytes: u64,
    /// Blocks that were alive at that moment.
    pub peak_blocks: u64,
    /// Bytes of all allocations so far, reallocations included.
    pub total_bytes: u64,
    /// Allocations so far, reallocations included.
    pub total_allocs: u64,
    /// Frees so far, reallocations included.
    pub total_frees: u64,
    /// Reallocations so far.
    pub reallocs: u64,
    /// Blocks that their thread freed as its very next heap event.
    pub temporary: u64,
    /// Allocations and reallocations that failed; 0 for a thread.
    pub failed_allocs: u64,
    /// Events that could not be attributed in full; 0 for a thread.
    pub lost_events: u64,
}

/// Fills in the figures of the program. They are exact if no other thread is in the middle of an allocation. Thread-safe;
/// safe in interrupts and signal handlers.
///
/// `MEMTRACK_ERROR_NULL` if `stats` is NULL, `MEMTRACK_ERROR_SIZE` if its `size` was not set.
///
/// # Safety
/// `stats` must be NULL or point to at least `stats->size` bytes that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_get_stats(stats: *mut memtrack_stats_t) -> memtrack_result_t {
    let lost = TRACKER.losses().map(|(_, events)| events).sum();
    // SAFETY: the caller upholds it.
    unsafe { fill(stats, TRACKER.stats(), lost) }
}

/// Fills in the figures of the calling thread. They describe the blocks that it allocated, whichever thread frees them.
/// Thread-safe. In a signal handler that interrupted an allocation all figures are 0.
///
/// `MEMTRACK_ERROR_NULL` if `stats` is NULL, `MEMTRACK_ERROR_SIZE` if its `size` was not set.
///
/// # Safety
/// `stats` must be NULL or point to at least `stats->size` bytes that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_get_thread_stats(stats: *mut memtrack_stats_t) -> memtrack_result_t {
    // SAFETY: the caller upholds it.
    unsafe { fill(stats, TRACKER.thread_stats(), 0) }
}

/// Sets the peaks of the program and of every thread to their live bytes at this moment. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_reset_peak() -> memtrack_result_t {
    TRACKER.reset_peak();
    MEMTRACK_OK
}

/// Sets the calling thread's peak to its live bytes at this moment. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_reset_thread_peak() -> memtrack_result_t {
    TRACKER.reset_thread_peak();
    MEMTRACK_OK
}

/// Pauses tracking: from now on events are counted as lost, without thread and stack. Live bytes and peak stay exact.
/// Thread-safe; safe in interrupts.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_pause() -> memtrack_result_t {
    TRACKER.pause();
    MEMTRACK_OK
}

/// Ends `memtrack_pause`. Thread-safe; safe in interrupts.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_resume() -> memtrack_result_t {
    TRACKER.resume();
    MEMTRACK_OK
}

/// The shortest struct that makes sense: its size and one figure.
const MIN_SIZE: usize = core::mem::offset_of!(memtrack_stats_t, live_blocks);
/// No struct of figures is ever this long: a larger size was not set by the caller.
const MAX_SIZE: usize = 4096;

/// Writes the members that both sides know, and zeros into the rest.
///
/// # Safety
/// As for the callers.
unsafe fn fill(stats: *mut memtrack_stats_t, of: Stats, lost_events: u64) -> memtrack_result_t {
    if stats.is_null() {
        return MEMTRACK_ERROR_NULL;
    }
    // SAFETY: the caller's struct begins with its size. It may be less aligned than ours.
    let size = unsafe { (&raw const (*stats).size).read_unaligned() };
    if !(MIN_SIZE..=MAX_SIZE).contains(&size) {
        return MEMTRACK_ERROR_SIZE;
    }
    let filled = memtrack_stats_t {
        size,
        live_bytes: of.live_bytes,
        live_blocks: of.live_blocks,
        peak_bytes: of.peak_bytes,
        peak_blocks: of.peak_blocks,
        total_bytes: of.total_bytes,
        total_allocs: of.total_allocs,
        total_frees: of.total_frees,
        reallocs: of.reallocs,
        temporary: of.temporary,
        failed_allocs: of.failed_allocs,
        lost_events,
    };
    let known = size_of::<memtrack_stats_t>().min(size);
    // SAFETY: the caller's struct has `size` bytes, and no more bytes of ours are read than it has.
    unsafe {
        core::ptr::copy_nonoverlapping((&raw const filled).cast::<u8>(), stats.cast::<u8>(), known);
        stats.cast::<u8>().add(known).write_bytes(0, size - known);
    }
    MEMTRACK_OK
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The struct as a later version may have it.
    #[repr(C)]
    struct Later {
        known: memtrack_stats_t,
        new: [u64; 3],
    }

    #[test]
    fn later_callers_get_zeros_and_nonsense_is_refused() {
        let mut later = Later { known: memtrack_stats_t::default(), new: [7; 3] };
        later.known.size = size_of::<Later>();
        let stats: *mut memtrack_stats_t = (&raw mut later).cast();
        // SAFETY: the struct has as many bytes as it says.
        unsafe {
            assert_eq!(memtrack_get_stats(stats), MEMTRACK_OK);
            assert_eq!((later.known.size, later.new), (size_of::<Later>(), [0; 3]));
            for size in [0, 8, MIN_SIZE - 1, MAX_SIZE + 1, usize::MAX] {
                (*stats).size = size;
                assert_eq!(memtrack_get_stats(stats), MEMTRACK_ERROR_SIZE, "{size}");
            }
            assert_eq!(memtrack_get_stats(core::ptr::null_mut()), MEMTRACK_ERROR_NULL);
            assert_eq!(memtrack_get_thread_stats(core::ptr::null_mut()), MEMTRACK_ERROR_NULL);
        }
    }
}
