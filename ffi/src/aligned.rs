//! Windows: the source of blocks until the program sets one.
//!
//! A library and a program may have different C libraries there, and a block must go back to the one that it came from.
//! So a block of this library has a header in front, as with an allocator of the program, and only this library may free it.

use crate::allocator::memtrack_allocator_t;
use core::ffi::c_void;
use core::ptr::null_mut;

unsafe extern "C" {
    fn _aligned_malloc(size: usize, align: usize) -> *mut c_void;
    fn _aligned_realloc(block: *mut c_void, size: usize, align: usize) -> *mut c_void;
    fn _aligned_free(block: *mut c_void);
}

/// The alignment that suits every type of C.
const NATURAL: usize = 16;

/// The C library's functions for aligned blocks.
pub(crate) static BLOCKS: memtrack_allocator_t = memtrack_allocator_t {
    size: size_of::<memtrack_allocator_t>(),
    context: null_mut(),
    allocate: Some(allocate),
    release: Some(release),
    resize: Some(resize),
};

unsafe extern "C" fn allocate(_: *mut c_void, size: usize, align: usize) -> *mut c_void {
    // SAFETY: the alignment is a power of two.
    unsafe { _aligned_malloc(size, align) }
}

unsafe extern "C" fn resize(_: *mut c_void, block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the block comes from `allocate` with this alignment: others are never resized, but copied.
    unsafe { _aligned_realloc(block, size, NATURAL) }
}

unsafe extern "C" fn release(_: *mut c_void, block: *mut c_void) {
    // SAFETY: the block comes from `allocate`.
    unsafe { _aligned_free(block) };
}
