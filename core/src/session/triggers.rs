//! Triggers of snapshots: causes other than a call of the program. They append to the file that collects snapshots.
//!
//! **Problem.** A signal may come while the interrupted code, or another thread, holds a lock that the snapshot needs. Its
//! handler must not wait for that lock.
//!
//! **Idea.** The handler stores a request, and writes the snapshot itself if no lock is held. Otherwise the request stays.
//! Code that has released a lock looks for requests, and so does the next event.
//!
//! - **Signal**: asks for a snapshot at any moment. Its default action, which may end the process, follows the snapshot.
//! - **Interval** ([`interval`]): a snapshot is due at a time. A thread of the tracker waits for it, because a program may
//!   have no events. A forked child has no thread of the tracker: to create one may need locks that threads of the parent
//!   held. There the events read the clock.
//! - **Peak**: live bytes are above a limit.
//! - **Failure**: an allocation failed.
//! - **Sandbox**: the program is about to forbid system calls to itself.

mod interval;

use super::recording::memory;
use super::{registry, snapshot_file};
use crate::os::dump_stack;
use crate::os::errno::keep_errno;
use crate::os::patience::Patience;
use crate::os::{clock, sandbox, signals};
use crate::sync::*;
use memtrack_format::Cause;

#[cfg(not(recorded_from_start))]
pub(super) use interval::threads;
pub(crate) use interval::{dump_every, write_if_due};
pub(super) use interval::{end_thread, start_thread, stop_thread};

/// A signal has asked for a snapshot that is not written yet.
static REQUESTED: AtomicBool = AtomicBool::new(false);
/// The signal whose default action follows that snapshot; 0 for none.
static DEFAULT_ACTION: AtomicU32 = AtomicU32::new(0);
/// The time of the last snapshot for a failed allocation, on the monotonic clock.
static LAST_FAILURE: AtomicU64 = AtomicU64::new(0);
const SECOND: u64 = 1_000_000_000;

/// Runs `f` on the stack for snapshots, and then writes the snapshots that signals requested during it. `None` when another
/// thread uses the stack.
pub(crate) fn on_stack<T>(patience: Patience, f: impl FnOnce() -> T) -> Option<T> {
    let result = dump_stack::run(patience, || {
        memory::end_replaced();
        f()
    });
    write_requested();
    result
}

/// In the handler of a signal: requests a snapshot, and after it the signal's default action if `acts` is true.
pub(super) fn request(signal: i32, acts: bool) {
    if acts && DEFAULT_ACTION.swap(signal as u32, SeqCst) != 0 {
        // The snapshot for an earlier signal is still not written: a part that it needs may never become free.
        return run_default_action();
    }
    REQUESTED.store(true, SeqCst);
    write_requested();
    if REQUESTED.load(SeqCst) {
        registry::all().for_each(|(_, region)| region.request_dump());
    }
}

/// Writes the snapshot that a signal has requested, unless a part that it needs is in use.
pub(crate) fn write_requested() {
    // A caller has just released such a part. The fence orders the release before the load below: either this call sees
    // the request, or the handler sees the part free.
    core::sync::atomic::fence(SeqCst);
    while REQUESTED.load(SeqCst) && registry::all().all(|(_, region)| region.is_unlocked()) {
        let write = || {
            if REQUESTED.swap(false, SeqCst) {
                append(Cause::Signal);
            }
        };
        if dump_stack::run(Patience::None, write).is_none() {
            return;
        }
        run_default_action();
    }
}

/// Runs the default action of the signal that has requested it.
fn run_default_action() {
    match DEFAULT_ACTION.swap(0, SeqCst) {
        0 => {}
        signal => signals::act_by_default(signal as i32),
    }
}

/// Called after an allocation has failed, which often ends the program. Writes at most one snapshot a second.
pub(crate) fn allocation_failed() {
    if !snapshot_file::is_set() {
        return;
    }
    let (now, last) = (clock::monotonic(), LAST_FAILURE.load(Relaxed));
    let is_due = last == 0 || now > last + SECOND;
    if is_due && LAST_FAILURE.compare_exchange(last, now, Relaxed, Relaxed).is_ok() {
        // Another thread is writing a snapshot: the next failure tries again.
        if !write(Cause::Failure) {
            LAST_FAILURE.store(last, Relaxed);
        }
    }
}

/// Appends a snapshot of each tracker, unless the snapshot at exit has begun. Returns false when another thread is writing
/// one.
pub(crate) fn write(cause: Cause) -> bool {
    on_stack(Patience::None, || append(cause)).is_some()
}

/// Appends a snapshot before a sandbox forbids the system calls that the snapshot needs.
pub(crate) fn write_before_sandbox() {
    on_stack(Patience::Seconds, || append(Cause::Sandbox));
}

/// Appends a snapshot. Runs on the stack for snapshots.
fn append(cause: Cause) {
    if !sandbox::allows_snapshots() {
        return;
    }
    // After an error the file lacks this snapshot; the next one is complete without it.
    let _ = keep_errno(|| {
        snapshot_file::append(Patience::Moment, |file| {
            if snapshot_file::is_final() {
                return Ok(());
            }
            registry::all().try_for_each(|(_, region)| region.dump(file, cause))
        })
    });
}

/// In a forked child: removes the requests, which were for the parent, and the thread, which the child does not have.
pub(super) fn forked() {
    REQUESTED.store(false, Relaxed);
    DEFAULT_ACTION.store(0, Relaxed);
    interval::forked();
}
