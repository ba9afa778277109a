//! Whether the library is loaded into the program from outside, and so tracks its allocations. A program may also link the shared
//! library, for its `memtrack_…` functions.

use crate::library::environment;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

const UNDECIDED: u8 = 0;
const PLAIN: u8 = 1;
const TRACKED: u8 = 2;

static MODE: AtomicU8 = AtomicU8::new(UNDECIDED);

/// The variable that lists the libraries to load.
const VARIABLE: &[u8] = if cfg!(interposing) { b"DYLD_INSERT_LIBRARIES" } else { b"LD_PRELOAD" };

/// Whether the library is preloaded, and so tracks the program's allocations.
#[inline]
pub(crate) fn is_tracked() -> bool {
    match MODE.load(Relaxed) {
        TRACKED => true,
        PLAIN => false,
        _ => decide(),
    }
}

#[cold]
fn decide() -> bool {
    // Before the C library is initialised there is no environment to ask. Blocks from that time are foreign.
    let Ok(preloads) = environment(VARIABLE) else { return false };
    let is_us = |path: &[u8]| {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        name.starts_with(b"libmemtrack")
    };
    let named = preloads.is_some_and(|list| list.split(|&byte| byte == b':' || byte == b' ').any(is_us));
    MODE.store(if named { TRACKED } else { PLAIN }, Relaxed);
    named
}

/// Runs `f`, whose allocations do not belong to the program, in a program that is tracked.
#[cfg(preloading)]
pub(crate) fn untracked(f: fn()) {
    MODE.store(PLAIN, Relaxed);
    f();
    MODE.store(TRACKED, Relaxed);
}

/// Calls a function of the C library on a way to its allocator, counted or not.
macro_rules! source {
    ($way:expr, $call:ident($($argument:expr),*)) => {
        // SAFETY: the caller upholds the function's requirements on its arguments.
        unsafe {
            if $crate::mode::is_tracked() {
                $crate::library::Tracked($way).$call($($argument),*)
            } else {
                $crate::library::Plain($way).$call($($argument),*)
            }
        }
    };
}
pub(crate) use source;
