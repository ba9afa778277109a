//! A source of blocks: four operations, and the functions of C built on them.

use crate::error_number::set_errno;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

/// `errno` for no memory; the same number on every system that has it.
const ENOMEM: c_int = 12;
/// `errno` for an invalid argument.
const EINVAL: c_int = 22;

/// A source of blocks.
///
/// # Safety
/// `allocate` must return null, or a block of `size` bytes at that alignment that no one else uses. Callers must only pass
/// a `block` that came from this source and is alive.
#[cfg_attr(aligned_blocks, allow(dead_code, reason = "nothing replaces the C library's functions there"))]
pub(crate) unsafe trait Source {
    /// A block, or null with `errno` set. An `align` of 0 means the alignment that suits every type of C.
    unsafe fn allocate(&self, align: usize, size: usize, zeroed: bool) -> *mut c_void;

    /// Resizes a block, and may move it; null if that failed and the block is unchanged.
    unsafe fn resize(&self, block: *mut c_void, size: usize) -> *mut c_void;

    /// Frees a block. `errno` is unchanged.
    unsafe fn release(&self, block: *mut c_void);

    /// How many bytes of a block the program may use.
    unsafe fn usable(&self, block: *mut c_void) -> usize;

    /// Counts and reports a request that failed before it reached the allocator.
    fn refuse(&self) -> *mut c_void {
        crate::tracker::TRACKER.on_failure();
        set_errno(ENOMEM);
        null_mut()
    }

    #[inline(always)]
    unsafe fn malloc(&self, size: usize) -> *mut c_void {
        // SAFETY: the callers of all of these uphold the trait's contract.
        unsafe { self.allocate(0, size, false) }
    }

    #[inline(always)]
    unsafe fn calloc(&self, count: usize, size: usize) -> *mut c_void {
        match count.checked_mul(size) {
            // SAFETY: as in `malloc`.
            Some(bytes) => unsafe { self.allocate(0, bytes, true) },
            None => self.refuse(),
        }
    }

    #[inline(always)]
    unsafe fn realloc(&self, block: *mut c_void, size: usize) -> *mut c_void {
        // SAFETY: as in `malloc`; a block that is resized is not null.
        unsafe { if block.is_null() { self.malloc(size) } else { self.resize(block, size) } }
    }

    #[inline(always)]
    unsafe fn reallocarray(&self, block: *mut c_void, count: usize, size: usize) -> *mut c_void {
        match count.checked_mul(size) {
            // SAFETY: as in `malloc`.
            Some(bytes) => unsafe { self.realloc(block, bytes) },
            None => self.refuse(),
        }
    }

    #[inline(always)]
    unsafe fn free(&self, block: *mut c_void) {
        if !block.is_null() {
            // SAFETY: as in `malloc`.
            unsafe { self.release(block) }
        }
    }

    #[inline(always)]
    unsafe fn memalign(&self, align: usize, size: usize) -> *mut c_void {
        // SAFETY: as in `malloc`.
        unsafe { self.allocate(align.max(1), size, false) }
    }

    #[inline(always)]
    unsafe fn posix_memalign(&self, to: *mut *mut c_void, align: usize, size: usize) -> c_int {
        if to.is_null() || !align.is_power_of_two() || !align.is_multiple_of(size_of::<usize>()) {
            return EINVAL;
        }
        let before = crate::error_number::errno();
        // SAFETY: as in `malloc`.
        let block = unsafe { self.memalign(align, size) };
        // Only the result reports a failure; `errno` does not.
        set_errno(before);
        if block.is_null() {
            return ENOMEM;
        }
        // SAFETY: `to` is not null, and the caller's to write.
        unsafe { to.write(block) };
        0
    }

    #[inline(always)]
    unsafe fn malloc_usable_size(&self, block: *mut c_void) -> usize {
        // SAFETY: as in `malloc`.
        if block.is_null() { 0 } else { unsafe { self.usable(block) } }
    }
}
