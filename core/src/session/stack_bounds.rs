//! The part of a stack that can be read without a fault.
//!
//! **Problem.** The unwinder reads a stack from the stack pointer upwards. It must know where the readable part ends, at
//! every event, and the hook has no time for a system call.
//!
//! **Idea.** There are two kinds of stacks.
//!
//! - **Own stack** of a thread ([`thread_stack`]): everything from the stack pointer to the top is in use, so it is mapped.
//!   The bounds are looked up once for each thread.
//! - **Other stack**: an alternate signal stack, or that of a coroutine. It may be unmapped between two events, so each
//!   event [probes](crate::os::probe) its pages anew.

use crate::limits::PROBED_PAGES;
use crate::os::errno::keep_errno;
use crate::os::{probe, thread_stack};
use crate::platform::Local;
use crate::sync::*;

/// Returns the readable range from `sp` to the end of its stack; `None` when `sp` cannot be read.
#[inline]
pub(crate) fn bounds(local: &Local, sp: usize) -> Option<(usize, usize)> {
    let (low, high) = local.bounds();
    if sp >= low && sp < high { Some((sp, high)) } else { keep_errno(|| other(local, sp)) }
}

/// Returns the range for an `sp` that is not within the known bounds of the thread's own stack.
#[cold]
fn other(local: &Local, sp: usize) -> Option<(usize, usize)> {
    let (low, high) = own(local);
    if (low..high).contains(&sp) {
        return Some((sp, high));
    }
    let end = probe::readable_end::<PROBED_PAGES>(sp);
    (end > sp).then_some((sp, end))
}

/// Returns the bounds of the thread's own stack. The first call looks them up.
fn own(local: &Local) -> (usize, usize) {
    /// The bounds of a stack that cannot be looked up. They contain no stack pointer, and stop further attempts.
    const UNKNOWN: (usize, usize) = (1, 1);
    if local.stack_high.load(Relaxed) == 0 {
        let (low, high) = thread_stack::find().unwrap_or(UNKNOWN);
        local.set_stack(low, high);
    }
    local.bounds()
}

/// Returns whether the thread has left a call whose stack pointer was `entered`. `sp` is the stack pointer of the running
/// call.
///
/// Stacks grow downwards. A signal handler is below the code that it interrupts, by more than [`NEAR`] bytes, because the
/// frame of a signal is larger. So if `sp` is at most that far below `entered`, the running call has not interrupted the
/// other one. There are two cases:
///
/// - `sp` is near `entered`: the thread has left the other call.
/// - `sp` is far above `entered`: so it has, if both are on the thread's own stack. Otherwise a handler may run on an
///   alternate stack, or a scheduler of coroutines may have switched stacks.
#[cold]
pub(crate) fn has_left(local: &Local, entered: usize, sp: usize) -> bool {
    let is_near = sp.wrapping_sub(entered.wrapping_sub(NEAR)) <= 2 * NEAR;
    is_near
        || keep_errno(|| {
            let (low, high) = own(local);
            let own = low..high;
            // An alternate stack may be an array in a frame of the thread's own stack.
            let is_on_alternate = || thread_stack::is_on_alternate() != Some(false);
            sp > entered && own.contains(&sp) && own.contains(&entered) && !is_on_alternate()
        })
}

