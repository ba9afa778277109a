//! Snapshots at intervals.
//!
//! A thread of the tracker's own waits for them, so that a program without events gets its snapshots too. Where there can be
//! no thread, and in a forked child, events read the clock.

use super::{append, on_stack, write};
use crate::Error;
use crate::os::errno::{self, keep_errno};
use crate::os::patience::Patience;
use crate::os::wake::{self, Bell};
use crate::os::{clock, process, thread};
use crate::sync::*;
use memtrack_format::Cause;

/// Nanoseconds between snapshots; 0 for none.
static INTERVAL: AtomicU64 = AtomicU64::new(0);
/// When events write the next snapshot, by the monotonic clock; 0 when they need not.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// The process whose thread runs; 0 when there is none.
static PROCESS: AtomicU32 = AtomicU32::new(0);
/// The thread's number, once it runs.
static THREAD: AtomicU32 = AtomicU32::new(0);
/// Rings when the thread has something to look at.
static BELL: Bell = Bell::new();
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Writes a snapshot every so many nanoseconds.
pub(crate) fn dump_every(nanoseconds: u64) -> Result<(), Error> {
    const SHORTEST: u64 = 1_000_000;
    INTERVAL.store(nanoseconds.max(SHORTEST), SeqCst);
    BELL.ring();
    start()
}

/// Starts the thread, once in a process. Where there can be none, events read the clock.
fn start() -> Result<(), Error> {
    let result = if wake::is_allowed() { spawn() } else { Err(Error::Thread(errno::NOT_PERMITTED)) };
    let interval = INTERVAL.load(Relaxed);
    NEXT.store(if result.is_ok() { 0 } else { clock::monotonic() + interval }, Relaxed);
    result
}

fn spawn() -> Result<(), Error> {
    let process = process::id();
    let before = PROCESS.load(Acquire);
    if before == process || PROCESS.compare_exchange(before, process, AcqRel, Relaxed).is_err() {
        return Ok(());
    }
    THREAD.store(0, Relaxed);
    STOPPED.store(false, Relaxed);
    thread::spawn(run).map_err(|code| {
        PROCESS.store(0, Release);
        Error::Thread(code)
    })
}

fn runs() -> bool {
    PROCESS.load(Acquire) == process::id()
}

/// How many threads of the tracker's own there are.
pub(in crate::session) fn threads() -> u64 {
    u64::from(runs())
}

/// Ends the thread for good: events read the clock.
pub(in crate::session) fn end_thread() {
    if stop_thread() {
        NEXT.store(clock::monotonic() + INTERVAL.load(Relaxed), Relaxed);
    }
}

/// Ends the thread. Whether it ran; then the system has forgotten it, unless that takes seconds.
pub(in crate::session) fn stop_thread() -> bool {
    const NAPS: usize = 3000;
    const NAP_NS: u64 = 1_000_000;
    if !runs() {
        return false;
    }
    STOPPED.store(true, SeqCst);
    BELL.ring();
    keep_errno(|| {
        for _ in 0..NAPS {
            let id = THREAD.load(Acquire);
            if id != 0 && !thread::runs(id) {
                break;
            }
            clock::sleep(NAP_NS);
        }
    });
    PROCESS.store(0, Release);
    true
}

/// Starts the thread again that was stopped.
pub(in crate::session) fn start_thread() {
    // Where no thread can be made any more, events read the clock.
    let _ = keep_errno(start);
}

fn run() {
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

/// In an event: writes the snapshot that no thread waits for.
pub(crate) fn look_at_the_clock() {
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

/// The time of the snapshot after that of `next`, which is written `now`. Times that passed meanwhile are left out.
fn following(next: u64, interval: u64, now: u64) -> u64 {
    let due = next.saturating_add(interval);
    if due > now { due } else { now.saturating_add(interval) }
}

/// In a forked child, which has no thread.
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
        // On time; a little late; so late that others have passed, which are left out.
        assert_eq!(following(100, 10, 100), 110);
        assert_eq!(following(100, 10, 109), 110);
        assert_eq!(following(100, 10, 110), 120);
        assert_eq!(following(100, 10, 155), 165);
        assert_eq!(following(100, u64::MAX, 155), u64::MAX);
    }
}
