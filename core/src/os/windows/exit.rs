//! The end of the program.
//!
//! There are two ways to end:
//!
//! - *The C library's `exit`*, also behind `main`. An exit handler that is registered at the program's start runs after those
//!   of the program. Other threads run on meanwhile.
//! - *`ExitProcess`*, also behind the C library's `exit`. The system ends all other threads, wherever they are, and then
//!   reports [the end](super::detach) of the process.

use super::system::atexit;
use crate::os::callbacks::callbacks;
use crate::os::dump_stack;
use crate::sync::*;

/// Whether the callback at exit is requested.
static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Requests [`Callbacks::exit`](crate::os::Callbacks) for the end of the program, not for `TerminateProcess`. The function
/// may be called more than once. At the program's start.
pub(crate) fn request() {
    REQUESTED.store(true, Release);
    // SAFETY: the handler has the right signature, and its code stays loaded.
    unsafe { atexit(ended) };
}

extern "C" fn ended() {
    if let Some(callbacks) = callbacks().filter(|_| REQUESTED.load(Acquire)) {
        (callbacks.exit)();
    }
}

/// The process ends, and has one thread. May be called more than once.
pub(super) fn at_end() {
    // Another thread may have ended in the middle of a snapshot.
    dump_stack::free();
    ended();
}
