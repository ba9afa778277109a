//! Dumps that something else than the program's code asks for: a signal, an interval, a peak, a failed allocation.
//! They are appended to the file that collects snapshots.
//!
//! A signal's handler only raises a flag, which the next heap event of any thread sees, and wakes a thread that does
//! nothing but wait, for a program that has no events. That thread exists only when somebody asked for such dumps.

use super::dump_file::errno;
use super::{Host, keep_errno, registry, sink, start, thread};
use crate::Error;
use crate::platform::Platform;
use crate::sync::*;
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use memtrack_format::Cause;

/// A signal came whose dump is not written yet.
static ASKED: AtomicBool = AtomicBool::new(false);
/// Nanoseconds between dumps; 0 for none.
static INTERVAL: AtomicU64 = AtomicU64::new(0);
/// The process whose waiting thread runs; 0 when there is none.
static WAITER: AtomicU32 = AtomicU32::new(0);
/// When a failed allocation was dumped last.
static FAILED: AtomicU64 = AtomicU64::new(0);
const SECOND: u64 = 1_000_000_000;

/// What wakes the waiting thread.
struct Bell(core::cell::UnsafeCell<MaybeUninit<libc::sem_t>>);

// SAFETY: a semaphore is made for use by many threads and by signal handlers.
unsafe impl Sync for Bell {}

static BELL: Bell = Bell(core::cell::UnsafeCell::new(MaybeUninit::zeroed()));

impl Bell {
    /// A semaphore that is all-zero is one of count 0 to glibc and musl: what `sem_init` makes of it.
    fn get(&self) -> *mut libc::sem_t {
        self.0.get().cast()
    }
}

/// Dumps whenever the process gets `signal`.
pub(crate) fn on_signal(signal: libc::c_int) -> Result<(), Error> {
    wait()?;
    // SAFETY: all-zero is an action without flags and mask; the handler has the right signature, and calls nothing that
    // a handler may not.
    let result = unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        action.sa_sigaction = handler as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigaction(signal, &raw const action, null_mut())
    };
    if result == 0 { Ok(()) } else { Err(Error::Signal(errno())) }
}

extern "C" fn handler(_: libc::c_int) {
    keep_errno(|| {
        ASKED.store(true, Release);
        registry::all().for_each(|(_, region)| region.ask_for_dump());
        // SAFETY: the semaphore lives as long as the program; posting it is allowed in handlers.
        unsafe { libc::sem_post(BELL.get()) };
    });
}

/// How many threads of its own this has.
pub(super) fn threads() -> u64 {
    u64::from(WAITER.load(Acquire) == Host.process().pid)
}

/// Dumps every so many nanoseconds.
pub(crate) fn every(nanoseconds: u64) -> Result<(), Error> {
    INTERVAL.store(nanoseconds.max(1_000_000), Release);
    wait()?;
    // SAFETY: as in the handler. The thread may sleep without an end.
    unsafe { libc::sem_post(BELL.get()) };
    Ok(())
}

/// Writes the dump that a signal asked for, unless another thread does.
pub(crate) fn serve() {
    if ASKED.swap(false, AcqRel) {
        write(Cause::Signal);
    }
}

/// An allocation failed: what often ends the program. Dumped at most once a second.
pub(crate) fn failed() {
    if !sink::is_set() {
        return;
    }
    let (now, last) = (Host.now_ns(), FAILED.load(Relaxed));
    if (last == 0 || now > last + SECOND) && FAILED.compare_exchange(last, now, Relaxed, Relaxed).is_ok() {
        write(Cause::Failure);
    }
}

/// Appends a snapshot of every tracker's program, unless the last one has been written.
pub(crate) fn write(cause: Cause) {
    // One that cannot be written is missing from the file; the next has everything again.
    let _ = keep_errno(|| {
        sink::append(sink::Patience::Little, |first_node, file| {
            if !start::is_ending() {
                registry::all().try_for_each(|(_, region)| region.dump(file, cause))?;
            }
            Ok(first_node)
        })
    });
}

/// In a forked child, which has no waiting thread any more.
pub(super) fn forked() {
    if WAITER.load(Relaxed) != 0 {
        // Where no thread can be made, heap events still see the flag.
        let _ = wait();
    }
}

/// Starts the thread that waits, once in a process.
fn wait() -> Result<(), Error> {
    let pid = Host.process().pid;
    let before = WAITER.load(Acquire);
    if before == pid || WAITER.compare_exchange(before, pid, AcqRel, Relaxed).is_err() {
        return Ok(());
    }
    let code = thread::detached(waiter);
    if code != 0 {
        WAITER.store(0, Release);
        return Err(Error::Thread(code));
    }
    Ok(())
}

extern "C" fn waiter(_: *mut libc::c_void) -> *mut libc::c_void {
    let mut next = 0;
    loop {
        let interval = INTERVAL.load(Acquire);
        if interval == 0 {
            // SAFETY: the semaphore lives as long as the program. Interrupted, it looks and waits again.
            unsafe { libc::sem_wait(BELL.get()) };
        } else {
            let now = Host.process().unix_ns;
            if next == 0 || next > now + interval {
                next = now + interval;
            }
            let until = libc::timespec {
                tv_sec: (next / SECOND) as libc::time_t,
                tv_nsec: (next % SECOND) as libc::c_long,
            };
            // SAFETY: as above; the time is valid.
            unsafe { libc::sem_timedwait(BELL.get(), &raw const until) };
            if Host.process().unix_ns >= next {
                next = 0;
                write(Cause::Interval);
            }
        }
        serve();
    }
}
