//! The linear memory: one range from address 0, which grows at its end and never shrinks.
//!
//! The C library takes new memory in the same way, and copes with others who do.

use core::arch::wasm32::{memory_grow, memory_size};
use core::ptr::null_mut;

/// The size of the smallest page of all systems, in bytes.
pub(crate) const PAGE: usize = 4096;
/// The size of a page of WebAssembly in bytes.
const WASM_PAGE: usize = 64 << 10;

/// The size of a page of this system in bytes: a multiple of [`PAGE`].
pub(crate) fn page_size() -> usize {
    WASM_PAGE
}

/// The address past the end of the memory. The whole memory below can be read and written.
pub(super) fn end() -> usize {
    memory_size::<0>().saturating_mul(WASM_PAGE)
}

/// Whether the byte at an address can be read.
pub(crate) fn is_readable(address: usize) -> bool {
    address < end()
}

/// Maps zeroed pages at exactly `start`. False: the memory has no gaps.
pub(crate) fn map(_: usize, _: usize) -> bool {
    false
}

/// Unmaps pages from [`map`], which nobody may use any more. The memory cannot shrink: they stay unused.
pub(crate) fn unmap(_: usize, _: usize) {}

/// Takes zeroed pages at an address of the system's choice, which it returns; `None` when the system refuses. Engines
/// reserve the pages, and take memory for them at their first use.
pub(crate) fn map_anywhere(len: usize) -> Option<usize> {
    let before = memory_grow::<0>(len.div_ceil(WASM_PAGE));
    (before != usize::MAX).then(|| before * WASM_PAGE)
}

/// Addresses for `len` bytes, far from all places at which the system puts mappings by its own choice. There are none.
pub(crate) fn remote_places(_: usize) -> impl Iterator<Item = usize> {
    core::iter::empty()
}

/// Takes `size` zeroed bytes for an unwinder's data about one thread; null when the system refuses.
pub(crate) fn for_unwinder(size: usize) -> *mut u8 {
    map_anywhere(size).map_or(null_mut(), core::ptr::with_exposed_provenance_mut)
}

/// Unmaps memory from [`for_unwinder`]; null is ignored. The memory cannot shrink: it stays unused.
///
/// # Safety
/// The memory must come from `for_unwinder`, and nobody may use it any more.
pub(crate) unsafe fn unmap_for_unwinder(_: *mut u8) {}
