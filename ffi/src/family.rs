//! The `memtrack_malloc` family: functions that a program calls instead of the C library's.

use crate::source::Source;
use core::ffi::c_void;

/// Calls a function of the source that was chosen.
macro_rules! source {
    ($call:ident($($argument:expr),*)) => {
        match $crate::allocator::chosen() {
            // SAFETY: the caller upholds the function's requirements on its arguments.
            Some(own) => unsafe { own.$call($($argument),*) },
            #[cfg(library_blocks)]
            // SAFETY: as above.
            None => unsafe { $crate::library::Tracked($crate::library::Way::DEFAULT).$call($($argument),*) },
            #[cfg(aligned_blocks)]
            // SAFETY: as above.
            None => unsafe { $crate::aligned::BLOCKS.$call($($argument),*) },
            #[cfg(not(hosted))]
            // SAFETY: as above.
            None => unsafe { $crate::kernel::Otherwise.$call($($argument),*) },
        }
    };
}
#[cfg(not(aligned_blocks))]
pub(crate) use source;

/// Allocates `size` bytes, aligned for every type. The caller owns the block until `memtrack_free` or
/// `memtrack_realloc`. Returns NULL if there is no memory, and sets `errno` on targets that have it. A size of 0 behaves
/// as in the C library. Thread-safe if the allocator below it is.
///
/// On Linux the block may also be passed to `free`, but then it counts as alive for ever.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_malloc(size: usize) -> *mut c_void {
    source!(malloc(size))
}

/// Allocates `count` times `size` bytes that are zero. Otherwise like `memtrack_malloc`; it also returns NULL if the
/// product is too large.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_calloc(count: usize, size: usize) -> *mut c_void {
    source!(calloc(count, size))
}

/// Resizes a block to `size` bytes, and may move it. The bytes within both sizes stay the same. Returns NULL if there is no
/// memory: then the block is unchanged. If `block` is NULL, it allocates. A `size` of 0 behaves as in the C library.
/// Thread-safe like `memtrack_malloc`.
///
/// # Safety
/// `block` must be NULL, a live block of this family or, on Linux, of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_realloc(block: *mut c_void, size: usize) -> *mut c_void {
    source!(realloc(block, size))
}

/// Allocates `size` bytes at a multiple of `align`, a power of two; `size` need not be a multiple of it. Returns NULL if
/// there is no memory. Free the block with `memtrack_free`. Thread-safe like `memtrack_malloc`.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_aligned_alloc(align: usize, size: usize) -> *mut c_void {
    source!(memalign(align, size))
}

/// Frees a block. NULL does nothing. `errno` is unchanged. Thread-safe like `memtrack_malloc`.
///
/// # Safety
/// `block` must be NULL, a live block of this family or, on Linux, of the C library; it must not be used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_free(block: *mut c_void) {
    source!(free(block));
}
