//! Dumps that something else than the program's code asks for: a signal, an interval, a peak, a failed allocation.
//! They are appended to the file that collects snapshots.
//!
//! A signal's handler writes the dump itself, on the tracker's own stack. When a part of the tracker that the dump needs
//! is in use (by the interrupted code or by another thread), the request stays: its user looks for requests afterwards
//! ([`serve`]), and so does the next heap event.
//!
//! Only an interval has a thread, for a program that has no events. A forked child has none, because making one may wait
//! for locks of the parent's threads: there the events look at the clock.

use crate::Error;
use crate::os::linux::sandbox::Call;
use crate::os::linux::{sandbox, signals, thread};
use crate::platform::Host;
use crate::platform::Platform;
use crate::platform::host::keep_errno;
use crate::session::dump_stack;
use crate::session::dump_stack::Patience;
use crate::session::recording::memory;
use crate::session::{forks, lifecycle, registry, snapshot_file};
use crate::sync::*;
use memtrack_format::Cause;

/// A signal asked for a dump that is not written yet.
static ASKED: AtomicBool = AtomicBool::new(false);
/// The signal whose default action follows that dump; 0 for none.
static ACTION: AtomicU32 = AtomicU32::new(0);
/// Nanoseconds between dumps; 0 for none.
static INTERVAL: AtomicU64 = AtomicU64::new(0);
/// When events write the next dump of an interval, by the monotonic clock; 0 when they need not.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// When a failed allocation was dumped last.
static FAILED: AtomicU64 = AtomicU64::new(0);
const SECOND: u64 = 1_000_000_000;

/// Runs `f` on the stack for dumps, and then writes what was asked for meanwhile. `None` when the stack is in use.
pub(crate) fn on_stack<T>(patience: Patience, f: impl FnOnce() -> T) -> Option<T> {
    forks::notice();
    let result = dump_stack::run(patience, || {
        memory::end_replaced();
        f()
    });
    serve();
    result
}

/// In a signal's handler: asks for a dump, and for the signal's default action behind it when `action` says so.
pub(crate) fn ask(signal: libc::c_int, action: bool) {
    forks::notice();
    if action && ACTION.swap(signal as u32, SeqCst) != 0 {
        // The dump does not get done: somebody holds for ever what it needs.
        return act();
    }
    ASKED.store(true, SeqCst);
    serve();
    if ASKED.load(SeqCst) {
        registry::all().for_each(|(_, region)| region.ask_for_dump());
    }
}

/// Writes the dump that a signal asked for, unless a part that it needs is in use.
pub(crate) fn serve() {
    // Whoever gives a part free sees a request that found it in use.
    core::sync::atomic::fence(SeqCst);
    while ASKED.load(SeqCst) && registry::all().all(|(_, region)| region.is_at_rest()) {
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
        signal => signals::act_by_default(signal as libc::c_int),
    }
}

/// An allocation failed: what often ends the program. Dumped at most once a second.
pub(crate) fn failed() {
    if !snapshot_file::is_set() {
        return;
    }
    let (now, last) = (Host.now_ns(), FAILED.load(Relaxed));
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
    if !sandbox::allows_dumps() {
        return;
    }
    // One that cannot be written is missing from the file; the next has everything again.
    let _ = keep_errno(|| {
        snapshot_file::append(snapshot_file::Patience::Little, |first_node, file| {
            if !lifecycle::is_ending() {
                registry::all().try_for_each(|(_, region)| region.dump(file, cause))?;
            }
            Ok(first_node)
        })
    });
}

/// Dumps every so many nanoseconds.
pub(crate) fn every(nanoseconds: u64) -> Result<(), Error> {
    INTERVAL.store(nanoseconds.max(1_000_000), SeqCst);
    waiter::wake();
    start_waiter()
}

/// Starts the thread that waits. Where there can be none, events look at the clock.
fn start_waiter() -> Result<(), Error> {
    let result = if sandbox::allows(Call::Futex) { waiter::start() } else { Err(Error::Thread(libc::EPERM)) };
    let interval = INTERVAL.load(Relaxed);
    NEXT.store(if result.is_ok() { 0 } else { Host.now_ns() + interval }, Relaxed);
    result
}

/// How many threads of its own this has.
pub(crate) fn threads() -> u64 {
    u64::from(waiter::runs())
}

/// Ends the thread for good: events look at the clock.
pub(crate) fn end_thread() {
    if waiter::stop() {
        NEXT.store(Host.now_ns() + INTERVAL.load(Relaxed), Relaxed);
    }
}

/// Runs `f`, which the system allows only to a process of one thread, without the thread of this.
pub(crate) fn without_thread<T>(f: impl FnOnce() -> T) -> T {
    let stopped = waiter::stop();
    let result = f();
    if stopped {
        // Where no thread can be made any more, events look at the clock.
        let _ = keep_errno(start_waiter);
    }
    result
}

