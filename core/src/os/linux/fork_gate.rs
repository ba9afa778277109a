//! A fork while a recording runs: the parent waits with its next event until the child has memory of its own.
//!
//! Both see a page of memory by which the child says so: no descriptor, which the program could close.

use super::errno::{errno, keep_errno, set_errno};
use crate::sync::*;
use core::cell::Cell;
use core::ptr::null_mut;

/// The longest that a parent waits: some gigabytes of tables.
const PATIENCE_NS: u64 = 2_000_000_000;
/// How often it looks whether the child still lives.
const LOOK_NS: u64 = 10_000_000;

/// What parent and child share.
#[repr(C)]
struct Gate {
    is_open: AtomicU32,
    /// The child's process id, once it has begun.
    child: AtomicU32,
}

std::thread_local! {
    static GATE: Cell<*const Gate> = const { Cell::new(core::ptr::null()) };
    /// `errno` before the fork, which is 0 meanwhile: a fork that fails says so there.
    static ERRNO: Cell<i32> = const { Cell::new(0) };
}

/// Before a fork, in the parent.
pub(crate) fn close() {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a mapping at a place of the system's choice.
    let page = keep_errno(|| unsafe { libc::mmap(null_mut(), size_of::<Gate>(), protection, flags, -1, 0) });
    if page != libc::MAP_FAILED {
        let _ = GATE.try_with(|gate| gate.set(page.cast()));
        let _ = ERRNO.try_with(|before| before.set(errno()));
        set_errno(0);
    }
}

/// Runs `f` with the gate of the fork that this thread is in, and removes it.
fn with_gate(f: impl FnOnce(&Gate)) {
    let gate = GATE.try_with(|gate| gate.replace(core::ptr::null())).unwrap_or(core::ptr::null());
    if !gate.is_null() {
        // SAFETY: `close` mapped it for this thread and its child, all-zero is a gate, and nobody uses it afterwards.
        unsafe {
            f(&*gate);
            libc::munmap(gate.cast_mut().cast(), size_of::<Gate>());
        }
    }
}

/// After a fork, or when it failed, in the parent.
pub(crate) fn wait() {
    with_gate(|gate| {
        let has_failed = errno() != 0;
        for _ in 0..PATIENCE_NS / LOOK_NS {
            if gate.is_open.load(Acquire) != 0 {
                break;
            }
            let time = libc::timespec { tv_sec: 0, tv_nsec: LOOK_NS as libc::c_long };
            futex(&gate.is_open, libc::FUTEX_WAIT, 0, &raw const time);
            let child = gate.child.load(Acquire);
            if if child == 0 { has_failed } else { has_ended(child) } {
                break;
            }
        }
        if !has_failed {
            set_errno(ERRNO.try_with(Cell::get).unwrap_or(0));
        }
    });
}

/// After a fork, in the child: `divide` gives it memory of its own, if need be.
pub(crate) fn open_behind(divide: impl FnOnce()) {
    let gate = GATE.try_with(Cell::get).unwrap_or(core::ptr::null());
    if !gate.is_null() {
        // SAFETY: as in `with_gate`, which comes below; the call only returns a number.
        unsafe { (*gate).child.store(libc::getpid() as u32, Release) };
    }
    divide();
    with_gate(|gate| {
        gate.is_open.store(1, Release);
        futex(&gate.is_open, libc::FUTEX_WAKE, i32::MAX as u32, core::ptr::null());
        set_errno(ERRNO.try_with(Cell::get).unwrap_or(0));
    });
}

/// Whether a child of this process has ended. It stays for whoever waits for it.
fn has_ended(child: u32) -> bool {
    let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the record is valid for the call, and its process id is there when the call returns 0.
    unsafe {
        let mut info: libc::siginfo_t = core::mem::zeroed();
        libc::waitid(libc::P_PID, child, &raw mut info, how) == 0 && info.si_pid() != 0
    }
}

fn futex(word: &AtomicU32, operation: libc::c_int, value: u32, time: *const libc::timespec) {
    // SAFETY: the word lives for the call, and the time is null or valid.
    unsafe { libc::syscall(libc::SYS_futex, core::ptr::from_ref(word), operation, value, time) };
}
