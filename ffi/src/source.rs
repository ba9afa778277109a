//! Where blocks come from: four things that it must do, and the functions of C made of them.

use crate::result::set_errno;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

/// `errno` when there is no memory; the same number on every system that has it.
const ENOMEM: c_int = 12;
/// `errno` for an argument that makes no sense.
const EINVAL: c_int = 22;

/// Where blocks come from.
///
/// # Safety
/// `allocate` must return null or a block of `size` bytes at that alignment that nobody else has. A `block` that is
/// handed in must be one that came from this source and is alive.
pub(crate) unsafe trait Source {
    /// A block, or null with `errno` set. An `align` of 0 asks for what suits every type of C.
    unsafe fn allocate(&self, align: usize, size: usize, zeroed: bool) -> *mut c_void;

    /// The block resized, perhaps elsewhere; null when that failed and the block is as it was.
    unsafe fn resize(&self, block: *mut c_void, size: usize) -> *mut c_void;

    /// Gives a block back. `errno` stays as it is.
    unsafe fn release(&self, block: *mut c_void);

    /// How many bytes of a block the program may use.
    unsafe fn usable(&self, block: *mut c_void) -> usize;

    /// A request failed before it was one.
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
        // SAFETY: as in `malloc`; the block is not null where it is resized.
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
        let before = crate::result::errno();
        // SAFETY: as in `malloc`.
        let block = unsafe { self.memalign(align, size) };
        // What went wrong is in the result, and only there.
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
