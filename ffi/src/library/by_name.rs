//! An allocator that calls its own functions by name.
//!
//! The problem: musl's `calloc` calls `malloc`, and its `memalign` calls `aligned_alloc`, by the names that this library
//! replaces. Each such block would come here twice.
//!
//! The idea: during the search for the allocator below, the functions of this library return early blocks. If the
//! allocator's function returns one, it called this library. Another function then takes its place.

use super::early;
use super::next::{Calloc, Memalign, Way, functions};
use core::ffi::c_void;
use core::ptr::null_mut;

/// Blocks of this size and more may be new pages, which are zero already.
const LARGE: usize = 128 << 10;
const PAGE: usize = 4096;

/// A `calloc` that calls nothing here: the given one, or one made of the allocator's `malloc`.
///
/// A block that is not an early one stays allocated. Where the program has its own `malloc`, the block comes from there, and
/// the `free` of the same allocator would not know it.
///
/// # Safety
/// The function must be the allocator's, and the search must not have ended.
pub(super) unsafe fn calloc(given: Calloc) -> Calloc {
    // SAFETY: a function of C with these arguments.
    if early::owns(unsafe { given(1, 1) }) { zeroed } else { given }
}

/// A `memalign` that calls nothing here: the given one, or the allocator's `aligned_alloc`.
///
/// # Safety
/// As for [`calloc`].
pub(super) unsafe fn memalign(given: Memalign, aligned_alloc: Option<Memalign>) -> Memalign {
    // SAFETY: as in `calloc`.
    let calls_by_name = early::owns(unsafe { given(64, 1) });
    aligned_alloc.filter(|_| calls_by_name).unwrap_or(given)
}

/// `calloc`, made of the allocator's `malloc`.
pub(super) unsafe extern "C" fn zeroed(count: usize, size: usize) -> *mut c_void {
    // No one has this function before the search has ended. A size that is too large stays too large.
    let Some(next) = functions(&Way) else { return null_mut() };
    let size = count.saturating_mul(size);
    // SAFETY: a function of C; the block has that many bytes.
    unsafe {
        let block = next.allocate(0, size, false);
        if !block.is_null() {
            clear(block.cast(), size);
        }
        block
    }
}

/// Clears memory. Pages of a large block that are zero are not written, so that they take no memory.
///
/// # Safety
/// The bytes must be the caller's.
unsafe fn clear(memory: *mut u8, size: usize) {
    if size < LARGE {
        // SAFETY: the caller upholds it.
        return unsafe { memory.write_bytes(0, size) };
    }
    // SAFETY: as above. The allocator is foreign code, so the bytes have values.
    let memory = unsafe { core::slice::from_raw_parts_mut(memory, size) };
    for page in memory.chunks_mut(PAGE) {
        if page.iter().any(|&byte| byte != 0) {
            page.fill(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_of_any_size_are_cleared() {
        for size in [0, 1, 1000, LARGE - 1, LARGE, LARGE + PAGE + 7] {
            let mut memory = vec![0u8; size + 1];
            for at in [0, size / 2, size.saturating_sub(1), size] {
                memory[at] = 7;
            }
            // SAFETY: the bytes are the vector's.
            unsafe { clear(memory.as_mut_ptr(), size) };
            assert!(memory[..size].iter().all(|&byte| byte == 0), "{size}");
            assert_eq!(memory[size], 7, "{size}");
        }
    }
}
