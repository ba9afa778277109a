//! The bounds of the running thread's own stack, without a lock.
//!
//! The problem: `pthread_getattr_np` returns the bounds, but it locks and allocates, and for the main thread it reads
//! `/proc/self/maps`.
//!
//! The idea: read the memory in which the C library and the kernel have the bounds. There are two cases:
//!
//! - *A thread of the C library.* The thread's [control block](control_block) has the bounds. On Android `pthread_getattr_np` only
//!   copies them, for all threads but the main one.
//! - *The main thread.* The kernel puts its stack below the random bytes of the auxiliary vector. It grows down into
//!   address space that the kernel leaves free, up to a limit. musl's start-up code is told by how near it is to the
//!   end of a stack, so there the stack ends where the kernel began it.

#[cfg(target_os = "android")]
mod attributes;
#[cfg(not(target_os = "android"))]
mod control_block;

use super::{calls, ids, process};
#[cfg(target_os = "android")]
use attributes::of_thread;
#[cfg(not(target_os = "android"))]
use control_block::of_thread;

const WORD: usize = size_of::<usize>();
/// The size in bytes up to which a stack is plausible.
const LARGEST: usize = if WORD == 8 { 1 << 40 } else { 1 << 30 };

/// The lowest address of the running thread's stack, above its guard, and an address above all its frames. The memory
/// between the two is the thread's alone. From a frame on that is in use, up to the second address, it can be read as
/// long as the thread lives. `None` when the bounds are unknown, as for a thread that the program made without the C
/// library. May change `errno`.
#[cold]
pub(crate) fn find() -> Option<(usize, usize)> {
    let is_main = ids::id() == calls::gettid() as u32;
    // The C library comes first: in a forked child the main thread may run on the stack of another thread of the
    // parent.
    of_thread(is_main).or_else(|| if is_main { of_main() } else { None })
}

/// The bounds of the main thread's stack.
fn of_main() -> Option<(usize, usize)> {
    // SAFETY: the call only reads the auxiliary vector, which the kernel wrote for the program.
    let random = unsafe { libc::getauxval(libc::AT_RANDOM) as usize };
    let begun = if cfg!(target_env = "musl") { process::stack_begun() } else { None };
    let high = begun.filter(|begun| *begun < random).unwrap_or(random) & !(WORD - 1);
    // Where the stack has no limit, the kernel puts mappings into the lower third of the address space.
    let most = LARGEST.min(high / 4);
    let limit = calls::stack_limit().unwrap_or(0);
    let size = usize::try_from(limit).unwrap_or(most).min(most);
    (size > 0 && high > 0).then_some((high - size, high))
}

/// Whether the running thread is on its alternate signal stack; `None` when that is unknown. May change `errno`.
pub(crate) fn is_on_alternate() -> Option<bool> {
    calls::is_on_alternate_stack()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_the_library() -> (usize, usize) {
        let (mut base, mut size) = (core::ptr::null_mut(), 0);
        // SAFETY: all-zero is valid storage for attributes. The calls fill them in before they are read, and free them
        // once.
        unsafe {
            let mut attributes = core::mem::zeroed();
            assert_eq!(libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes), 0);
            libc::pthread_attr_getstack(&raw const attributes, &raw mut base, &raw mut size);
            libc::pthread_attr_destroy(&raw mut attributes);
        }
        (base as usize, base as usize + size)
    }

    #[test]
    fn a_threads_stack_is_what_the_c_library_says() {
        for size in [32 << 10, 100 << 10, 1 << 20, 64 << 20] {
            let check = move || {
                let (low, high) = find().unwrap();
                let (base, end) = by_the_library();
                assert_eq!(low, base, "of {size} bytes");
                // The control block and the thread's variables are above the bounds. musl's answer leaves them out.
                let is_above = if cfg!(target_env = "musl") { high <= end } else { high < end };
                assert!(is_above && end - high < 16 << 10, "{high:x} of {end:x}");
            };
            std::thread::Builder::new().stack_size(size).spawn(check).unwrap().join().unwrap();
        }
    }

    #[test]
    fn the_main_threads_stack_goes_down_to_its_limit() {
        let (low, high) = of_main().unwrap();
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the call fills in the limit.
        assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_STACK, &raw mut limit) }, 0);
        assert!(limit.rlim_cur == libc::RLIM_INFINITY || high - low == limit.rlim_cur as usize);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.ends_with("[stack]")).unwrap();
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let address = |text| usize::from_str_radix(text, 16).unwrap();
        assert!((address(from)..address(to)).contains(&high));
    }
}
