//! Snapshots at intervals.
//!
//! - **Thread**: one of the tracker's own, which waits for the time of the next snapshot.
//! - **Events instead**: where the system allows no thread, and in a forked child, events read the clock and write the
//!   snapshot that is due.

use super::{append, on_stack, write};
use crate::Error;
use crate::limits::SHORTEST_INTERVAL_NS;
use crate::os::errno::{self, keep_errno};
use crate::os::patience::Patience;
use crate::os::wake::{self, Bell};
use crate::os::{clock, process, thread};
use crate::sync::*;
use memtrack_format::Cause;

/// Nanoseconds between two snapshots; 0 for no snapshots.
static INTERVAL: AtomicU64 = AtomicU64::new(0);
/// The time of the next snapshot that an event writes, on the monotonic clock; 0 while the thread writes them.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// The id of the process that has the thread; 0 when none has.
static PROCESS: AtomicU32 = AtomicU32::new(0);
/// The id of the thread; 0 before it runs.
static THREAD: AtomicU32 = AtomicU32::new(0);
/// Wakes the thread, when the interval has changed or the thread has to end.
static BELL: Bell = Bell::new();
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Writes a snapshot at each interval from now on.
pub(crate) fn dump_every(nanoseconds: u64) -> Result<(), Error> {
    INTERVAL.store(nanoseconds.max(SHORTEST_INTERVAL_NS), SeqCst);
    BELL.ring();
    start()
}

/// Starts the thread if it does not run. After an error events write the snapshots.
fn start() -> Result<(), Error> {
    let result = if wake::is_allowed() { spawn() } else { Err(Error::Thread(errno::NOT_PERMITTED)) };
    let interval = INTERVAL.load(Relaxed);
    NEXT.store(if result.is_ok() { 0 } else { clock::monotonic() + interval }, Relaxed);
    result
}

/// Starts the thread, at most once in a process.
fn spawn() -> Result<(), Error> {
    let process = process::id();
    let before = PROCESS.load(Acquire);
    if before == process || PROCESS.compare_exchange(before, process, AcqRel, Relaxed).is_err() {
        return Ok(());
    }
    THREAD.store(0, Relaxed);
    STOPPED.store(false, Relaxed);
    thread::spawn(write_at_intervals).map_err(|code| {
        PROCESS.store(0, Release);
        Error::Thread(code)
    })
}

/// Returns whether this process has the thread.
fn has_thread() -> bool {
    PROCESS.load(Acquire) == process::id()
}

/// Returns the number of threads of the tracker's own.
#[cfg(not(recorded_from_start))]
pub(in crate::session) fn threads() -> u64 {
    u64::from(has_thread())
}

/// Ends the thread for ever. Events write the snapshots from now on.
pub(in crate::session) fn end_thread() {
    if stop_thread() {
        NEXT.store(clock::monotonic() + INTERVAL.load(Relaxed), Relaxed);
    }
}

/// Ends the thread, and waits up to three seconds until the system does not count it any more. Returns whether there was
/// one.
pub(in crate::session) fn stop_thread() -> bool {
    const NAPS: usize = 3000;
    const NAP_NS: u64 = 1_000_000;
    if !has_thread() {
        return false;
    }
    STOPPED.store(true, SeqCst);
    BELL.ring();
    keep_errno(|| {
        for _ in 0..NAPS {
            let id = THREAD.load(Acquire);
            if id != 0 && !thread::is_running(id) {
                break;
            }
            clock::sleep(NAP_NS);
        }
    });
    PROCESS.store(0, Release);
    true
}

/// Starts the thread again after [`stop_thread`].
pub(in crate::session) fn start_thread() {
    // After an error events write the snapshots.
    let _ = keep_errno(start);
}

/// The code of the thread.
fn write_at_intervals() {
    THREAD.store(thread::id() as u32, Release);
    let (mut interval, mut next) = (0, 0);
    while !STOPPED.load(SeqCst) {
        let rung = BELL.rung();
        let now = clock::monotonic();
        if interval != INTERVAL.load(SeqCst) {
            interval = INTERVAL.load(SeqCst);
            next = now.saturating_add(interval);
        }
        if now < next {
            BELL.wait(rung, next);
        } else {
            on_stack(Patience::Seconds, || append(Cause::Interval));
            next = following(next, interval, clock::monotonic());
        }
    }
}

/// In an event: writes the snapshot if it is due and there is no thread.
pub(crate) fn write_if_due() {
    let next = NEXT.load(Relaxed);
    if next == 0 {
        return;
    }
    let now = clock::monotonic();
    let following = following(next, INTERVAL.load(Relaxed), now);
    if now >= next && NEXT.compare_exchange(next, following, Relaxed, Relaxed).is_ok() {
        write(Cause::Interval);
    }
}

/// Returns the time of the snapshot that follows the one due at `next` and written at `now`. Times that have passed are
/// skipped.
fn following(next: u64, interval: u64, now: u64) -> u64 {
    let due = next.saturating_add(interval);
    if due > now { due } else { now.saturating_add(interval) }
}

/// In a forked child, which has no thread: events write the snapshots.
pub(super) fn forked() {
    let interval = INTERVAL.load(Relaxed);
    if interval != 0 {
        NEXT.store(clock::monotonic() + interval, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::following;

    #[test]
    fn an_interval_goes_on_from_when_it_was_due() {
        // On time; a little late; one interval late; several intervals late.
        assert_eq!(following(100, 10, 100), 110);
        assert_eq!(following(100, 10, 109), 110);
        assert_eq!(following(100, 10, 110), 120);
        assert_eq!(following(100, 10, 155), 165);
        assert_eq!(following(100, u64::MAX, 155), u64::MAX);
    }
}
