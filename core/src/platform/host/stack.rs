//! Stack bounds, proven.
//!
//! `pthread_getattr_np` allocates, and for the main thread reads `/proc/self/maps`. Instead: the high end of a
//! thread's stack is known (the thread's control block lies above its frames; the main thread's stack begins
//! below the random bytes that the kernel put there), and every page between it and the stack pointer is asked
//! for once. Memory without an unreadable page between a frame and that end is this thread's stack and stays so
//! while the frame lives: a stack has its guard page below. On any other stack (an alternate signal stack, a
//! coroutine) pages are asked for anew each time, a few of them.

use super::super::Local;
use super::calls::is_readable;
use super::{calls, keep_errno, sandbox};
use crate::sync::*;

const PAGE: usize = 4096;
/// A thread's stack is proven in steps of at most this many pages.
const MAX_STEP: usize = 16 << 10;
/// Pages above the stack pointer that are asked for on an unknown stack.
const PASSING: usize = 16;

#[inline]
pub(super) fn bounds(local: &Local, sp: usize) -> Option<(usize, usize)> {
    let (low, high) = local.bounds();
    if sp >= low && sp < high { Some((low, high)) } else { keep_errno(|| prove(local, sp)) }
}

#[cold]
fn prove(local: &Local, sp: usize) -> Option<(usize, usize)> {
    let mut high = local.stack_high.load(Relaxed);
    if high == 0 {
        high = stack_end() & !(size_of::<usize>() - 1);
        local.stack_low.store(high & !(PAGE - 1), Relaxed);
        local.stack_high.store(high, Relaxed);
    }
    let (low, start) = (local.stack_low.load(Relaxed), sp & !(PAGE - 1));
    if start < low && (low - start) / PAGE <= MAX_STEP && (start..low).step_by(PAGE).all(is_readable) {
        local.stack_low.store(start, Relaxed);
        return Some((start, high));
    }
    if sp >= low && sp < high {
        return Some((low, high));
    }
    let end = (start..).step_by(PAGE).take(PASSING).find(|&page| !is_readable(page));
    let end = end.unwrap_or(start + PASSING * PAGE);
    (end > sp).then_some((sp, end))
}

/// An address above all frames of the running thread.
fn stack_end() -> usize {
    // SAFETY: the calls only return numbers; the random bytes lie on the main thread's stack, above its frames.
    unsafe {
        if sandbox::pid() == calls::gettid() as u32 {
            libc::getauxval(libc::AT_RANDOM) as usize
        } else {
            libc::pthread_self() as usize
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> usize {
        let word = 0usize;
        core::ptr::from_ref(core::hint::black_box(&word)) as usize
    }

    fn deeper(n: usize) -> usize {
        let pad = core::hint::black_box([n; 2000]);
        if n == 0 { here() } else { deeper(n - 1) + core::hint::black_box(pad[0] - n) }
    }

    #[test]
    fn a_threads_stack_is_known_from_the_frame_to_its_end_and_grows() {
        let check = || {
            let local = Local::new();
            let (low, high) = bounds(&local, here()).unwrap();
            assert!(low <= here() && here() < high);
            let deep = deeper(5);
            let (lower, same) = bounds(&local, deep).unwrap();
            assert!(lower <= deep && lower < low && same == high);
        };
        check();
        std::thread::spawn(check).join().unwrap();
    }

    #[test]
    fn an_unknown_stack_ends_at_the_first_page_that_cannot_be_read() {
        // SAFETY: a fresh mapping of four pages, the last of which is made unreadable.
        let base = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(core::ptr::null_mut(), 4 * PAGE, libc::PROT_READ, flags, -1, 0) as usize;
            assert_eq!(libc::mprotect((base + 3 * PAGE) as *mut _, PAGE, libc::PROT_NONE), 0);
            base
        };
        assert!(is_readable(base) && !is_readable(base + 3 * PAGE) && !is_readable(0));
        let local = Local::new();
        assert_eq!(bounds(&local, base + PAGE + 64), Some((base + PAGE + 64, base + 3 * PAGE)));
        assert_eq!(bounds(&local, base + 3 * PAGE), None);
        // SAFETY: the mapping was made above.
        unsafe { libc::munmap(base as *mut _, 4 * PAGE) };
    }
}