/// An event looks at the clock: writes the dump of an interval that no thread waits for.
pub(crate) fn look_at_the_clock() {
    let next = NEXT.load(Relaxed);
    if next == 0 {
        return;
    }
    let now = Host.now_ns();
    let following = following(next, INTERVAL.load(Relaxed), now);
    if now >= next && NEXT.compare_exchange(next, following, Relaxed, Relaxed).is_ok() {
        write(Cause::Interval);
    }
}

/// When the dump comes that follows the one of `next`, which is written `now`: the times that passed meanwhile are left
/// out.
fn following(next: u64, interval: u64, now: u64) -> u64 {
    let due = next.saturating_add(interval);
    if due > now { due } else { now.saturating_add(interval) }
}

/// In a forked child: what was asked of the parent is not asked of it, and its threads are gone.
pub(crate) fn forked() {
    ASKED.store(false, Relaxed);
    ACTION.store(0, Relaxed);
    let interval = INTERVAL.load(Relaxed);
    if interval != 0 {
        NEXT.store(Host.now_ns() + interval, Relaxed);
    }
}

/// The thread that waits for an interval to pass.
mod waiter {
    use super::*;

    /// The process whose thread runs; 0 when there is none.
    static PROCESS: AtomicU32 = AtomicU32::new(0);
    /// The thread's number, once it runs.
    static ID: AtomicU32 = AtomicU32::new(0);
    /// Counts what the thread has to look at: a futex.
    static BELL: AtomicU32 = AtomicU32::new(0);
    static STOPPED: AtomicBool = AtomicBool::new(false);

    pub(crate) fn runs() -> bool {
        PROCESS.load(Acquire) == Host.process().pid
    }

    /// Starts it, once in a process.
    pub(crate) fn start() -> Result<(), Error> {
        let pid = Host.process().pid;
        let before = PROCESS.load(Acquire);
        if before == pid || PROCESS.compare_exchange(before, pid, AcqRel, Relaxed).is_err() {
            return Ok(());
        }
        ID.store(0, Relaxed);
        STOPPED.store(false, Relaxed);
        let code = thread::detached(run);
        if code != 0 {
            PROCESS.store(0, Release);
            return Err(Error::Thread(code));
        }
        Ok(())
    }

    pub(crate) fn wake() {
        BELL.fetch_add(1, SeqCst);
        // SAFETY: the word lives as long as the program; the call wakes whoever waits for it.
        keep_errno(|| unsafe {
            libc::syscall(libc::SYS_futex, &raw const BELL, libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1)
        });
    }

    /// Ends it. Whether it ran; then the system has forgotten it, unless it takes seconds for that.
    pub(crate) fn stop() -> bool {
        const NAPS: usize = 3000;
        const NAP: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        if !runs() {
            return false;
        }
        STOPPED.store(true, SeqCst);
        wake();
        keep_errno(|| {
            for _ in 0..NAPS {
                let id = ID.load(Acquire);
                // SAFETY: plain calls; signal 0 is none, it only asks for the thread. The time is valid.
                unsafe {
                    if id != 0 && libc::syscall(libc::SYS_tgkill, libc::getpid(), id, 0) != 0 {
                        break;
                    }
                    libc::nanosleep(&NAP, core::ptr::null_mut());
                }
            }
        });
        PROCESS.store(0, Release);
        true
    }

    extern "C" fn run(_: *mut libc::c_void) -> *mut libc::c_void {
        ID.store(Host.thread_id() as u32, Release);
        let (mut interval, mut next) = (0, 0);
        while !STOPPED.load(SeqCst) {
            let rung = BELL.load(SeqCst);
            let now = Host.now_ns();
            if interval != INTERVAL.load(SeqCst) {
                interval = INTERVAL.load(SeqCst);
                next = now.saturating_add(interval);
            }
            if now < next {
                wait(rung, next);
            } else {
                on_stack(Patience::Seconds, || append(Cause::Interval));
                next = following(next, interval, Host.now_ns());
            }
        }
        core::ptr::null_mut()
    }

    /// Waits until the bell rings again, or until the time `until` of the monotonic clock.
    fn wait(rung: u32, until: u64) {
        /// The wait ends at a time of the monotonic clock: no change of the wall clock moves it.
        const UNTIL: libc::c_int = libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG;
        let until = libc::timespec {
            tv_sec: (until / SECOND) as libc::time_t,
            tv_nsec: (until % SECOND) as libc::c_long,
        };
        // SAFETY: the word lives as long as the program; the time is valid.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                &raw const BELL,
                UNTIL,
                rung,
                &raw const until,
                core::ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            )
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
