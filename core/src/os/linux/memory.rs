//! Address space for tables that take their memory as they grow: a place that nothing else comes near, and pages there.

use crate::os::linux::calls;
use crate::platform::host::keep_errno;
use crate::table::growth::Space;
use core::ptr::with_exposed_provenance_mut;

/// The address space of this process.
pub(crate) static SPACE: Space = Space {
    page_size,
    map,
    unmap,
    map_anywhere,
    find_lonely: |len, take| lonely(len).find(|&place| take(place)),
};

/// Bytes of a page of this system.
pub(crate) fn page_size() -> usize {
    /// No page of a system is smaller.
    const LEAST: usize = 4096;
    // SAFETY: the call only returns a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).map_or(LEAST, |size| size.max(LEAST))
}

/// Maps zeroed pages at exactly this place. False when something is there already, or the system refuses.
fn map(start: usize, len: usize) -> bool {
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
fn unmap(start: usize, len: usize) {
    // SAFETY: the caller says that the pages are its own.
    keep_errno(|| unsafe { calls::unmap(with_exposed_provenance_mut(start), len) });
}

/// Maps zeroed pages somewhere; `None` when the system refuses.
fn map_anywhere(len: usize) -> Option<usize> {
    let mapped = keep_errno(|| calls::map(len));
    (!mapped.is_null()).then(|| mapped.expose_provenance())
}

/// Places for `len` bytes that are far from everything: nothing comes to lie there by itself. None where the address space
/// is too small for that.
fn lonely(len: usize) -> impl Iterator<Item = usize> {
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
