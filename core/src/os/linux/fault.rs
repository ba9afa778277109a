//! Faults in the memory of a recording: its file was cut off, or the file system has no room for a page.

use super::errno::keep_errno;
use crate::os::callbacks::callbacks;
use crate::sync::*;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::{MaybeUninit, zeroed};
use core::ptr::null_mut;

/// What the program had for the signal.
struct Before(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: written once, before the handler that reads it is there.
unsafe impl Sync for Before {}

static BEFORE: Before = Before(UnsafeCell::new(MaybeUninit::zeroed()));
static IS_HANDLED: AtomicBool = AtomicBool::new(false);

/// From now on faults in the memory of recordings end the recording and not the program.
pub(crate) fn handle() {
    if IS_HANDLED.swap(true, AcqRel) {
        return;
    }
    // SAFETY: the records are valid for the calls; the handler has the signature that its flags ask for, and the
    // disposition before it is written before it can run.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        libc::sigaction(libc::SIGBUS, core::ptr::null(), (*BEFORE.0.get()).as_mut_ptr());
        action.sa_sigaction = handler as *const () as libc::sighandler_t;
        // The fault may come on any stack, and again while this one is mended.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        libc::sigaction(libc::SIGBUS, &raw const action, null_mut());
    }
}

unsafe extern "C" fn handler(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes a valid record. A code above 0 says that the signal is a fault of this thread.
    let (is_fault, address) = unsafe { ((*info).si_code > 0, (*info).si_addr().addr()) };
    if !(is_fault && keep_errno(|| callbacks().is_some_and(|callbacks| (callbacks.fault)(address)))) {
        // SAFETY: as the system passed them.
        unsafe { pass_on(signal, info, context, is_fault) };
    }
}

/// Does what would have happened without the handler above.
///
/// # Safety
/// The arguments must be a signal's.
unsafe fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void, is_fault: bool) {
    type Handler = extern "C" fn(libc::c_int);
    type HandlerWithInfo = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void);
    // SAFETY: what was there before was written by `handle`. A handler has the signature that its flags tell.
    unsafe {
        let before = (*BEFORE.0.get()).assume_init_ref();
        match before.sa_sigaction {
            libc::SIG_IGN if !is_fault => {}
            // The system ignores no fault either.
            libc::SIG_DFL | libc::SIG_IGN => {
                let default: libc::sigaction = zeroed();
                libc::sigaction(signal, &raw const default, null_mut());
                // A fault comes again by itself, at the very instruction.
                if !is_fault {
                    libc::raise(signal);
                }
            }
            function => {
                let (mut mask, mut outer) = (before.sa_mask, zeroed());
                if before.sa_flags & libc::SA_NODEFER == 0 {
                    libc::sigaddset(&raw mut mask, signal);
                }
                libc::pthread_sigmask(libc::SIG_BLOCK, &raw const mask, &raw mut outer);
                if before.sa_flags & libc::SA_SIGINFO != 0 {
                    core::mem::transmute::<usize, HandlerWithInfo>(function)(signal, info, context);
                } else {
                    core::mem::transmute::<usize, Handler>(function)(signal);
                }
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const outer, null_mut());
            }
        }
    }
}