/// The most bytes by which the stack pointers of two events differ, when the same function allocates. The frame of a signal
/// is larger: a kilobyte at least.
const NEAR: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use crate::os::probe::PAGE;

    fn here() -> usize {
        let word = 0usize;
        core::ptr::from_ref(core::hint::black_box(&word)) as usize
    }

    fn deeper(n: usize) -> usize {
        let pad = core::hint::black_box([n; 2000]);
        if n == 0 { here() } else { deeper(n - 1) + core::hint::black_box(pad[0] - n) }
    }

    #[test]
    fn a_threads_stack_is_known_from_the_frame_to_its_top_however_deep() {
        let check = || {
            let local = Local::new();
            let (low, high) = bounds(&local, here()).unwrap();
            assert!(low <= here() && here() < high);
            let own = local.bounds();
            let deep = deeper(5);
            assert_eq!(bounds(&local, deep), Some((deep, high)));
            assert_eq!(local.bounds(), own, "the bounds do not grow");
        };
        check();
        std::thread::spawn(check).join().unwrap();
    }

    /// A thread's own stack ends where the caller's memory ends, although the memory beside it can be read.
    #[cfg(unix)]
    #[test]
    fn a_stack_without_a_guard_does_not_extend_to_its_neighbour() {
        const STACK: usize = 64 * PAGE;
        unsafe extern "C" {
            /// libc does not declare it for macOS.
            fn pthread_attr_setstack(
                attributes: *mut libc::pthread_attr_t,
                base: *mut libc::c_void,
                size: usize,
            ) -> libc::c_int;
        }
        extern "C" fn run(bounds_of: *mut libc::c_void) -> *mut libc::c_void {
            let local = Local::new();
            bounds(&local, here()).unwrap();
            // SAFETY: the pointer is to a pair of the creator's, which waits for this thread and does not use it before.
            unsafe { *bounds_of.cast::<(usize, usize)>() = local.bounds() };
            core::ptr::null_mut()
        }
        let mut own = (0usize, 0usize);
        // SAFETY: the stack is the upper part of a fresh mapping, and the thread ends before the mapping is removed.
        let base = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let base = libc::mmap(core::ptr::null_mut(), 2 * STACK, protection, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            let mut attributes = core::mem::zeroed();
            libc::pthread_attr_init(&raw mut attributes);
            pthread_attr_setstack(&raw mut attributes, base.byte_add(STACK), STACK);
            let mut thread = core::mem::zeroed::<libc::pthread_t>();
            let code =
                libc::pthread_create(&raw mut thread, &raw const attributes, run, (&raw mut own).cast());
            assert_eq!(code, 0);
            libc::pthread_join(thread, core::ptr::null_mut());
            libc::munmap(base, 2 * STACK);
            base as usize
        };
        assert_eq!(own.0, base + STACK);
        assert!((base + STACK + STACK / 2..=base + 2 * STACK).contains(&own.1), "{own:x?}");
    }

    #[test]
    fn a_call_is_left_when_a_later_one_is_no_deeper() {
        let local = Local::new();
        let here = here();
        let (low, high) = own(&local);
        assert!((low..high).contains(&here));
        // At the same height, or lower by less than a signal's frame.
        assert!(has_left(&local, here, here) && has_left(&local, here, here - 100));
        // Far above, on the thread's own stack.
        assert!(has_left(&local, here - 5000, here));
        // A handler's frames are below.
        assert!(!has_left(&local, here, here - 1000) && !has_left(&local, here, here - 50_000));
        // On another stack, whichever is higher.
        assert!(!has_left(&local, low - 5000, here) && !has_left(&local, high + 5000, here));
        assert!(!has_left(&local, low - 9000, low - 5000));
    }

    /// The alternate stack is an array in a caller's frame. So the handler's event is above the call that it interrupts.
    #[cfg(unix)]
    #[test]
    fn a_handler_on_an_alternate_stack_above_has_interrupted() {
        static SEEN: AtomicUsize = AtomicUsize::new(0);
        static INTERRUPTED: AtomicUsize = AtomicUsize::new(0);
        extern "C" fn handler(_: libc::c_int) {
            let sp = here();
            let local = Local::new();
            let left = has_left(&local, INTERRUPTED.load(Relaxed), sp);
            SEEN.store(if sp < INTERRUPTED.load(Relaxed) { 3 } else { usize::from(left) + 1 }, Relaxed);
        }
        #[inline(never)]
        fn raise() {
            INTERRUPTED.store(here(), Relaxed);
            // SAFETY: the signal has a handler.
            unsafe { libc::raise(libc::SIGURG) };
        }
        let run = || {
            let mut memory = [0u8; 64 << 10];
            let stack =
                libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
            // SAFETY: the array lives longer than it is set as a stack; the handler has the signature of its flags; all
            // records are valid for the calls.
            unsafe {
                let mut before = core::mem::zeroed();
                assert_eq!(libc::sigaltstack(&raw const stack, &raw mut before), 0);
                let mut action: libc::sigaction = core::mem::zeroed();
                action.sa_sigaction = handler as extern "C" fn(libc::c_int) as libc::sighandler_t;
                action.sa_flags = libc::SA_ONSTACK;
                assert_eq!(libc::sigaction(libc::SIGURG, &raw const action, core::ptr::null_mut()), 0);
                raise();
                libc::sigaltstack(&raw const before, core::ptr::null_mut());
            }
            core::hint::black_box(&mut memory);
        };
        std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
        assert_eq!(SEEN.load(Relaxed), 1, "2: the call counts as left; 3: the handler was not above");
    }

    #[cfg(unix)]
    #[test]
    fn another_stack_ends_at_the_first_page_that_cannot_be_read_now() {
        // SAFETY: a fresh mapping of four pages, the last of which is made unreadable.
        let base = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(core::ptr::null_mut(), 4 * PAGE, libc::PROT_READ, flags, -1, 0) as usize;
            assert_eq!(libc::mprotect((base + 3 * PAGE) as *mut _, PAGE, libc::PROT_NONE), 0);
            base
        };
        let local = Local::new();
        let sp = base + PAGE + 64;
        assert_eq!(bounds(&local, sp), Some((sp, base + 3 * PAGE)));
        assert_eq!(bounds(&local, base + 3 * PAGE), None);
        // SAFETY: the page is of the mapping made above.
        unsafe { libc::munmap((base + 2 * PAGE) as *mut _, PAGE) };
        assert_eq!(
            bounds(&local, sp),
            Some((sp, base + 2 * PAGE)),
            "pages that were readable are probed again"
        );
        // SAFETY: the mapping was made above.
        unsafe { libc::munmap(base as *mut _, 4 * PAGE) };
        assert_eq!(bounds(&local, sp), None);
    }
}
