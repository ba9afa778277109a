//! The `memtrack_malloc` family: what a program calls in place of the C library's functions.

use crate::source::Source;
use core::ffi::c_void;

/// Calls a function of the source that was chosen.
macro_rules! source {
    ($call:ident($($argument:expr),*)) => {
        match $crate::allocator::chosen() {
            // SAFETY: the caller says what the function asks of its arguments.
            Some(own) => unsafe { own.$call($($argument),*) },
            #[cfg(hosted)]
            // SAFETY: as above.
            None => unsafe { $crate::library::Tracked.$call($($argument),*) },
            #[cfg(not(hosted))]
            // SAFETY: as above.
            None => unsafe { $crate::board::Nothing.$call($($argument),*) },
        }
    };
}
pub(crate) use source;

/// Allocates `size` bytes, aligned for every type. The block is the caller's until `memtrack_free` or
/// `memtrack_realloc`. NULL when there is no memory, with `errno` set where there is one. A size of 0 gives what the C
/// library gives. Thread-safe where the allocator underneath is.
///
/// On hosts the block may be given to `free` as well, and then counts as alive for ever.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_malloc(size: usize) -> *mut c_void {
    source!(malloc(size))
}

/// Allocates `count` times `size` bytes that are zero. As `memtrack_malloc`; NULL also when the product is too large.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_calloc(count: usize, size: usize) -> *mut c_void {
    source!(calloc(count, size))
}

/// Resizes a block to `size` bytes, perhaps elsewhere; what both sizes have stays. NULL when there is no memory: then the
/// block is as it was. A `block` of NULL allocates. A `size` of 0 does what the C library does. Thread-safe as
/// `memtrack_malloc`.
///
/// # Safety
/// `block` must be NULL, a live block of this family or, on hosts, of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_realloc(block: *mut c_void, size: usize) -> *mut c_void {
    source!(realloc(block, size))
}

/// Allocates `size` bytes at a multiple of `align`, a power of two; `size` need not be a multiple of it. NULL when there
/// is no memory. Freed by `memtrack_free`. Thread-safe as `memtrack_malloc`.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_aligned_alloc(align: usize, size: usize) -> *mut c_void {
    source!(memalign(align, size))
}

/// Gives a block back. NULL does nothing. `errno` stays as it is. Thread-safe as `memtrack_malloc`.
///
/// # Safety
/// `block` must be NULL, a live block of this family or, on hosts, of the C library; it must not be used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_free(block: *mut c_void) {
    source!(free(block));
}
