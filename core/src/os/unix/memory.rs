//! Pages of memory.
//!
//! - *Pages at a chosen place*: a table that grows needs address space behind it that nothing else takes.
//!   [`remote_places`] proposes addresses, and [`map`] maps pages there step by step.
//! - *Pages anywhere*: [`map_anywhere`], and [`for_unwinder`] with its first pages resident.
//! - *Memory that may not be readable*: [`copy`] and [`is_readable`] ask the kernel, where a load would fault.

use super::calls;
use super::errno::keep_errno;
use core::ptr::with_exposed_provenance_mut;

#[cfg(target_os = "macos")]
pub(crate) use super::calls::copy;
pub(crate) use super::calls::is_readable;

/// The size of the smallest page of all systems, in bytes.
pub(crate) const PAGE: usize = 4096;

/// The size of a page of this system in bytes: a multiple of [`PAGE`].
pub(crate) fn page_size() -> usize {
    // SAFETY: the call only returns a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).map_or(PAGE, |size| size.max(PAGE))
}

/// Maps zeroed pages at exactly `start`. False when a mapping is there already, or the system refuses: then nothing
/// changes. The pages take no memory before their first use. Restores `errno`.
pub(crate) fn map(start: usize, len: usize) -> bool {
    keep_errno(|| {
        let mapped = calls::map_at(with_exposed_provenance_mut(start), len);
        if mapped.is_null() {
            return false;
        }
        let is_there = mapped.expose_provenance() == start;
        if !is_there {
            // macOS, and Linux before 4.17, take the address as a hint.
            // SAFETY: the pages were just mapped, and nobody else knows them.
            unsafe { calls::unmap(mapped, len) };
        }
        is_there
    })
}

/// Unmaps pages from [`map`], which nobody may use any more. Restores `errno`.
pub(crate) fn unmap(start: usize, len: usize) {
    // SAFETY: the caller mapped the pages by `map`, and nobody uses them any more.
    keep_errno(|| unsafe { calls::unmap(with_exposed_provenance_mut(start), len) });
}

/// Maps zeroed pages at an address of the system's choice, which it returns; `None` when the system refuses. The pages
/// take no memory before their first use. Restores `errno`.
pub(crate) fn map_anywhere(len: usize) -> Option<usize> {
    let mapped = keep_errno(|| calls::map(len));
    (!mapped.is_null()).then(|| mapped.expose_provenance())
}

/// Addresses for `len` bytes, far from all places at which the system puts mappings by its own choice. No item where
/// the address space is too small. A place may be taken nonetheless: [`map`] finds out.
pub(crate) fn remote_places(len: usize) -> impl Iterator<Item = usize> {
    /// The places, in 64ths of the address space. The system puts programs and their heaps at two thirds of the address
    /// space or at its start, and mappings at its end, or at one third where stacks have no limit. macOS uses the first
    /// 64th and the last quarter.
    const PLACES: [usize; 4] = [20, 12, 28, 8];
    const PARTS: usize = 64;
    /// The address space of macOS. Stacks may be at its start.
    const MACOS_SPACE: u64 = 1 << 47;
    const ALIGNMENT: usize = 2 << 20;
    static HERE: u8 = 0;
    let stack = 0u8;
    let (stack, code) = ((&raw const stack).addr(), (&raw const HERE).addr());
    let space = if cfg!(target_os = "macos") {
        MACOS_SPACE as usize
    } else {
        // The main stack is at the end of the address space, so its address has the highest bit of all.
        (stack | code).checked_next_power_of_two().unwrap_or(0)
    };
    let part = space / PARTS;
    // Where the system puts programs at random addresses, these are random as well.
    let random = (stack >> 4 ^ code >> 12).wrapping_mul(0x9E37_79B9) % (part / 2).max(1);
    let is_wide = part / 8 > len;
    let places = PLACES.into_iter().filter(move |_| is_wide);
    places.map(move |place| (place * part + random) / ALIGNMENT * ALIGNMENT)
}

/// The bytes at the start of a mapping that hold its length.
const MAP_HEAD: usize = 64;

/// Maps `size` zeroed bytes for an unwinder's data about one thread; null when the system refuses. Restores `errno`.
pub(crate) fn for_unwinder(size: usize) -> *mut u8 {
    let Some(length) = size.checked_add(MAP_HEAD) else { return core::ptr::null_mut() };
    let base = keep_errno(|| calls::map(length));
    if base.is_null() {
        return core::ptr::null_mut();
    }
    // SAFETY: the mapping is aligned to a page, writable and longer than its head.
    unsafe {
        base.cast::<usize>().write(length);
        base.cast::<u8>().add(MAP_HEAD)
    }
}

/// Unmaps memory from [`for_unwinder`]; null is ignored.
///
/// # Safety
/// The memory must come from `for_unwinder`, and nobody may use it any more.
pub(crate) unsafe fn unmap_for_unwinder(memory: *mut u8) {
    if !memory.is_null() {
        // SAFETY: the caller upholds that the memory comes from `for_unwinder`, which wrote the mapping's length into
        // its head, and that nobody uses it any more.
        unsafe {
            let base = memory.sub(MAP_HEAD).cast::<usize>();
            calls::unmap(base.cast(), base.read());
        }
    }
}

// An address space of 32 bits has no places for tables that grow.
#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced() {
        let len = 4 * page_size();
        let place = remote_places(len).find(|&place| map(place, len)).unwrap();
        assert!(!map(place, len) && !map(place + len - page_size(), len));
        // SAFETY: the pages were just mapped.
        unsafe { with_exposed_provenance_mut::<u8>(place + len - 1).write(1) };
        unmap(place, len);
        assert!(map(place, len), "unmapped pages can be mapped again");
        unmap(place, len);
    }

    #[test]
    fn places_are_apart_and_a_size_that_is_too_large_has_none() {
        let places: std::vec::Vec<usize> = remote_places(1 << 28).collect();
        assert_eq!(places.len(), 4);
        assert!(
            places
                .iter()
                .all(|place| places.iter().filter(|other| other.abs_diff(*place) < 1 << 28).count() == 1)
        );
        assert_eq!(remote_places(usize::MAX / 2).count(), 0);
    }
}
