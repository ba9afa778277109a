//! Faults in memory that a file backs.
//!
//! The problem: an access to mapped memory raises SIGBUS when another process has cut off the file, or when the file
//! system has no room for the page. The program would end because of its profiler.
//!
//! The idea: a handler of SIGBUS asks the session whether the address lies in a recording. The session then replaces
//! the memory, and the access is tried again. Every other SIGBUS goes to the program's own action.

use super::errno::keep_errno;
use super::recording_calls;
use crate::os::callbacks::callbacks;
use crate::sync::*;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::{MaybeUninit, zeroed};
use core::ptr::null_mut;

/// The program's action for SIGBUS.
struct Before(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: written once, before the handler that reads it is installed.
unsafe impl Sync for Before {}

static BEFORE: Before = Before(UnsafeCell::new(MaybeUninit::zeroed()));
static IS_HANDLED: AtomicBool = AtomicBool::new(false);

/// Calls [`Callbacks::fault`](crate::os::Callbacks) for each fault in mapped memory, from now on. Later calls do
/// nothing.
pub(crate) fn handle() {
    if IS_HANDLED.swap(true, AcqRel) {
        return;
    }
    // SAFETY: all-zero is a valid action, and both records are valid for the calls. The handler's signature fits
    // SA_SIGINFO. The program's action is written before the handler can run.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        libc::sigaction(libc::SIGBUS, core::ptr::null(), (*BEFORE.0.get()).as_mut_ptr());
        action.sa_sigaction = handler as *const () as libc::sighandler_t;
        // A fault may happen on any stack, and again while the session handles one.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        libc::sigaction(libc::SIGBUS, &raw const action, null_mut());
    }
}

unsafe extern "C" fn handler(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes a valid record. A code above 0 says that this thread has faulted: then the record has
    // an address. Where each signal of the kind has such a code, the address of one that was sent is in no recording.
    let (is_fault, address) = unsafe { ((*info).si_code > 0, (*info).si_addr().addr()) };
    if !(is_fault && keep_errno(|| callbacks().is_some_and(|callbacks| (callbacks.fault)(address)))) {
        // SAFETY: the arguments are the signal's.
        unsafe { pass_on(signal, info, context, is_fault) };
    }
}

/// Performs the program's action for the signal.
///
/// # Safety
/// The arguments must be those of a signal's handler.
unsafe fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void, is_fault: bool) {
    type Handler = extern "C" fn(libc::c_int);
    type HandlerWithInfo = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void);
    // SAFETY: `handle` has written the program's action. Its flags say which of the two signatures its handler has. The
    // sets are valid for the calls.
    unsafe {
        let before = (*BEFORE.0.get()).assume_init_ref();
        match before.sa_sigaction {
            libc::SIG_IGN if !is_fault => {}
            // The kernel does not ignore a fault either: it performs the default action.
            libc::SIG_DFL | libc::SIG_IGN => {
                let default: libc::sigaction = zeroed();
                libc::sigaction(signal, &raw const default, null_mut());
                // The faulting instruction runs again, and faults again.
                if !is_fault || recording_calls::SENT_FAULTS_HAVE_CODES {
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
