//! Blocks for callers that allocate during the search for the next allocator. The dynamic linker itself may be one.
//!
//! They come from a small arena that is never reused: there are only a few small blocks of this kind in a program's life.

use crate::source::Source;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const SIZE: usize = 64 << 10;
/// Bytes in front of a block. They hold its size and preserve the alignment.
const HEAD: usize = 16;

#[repr(align(16))]
struct Arena(UnsafeCell<[u8; SIZE]>);

// SAFETY: each byte is given to one block only.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; SIZE]));
static USED: AtomicUsize = AtomicUsize::new(0);

/// A block of zeroed bytes; null if the arena is full.
pub(super) fn allocate(align: usize, size: usize) -> *mut c_void {
    let align = align.max(HEAD).checked_next_power_of_two().unwrap_or(usize::MAX);
    let base = ARENA.0.get() as usize;
    let mut start = 0;
    let next = |used: usize| {
        let block = base.checked_add(used)?.checked_add(HEAD)?.checked_next_multiple_of(align)?;
        start = block - base;
        start.checked_add(size)?.checked_next_multiple_of(HEAD).filter(|&end| end <= SIZE)
    };
    if USED.fetch_update(Relaxed, Relaxed, next).is_err() {
        return null_mut();
    }
    // SAFETY: the bytes from the head on were claimed above for this call only.
    unsafe {
        let block = ARENA.0.get().cast::<u8>().add(start);
        block.sub(HEAD).cast::<usize>().write(size);
        block.cast()
    }
}

/// Whether a block lies in the arena.
#[inline]
pub(super) fn owns(block: *mut c_void) -> bool {
    (block as usize).wrapping_sub(ARENA.0.get() as usize) < SIZE
}

/// A block's size.
///
/// # Safety
/// It must be one of these.
pub(super) unsafe fn size(block: *mut c_void) -> usize {
    // SAFETY: each has its size in front.
    if owns(block) { unsafe { block.byte_sub(HEAD).cast::<usize>().read() } } else { 0 }
}

/// A block of `source` with the contents of an early block. Null if the block is not an early one.
///
/// # Safety
/// As for [`Source::resize`].
pub(super) unsafe fn resize(source: &impl Source, block: *mut c_void, to: usize) -> *mut c_void {
    if !owns(block) {
        return null_mut();
    }
    // SAFETY: both blocks have that many bytes.
    unsafe {
        let new = source.malloc(to);
        if !new.is_null() {
            new.cast::<u8>().copy_from_nonoverlapping(block.cast(), size(block).min(to));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_blocks_are_aligned_apart_and_end() {
        let mut end = 0;
        for (align, bytes) in [(0, 1), (64, 100), (0, 0), (4096, 5), (16, 16)] {
            let block = allocate(align, bytes);
            assert!(owns(block) && (block as usize).is_multiple_of(align.max(16)) && block as usize >= end);
            // SAFETY: it is one of these.
            assert_eq!(unsafe { size(block) }, bytes);
            end = block as usize + bytes;
        }
        assert!(allocate(0, SIZE).is_null() && allocate(usize::MAX, 1).is_null());
        assert!(!owns((&raw mut end).cast()) && !owns(null_mut()));
    }
}
