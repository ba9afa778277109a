//! Address space for tables that take their memory as they grow: a place that nothing else comes near, and pages there.

use super::calls;
use super::errno::keep_errno;
use core::ptr::with_exposed_provenance_mut;

pub(crate) use super::calls::{copy, is_readable};

/// No page of a system is smaller.
pub(crate) const PAGE: usize = 4096;

/// Bytes of a page of this system.
pub(crate) fn page_size() -> usize {
    // SAFETY: the call only returns a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).map_or(PAGE, |size| size.max(PAGE))
}

/// Maps zeroed pages at exactly this place. False when something is there already, or the system refuses.
pub(crate) fn map(start: usize, len: usize) -> bool {
    keep_errno(|| {
        let mapped = calls::map_at(with_exposed_provenance_mut(start), len);
        if mapped.is_null() {
            return false;
        }
        let is_there = mapped.expose_provenance() == start;
        if !is_there {
            // Linux before 4.17 takes the place for a suggestion.
            // SAFETY: the pages were just mapped, and nobody knows them.
            unsafe { calls::unmap(mapped, len) };
        }
        is_there
    })
}

/// Gives back pages that [`map`] has mapped and nobody uses.
pub(crate) fn unmap(start: usize, len: usize) {
    // SAFETY: the caller says that the pages are its own.
    keep_errno(|| unsafe { calls::unmap(with_exposed_provenance_mut(start), len) });
}

/// Maps zeroed pages somewhere; `None` when the system refuses.
pub(crate) fn map_anywhere(len: usize) -> Option<usize> {
    let mapped = keep_errno(|| calls::map(len));
    (!mapped.is_null()).then(|| mapped.expose_provenance())
}

/// Places for `len` bytes that are far from everything: nothing comes to lie there by itself. None where the address space
/// is too small for that.
pub(crate) fn lonely(len: usize) -> impl Iterator<Item = usize> {
    /// The place of each, in parts of the address space. Programs and their heaps begin at two thirds of it (or at its very
    /// begin), mappings at its end, or at a third when stacks have no limit.
    const PLACES: [usize; 4] = [20, 12, 28, 8];
    const PARTS: usize = 64;
    const ALIGNMENT: usize = 2 << 20;
    static HERE: u8 = 0;
    let stack = 0u8;
    let (stack, code) = ((&raw const stack).addr(), (&raw const HERE).addr());
    // Stacks are at its end.
    let part = (stack | code).checked_next_power_of_two().unwrap_or(0) / PARTS;
    // Where the system puts programs at random, these are so, too.
    let random = (stack >> 4 ^ code >> 12).wrapping_mul(0x9E37_79B9) % (part / 2).max(1);
    let is_wide = part / 8 > len;
    let places = PLACES.into_iter().filter(move |_| is_wide);
    places.map(move |place| (place * part + random) / ALIGNMENT * ALIGNMENT)
}

/// Bytes in front of a mapping that say how long it is.
const MAP_HEAD: usize = 64;

/// The front of a mapping is made resident at once. There an unwinder keeps what it needs for each frame, all over the
/// place: one page after the other, each read first and then written, cost two faults a page and half of a thread's
/// first event.
const AT_ONCE: usize = 68 << 10;

/// Zeroed memory for what an unwinder keeps of a thread; null when there is none.
pub(crate) fn for_unwinder(size: usize) -> *mut u8 {
    let Some(length) = size.checked_add(MAP_HEAD) else { return core::ptr::null_mut() };
    let base = keep_errno(|| calls::map(length));
    if base.is_null() {
        return core::ptr::null_mut();
    }
    // Kernels before 5.14 do not know it, and make pages resident one by one.
    keep_errno(|| calls::populate(base, length.min(AT_ONCE)));
    // SAFETY: the mapping is page-aligned and longer than its head.
    unsafe {
        base.cast::<usize>().write(length);
        base.cast::<u8>().add(MAP_HEAD)
    }
}

/// Gives back what [`for_unwinder`] mapped, unless it is null.
///
/// # Safety
/// Nobody may use the memory any more.
pub(crate) unsafe fn give_back(memory: *mut u8) {
    if !memory.is_null() {
        // SAFETY: the caller upholds that the memory came from `for_unwinder` and that nobody uses it any more.
        unsafe {
            let base = memory.sub(MAP_HEAD).cast::<usize>();
            calls::unmap(base.cast(), base.read());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced() {
        let len = 4 * page_size();
        let place = lonely(len).find(|&place| map(place, len)).unwrap();
        assert!(!map(place, len) && !map(place + len - page_size(), len));
        // SAFETY: the pages were just mapped.
        unsafe { with_exposed_provenance_mut::<u8>(place + len - 1).write(1) };
        unmap(place, len);
        assert!(map(place, len), "and what was given back can be had again");
        unmap(place, len);
    }

    #[test]
    fn places_are_apart_and_there_are_none_for_what_is_too_large() {
        let places: std::vec::Vec<usize> = lonely(1 << 28).collect();
        assert_eq!(places.len(), 4);
        assert!(
            places
                .iter()
                .all(|place| places.iter().filter(|other| other.abs_diff(*place) < 1 << 28).count() == 1)
        );
        assert_eq!(lonely(usize::MAX / 2).count(), 0);
    }
}
