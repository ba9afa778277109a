//! Where the running thread's own stack is: from memory that the kernel and the C library wrote, without a lock.
//!
//! `pthread_getattr_np` has the answer, but it locks, allocates, and for the main thread reads `/proc/self/maps`. The C
//! library keeps the same words in the thread's control block, at a place that differs between its versions. They are
//! found by their values: the block's base, its size and the size of its guard, of a block that contains the control block
//! itself. The main thread's stack is the kernel's: it begins below the random bytes that the kernel put there, and grows
//! into address space that the kernel keeps free of mappings.

use super::probe::PAGE;
use super::{calls, ids};

const WORD: usize = size_of::<usize>();
/// Words of a control block that are searched: glibc's has 288, its three are in the last third.
const WORDS: usize = 256;
/// Bytes of the smallest and the largest stack that are believed.
const SMALLEST: usize = 2 * PAGE;
const LARGEST: usize = 1 << 40;
/// Bytes of a block from the control block on, at most: the control block and, on some processors, the variables of the
/// thread.
const ABOVE: usize = 16 << 20;

/// The lowest address of the stack of the running thread and an address above all its frames; `None` where nothing says so,
/// as for a thread that the program made without the C library.
#[cold]
pub(crate) fn find() -> Option<(usize, usize)> {
    // SAFETY: the call only returns a number.
    let control = unsafe { libc::pthread_self() as usize };
    let is_main = ids::id() == calls::gettid() as u32;
    // First: in a forked child the main thread may run on the stack that another thread had.
    of_control_block(control).or_else(|| if is_main { of_main() } else { None })
}

fn of_control_block(control: usize) -> Option<(usize, usize)> {
    let (end, next_page) = (control + WORDS * WORD, (control | (PAGE - 1)) + 1);
    let end = if end > next_page && !calls::is_readable(next_page) { next_page } else { end };
    let words = (end - control) / WORD;
    // SAFETY: the control block's first page is readable, for it is in use, and the second one was probed.
    let word = |i: usize| unsafe { (control as *const usize).add(i).read_volatile() };
    (2..words).find_map(|i| {
        let (base, size, guard) = (word(i - 2), word(i - 1), word(i));
        let is_block = (PAGE..control).contains(&base)
            && (SMALLEST..=LARGEST).contains(&size)
            && (base..base + size).contains(&control)
            && base + size - control <= ABOVE
            && guard < size
            && guard.is_multiple_of(PAGE);
        // Frames lie below the control block.
        is_block.then(|| (base + guard, control))
    })
}

fn of_main() -> Option<(usize, usize)> {
    // SAFETY: the call only reads what the kernel left for the program.
    let random = unsafe { libc::getauxval(libc::AT_RANDOM) as usize };
    let high = random & !(WORD - 1);
    // Without a limit the kernel puts mappings far below, into the lower third of the address space.
    let most = LARGEST.min(high / 4);
    let limit = calls::stack_limit().unwrap_or(0);
    let size = usize::try_from(limit).unwrap_or(most).min(most);
    (size > 0 && high > 0).then_some((high - size, high))
}

/// Whether the running handler of a signal is on the alternate stack; `None` when that is unknown.
pub(crate) fn is_on_alternate() -> Option<bool> {
    calls::is_on_alternate_stack()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_the_library() -> (usize, usize) {
        let (mut base, mut size) = (core::ptr::null_mut(), 0);
        // SAFETY: the attributes are filled in before they are read, and freed once.
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
                // The control block and the thread's variables are above.
                assert!(high < end && end - high < 16 << 10, "{high:x} of {end:x}");
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
