//! The functions by which the linker replaces those of the C library: `-Wl,--wrap=malloc,--wrap=free …`.
//!
//! Each works without the others: it recognises a block from a function that is not wrapped as foreign.

use crate::family::source;
use crate::source::Source;
use core::ffi::{c_int, c_void};

/// Entry points that replace a function under the name `__wrap_…`.
macro_rules! wrap {
    ($($name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)? = $call:ident($($given:expr),*);)*) => { $(
        #[doc = concat!("`", stringify!($name), "`")]
        #[unsafe(export_name = concat!("__wrap_", stringify!($name)))]
        pub unsafe extern "C" fn $name($($argument: $kind),*) $(-> $result)? {
            source!($call($($given),*))
        }
    )* };
}

wrap! {
    malloc(size: usize) -> *mut c_void = malloc(size);
    calloc(count: usize, size: usize) -> *mut c_void = calloc(count, size);
    realloc(block: *mut c_void, size: usize) -> *mut c_void = realloc(block, size);
    reallocarray(block: *mut c_void, count: usize, size: usize) -> *mut c_void = reallocarray(block, count, size);
    free(block: *mut c_void) = free(block);
    free_sized(block: *mut c_void, _size: usize) = free(block);
    free_aligned_sized(block: *mut c_void, _align: usize, _size: usize) = free(block);
    posix_memalign(to: *mut *mut c_void, align: usize, size: usize) -> c_int = posix_memalign(to, align, size);
    aligned_alloc(align: usize, size: usize) -> *mut c_void = memalign(align, size);
    memalign(align: usize, size: usize) -> *mut c_void = memalign(align, size);
    malloc_usable_size(block: *mut c_void) -> usize = malloc_usable_size(block);
}
