//! Pages of memory.
//!
//! - *Pages at a chosen place*: a table that grows needs address space behind it that nothing else takes.
//!   [`remote_places`] proposes addresses, and [`map`] maps pages there step by step.
//! - *Pages anywhere*: [`map_anywhere`] and [`for_unwinder`].
//! - *Memory that may not be readable*: [`copy`] and [`is_readable`] ask the system, where a load would fault.

use super::errno::keep_errno;
use super::system::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_GUARD, PAGE_NOACCESS, PAGE_READWRITE, Pages,
    ReadProcessMemory, THIS_PROCESS, VirtualAlloc, VirtualFree, VirtualProtect, VirtualQuery,
};
use core::mem::MaybeUninit;
use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};

/// The size of the smallest page of all systems, in bytes.
pub(crate) const PAGE: usize = 4096;

/// The unit in which memory is mapped, in bytes: a multiple of [`PAGE`]. All versions of the system reserve address space
/// in parts of this size.
pub(crate) fn page_size() -> usize {
    64 << 10
}

fn allocate(start: usize, len: usize) -> *mut u8 {
    // SAFETY: new pages, at a place that nothing else has.
    unsafe {
        VirtualAlloc(with_exposed_provenance_mut(start), len, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE).cast()
    }
}

/// Maps zeroed pages at exactly `start`. False when a mapping is there already, or the system refuses: then nothing
/// changes. The pages take no memory before their first use. Restores the error number.
pub(crate) fn map(start: usize, len: usize) -> bool {
    keep_errno(|| allocate(start, len).expose_provenance() == start)
}

/// Unmaps pages from one call of [`map`] or [`map_anywhere`], which nobody may use any more. Restores the error number.
pub(crate) fn unmap(start: usize, _: usize) {
    // SAFETY: the caller mapped the pages, and nobody uses them any more.
    keep_errno(|| unsafe { VirtualFree(with_exposed_provenance_mut(start), 0, MEM_RELEASE) });
}

/// Maps zeroed pages at an address of the system's choice, which it returns; `None` when the system refuses. The pages
/// take no memory before their first use. Restores the error number.
pub(crate) fn map_anywhere(len: usize) -> Option<usize> {
    let mapped = keep_errno(|| allocate(0, len));
    (!mapped.is_null()).then(|| mapped.expose_provenance())
}

/// Addresses for `len` bytes, far from all places at which the system puts mappings by its own choice. A place may be
/// taken nonetheless: [`map`] finds out.
pub(crate) fn remote_places(len: usize) -> impl Iterator<Item = usize> {
    /// The places, in 64ths of the address space. The system puts programs, stacks and heaps at its beginning and end.
    const PLACES: [usize; 4] = [20, 12, 28, 40];
    const PART: usize = 1 << (47 - 6);
    const ALIGNMENT: usize = 2 << 20;
    static HERE: u8 = 0;
    let stack = 0u8;
    // The system puts both at random addresses.
    let random = ((&raw const stack).addr() >> 4 ^ (&raw const HERE).addr() >> 12).wrapping_mul(0x9E37_79B9);
    let is_wide = PART / 8 > len;
    let places = PLACES.into_iter().filter(move |_| is_wide);
    places.map(move |place| (place * PART + random % (PART / 2)) / ALIGNMENT * ALIGNMENT)
}

/// Maps `size` zeroed bytes for an unwinder's data about one thread; null when the system refuses. Restores the error
/// number.
pub(crate) fn for_unwinder(size: usize) -> *mut u8 {
    keep_errno(|| allocate(0, size))
}

/// Unmaps memory from [`for_unwinder`]; null is ignored. Restores the error number.
///
/// # Safety
/// The memory must come from `for_unwinder`, and nobody may use it any more.
pub(crate) unsafe fn unmap_for_unwinder(memory: *mut u8) {
    if !memory.is_null() {
        // SAFETY: the caller upholds that the memory is a mapping of its own that nobody uses any more.
        keep_errno(|| unsafe { VirtualFree(memory.cast(), 0, MEM_RELEASE) });
    }
}

/// Copies memory of this process from the address `from` on; false when some of it cannot be read. Restores the error
/// number.
pub(crate) fn copy(from: usize, to: &mut [u8]) -> bool {
    let mut read = 0;
    // SAFETY: the buffer is valid for its length. The system checks the address that it reads.
    keep_errno(|| unsafe {
        let from = with_exposed_provenance(from);
        ReadProcessMemory(THIS_PROCESS, from, to.as_mut_ptr().cast(), to.len(), &raw mut read) != 0
    }) && read == to.len()
}

/// Whether the eight bytes at `address` are known to be readable. May change the error number.
pub(crate) fn is_readable(address: usize) -> bool {
    let end = address.saturating_add(8);
    readable_until(address, end) == end
}

/// The end of the readable memory that begins at `start`, at most `end`; `start` when nothing there can be read.
pub(super) fn readable_until(start: usize, end: usize) -> usize {
    let mut at = start;
    while at < end
        && let Some(pages) = pages(at).filter(is_page_readable)
    {
        at = pages.base.saturating_add(pages.size);
    }
    at.min(end)
}

fn is_page_readable(pages: &Pages) -> bool {
    pages.state == MEM_COMMIT && pages.protect & (PAGE_NOACCESS | PAGE_GUARD) == 0
}

/// The pages around an address.
pub(super) fn pages(address: usize) -> Option<Pages> {
    let mut pages = MaybeUninit::<Pages>::zeroed();
    // SAFETY: the record is valid for the call, which fills it in when it does not return 0. All-zero is a valid record.
    unsafe {
        let filled = VirtualQuery(with_exposed_provenance(address), pages.as_mut_ptr(), size_of::<Pages>());
        (filled != 0).then(|| pages.assume_init())
    }
}

/// Forbids all access to a page; the page stays as it is when the system refuses.
pub(super) fn forbid(page: *mut u8, len: usize) {
    let mut before = 0;
    // SAFETY: the caller's own page, which nobody uses.
    unsafe { VirtualProtect(page.cast(), len, PAGE_NOACCESS, &raw mut before) };
}

/// Reads words of a part of memory that may vanish meanwhile.
pub(super) fn word(address: usize) -> Option<usize> {
    let mut bytes = [0; size_of::<usize>()];
    copy(address, &mut bytes).then(|| usize::from_ne_bytes(bytes))
}

const _: () = assert!(size_of::<Pages>() == 48 && size_of::<*mut u8>() == 8, "for 64-bit Windows alone");
