//! Dumps that something else than the program's code asks for: a signal, an interval, a peak, a failed allocation.
//! They are appended to the file that collects snapshots.
//!
//! A signal's handler writes the dump itself, on the tracker's own stack. When a part of the tracker that the dump needs
//! is in use (by the interrupted code or by another thread), the request stays: its user looks for requests afterwards
//! ([`serve`]), and so does the next heap event.
//!
//! Only an [interval] has a thread, for a program that has no events. A forked child has none, because making one may wait
//! for locks of the parent's threads: there the events read the clock.

mod interval;

use super::recording::memory;
use super::{registry, snapshot_file};
use crate::os::dump_stack;
use crate::os::errno::keep_errno;
use crate::os::patience::Patience;
use crate::os::{clock, sandbox, signals};
use crate::sync::*;
use memtrack_format::Cause;

pub(crate) use interval::{dump_every, look_at_the_clock};
pub(super) use interval::{end_thread, start_thread, stop_thread, threads};

/// A signal asked for a dump that is not written yet.
static ASKED: AtomicBool = AtomicBool::new(false);
/// The signal whose default action follows that dump; 0 for none.
static ACTION: AtomicU32 = AtomicU32::new(0);
/// When a failed allocation was dumped last.
static FAILED: AtomicU64 = AtomicU64::new(0);
const SECOND: u64 = 1_000_000_000;

/// Runs `f` on the stack for dumps, and then writes what was asked for meanwhile. `None` when the stack is in use.
pub(crate) fn on_stack<T>(patience: Patience, f: impl FnOnce() -> T) -> Option<T> {
    let result = dump_stack::run(patience, || {
        memory::end_replaced();
        f()
    });
    serve();
    result
}

/// In a signal's handler: asks for a dump, and for the signal's default action behind it when `action` says so.
pub(super) fn ask(signal: i32, action: bool) {
    if action && ACTION.swap(signal as u32, SeqCst) != 0 {
        // The dump does not get done: somebody holds for ever what it needs.
        return act();
    }
    ASKED.store(true, SeqCst);
    serve();
    if ASKED.load(SeqCst) {
        registry::all().for_each(|(_, region)| region.request_dump());
    }
}

/// Writes the dump that a signal asked for, unless a part that it needs is in use.
pub(crate) fn serve() {
    // Whoever gives a part free sees a request that found it in use.
    core::sync::atomic::fence(SeqCst);
    while ASKED.load(SeqCst) && registry::all().all(|(_, region)| region.is_unlocked()) {
        let write = || {
            if ASKED.swap(false, SeqCst) {
                append(Cause::Signal);
            }
        };
        if dump_stack::run(Patience::None, write).is_none() {
            return;
        }
        act();
    }
}

/// Acts by the default of a signal that asked for it.
fn act() {
    match ACTION.swap(0, SeqCst) {
        0 => {}
        signal => signals::act_by_default(signal as i32),
    }
}

/// An allocation failed: what often ends the program. Dumped at most once a second.
pub(crate) fn failed() {
    if !snapshot_file::is_set() {
        return;
    }
    let (now, last) = (clock::monotonic(), FAILED.load(Relaxed));
    if (last == 0 || now > last + SECOND) && FAILED.compare_exchange(last, now, Relaxed, Relaxed).is_ok() {
        // While another snapshot is being written there is none: the next one that fails tries again.
        if !write(Cause::Failure) {
            FAILED.store(last, Relaxed);
        }
    }
}

/// Appends a snapshot of every tracker's program, unless the last one has been. False when another is being written.
pub(crate) fn write(cause: Cause) -> bool {
    on_stack(Patience::None, || append(cause)).is_some()
}

/// A filter is about to forbid the calls of a dump: appends the last snapshot.
pub(crate) fn write_before_sandbox() {
    on_stack(Patience::Seconds, || append(Cause::Sandbox));
}

/// The same, on the stack for it.
fn append(cause: Cause) {
    if !sandbox::allows_snapshots() {
        return;
    }
    // One that cannot be written is missing from the file; the next has everything again.
    let _ = keep_errno(|| {
        snapshot_file::append(Patience::Moment, |file| {
            if snapshot_file::is_final() {
                return Ok(());
            }
            registry::all().try_for_each(|(_, region)| region.dump(file, cause))
        })
    });
}

/// In a forked child: what was asked of the parent is not asked of it, and its threads are gone.
pub(super) fn forked() {
    ASKED.store(false, Relaxed);
    ACTION.store(0, Relaxed);
    interval::forked();
}
