//! Whether memory can be read. The kernel says so, by system calls that fail where a load would fault.

use super::calls::{self, is_readable};
use super::errno::errno;

pub(crate) use super::memory::PAGE;

/// The end of the readable memory that begins at the page of `address`: the address of the first page that cannot be
/// read, or of the page after the `PAGES` pages that are probed. The start of the page of `address` when that page
/// cannot be read, or when nothing is known. Another thread may unmap pages afterwards. May change `errno`.
pub(crate) fn readable_end<const PAGES: usize>(address: usize) -> usize {
    let start = address & !(PAGE - 1);
    let mut bytes = [0u8; PAGES];
    let first_byte = |page: usize| libc::iovec {
        iov_base: start.wrapping_add(page * PAGE) as *mut libc::c_void,
        iov_len: 1,
    };
    let from: [libc::iovec; PAGES] = core::array::from_fn(first_byte);
    let pages = match usize::try_from(calls::gather(&from, &mut bytes)) {
        Ok(pages) => pages,
        Err(_) if errno() == libc::EFAULT => 0,
        // A sandbox forbids the call.
        Err(_) => one_by_one(start, PAGES),
    };
    start.saturating_add(pages * PAGE)
}

/// The number of readable pages from `start` on, of at most `pages` and 16: one call for each.
#[cold]
fn one_by_one(start: usize, pages: usize) -> usize {
    const MOST: usize = 16;
    let pages = pages.min(MOST);
    (0..pages).find(|page| !is_readable(start.wrapping_add(page * PAGE))).unwrap_or(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_stop_at_the_first_page_that_cannot_be_read() {
        // SAFETY: a new mapping of eight pages, one of which becomes unreadable.
        let base = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(core::ptr::null_mut(), 8 * PAGE, libc::PROT_READ, flags, -1, 0) as usize;
            assert_eq!(libc::mprotect((base + 5 * PAGE) as *mut _, PAGE, libc::PROT_NONE), 0);
            base
        };
        assert_eq!(readable_end::<64>(base + 8), base + 5 * PAGE);
        assert_eq!(readable_end::<3>(base + 8), base + 3 * PAGE);
        assert_eq!(readable_end::<64>(base + 5 * PAGE + 8), base + 5 * PAGE);
        assert_eq!((one_by_one(base, 64), one_by_one(base, 3), one_by_one(base + 5 * PAGE, 8)), (5, 3, 0));
        assert!(is_readable(base) && !is_readable(base + 5 * PAGE) && !is_readable(0));
        // SAFETY: the mapping was made above.
        unsafe { libc::munmap(base as *mut _, 8 * PAGE) };
    }
}
