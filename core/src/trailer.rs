//! The block trailer: four bytes behind the program's bytes that name the block's cell.
//!
//! **Why no header.** A trailer leaves the block's alignment alone, costs nothing more for over-aligned blocks, and keeps the
//! lazily zeroed pages of `alloc_zeroed`.
//!
//! # Id
//! The low 24 bits: the cell.
//!
//! # Check byte
//! The high 8 bits: a hash of the block's address, the id and the salt. It is wrong when the program wrote past the block, and
//! for blocks of another allocator.
//!
//! # Salt
//! A number of the tracker. With it, the blocks of another tracker in the same process have wrong check bytes, too.

use core::alloc::Layout;
use memtrack_format::image::key::CELL_BITS;

/// Bytes of a trailer.
pub(crate) const LEN: usize = 4;

/// The layout with room for a trailer, for the inner allocator. `None` when it would be too large for a layout.
#[inline(always)]
pub(crate) fn padded(layout: Layout) -> Option<Layout> {
    let size = padded_size(layout.size(), layout.align())?;
    // A trailer of a block with an alignment of 1 or 2 must itself be aligned to be one store.
    // SAFETY: the greater of two powers of two is a power of two. `padded_size` returns no size that is too large for a
    // layout of that alignment.
    Some(unsafe { Layout::from_size_align_unchecked(size, layout.align().max(LEN)) })
}

/// [`padded`] for a block that exists. Padding its layout succeeded when it was allocated.
#[inline(always)]
pub(crate) fn padded_again(layout: Layout) -> Layout {
    padded(layout).unwrap_or(layout)
}

/// The size part of [`padded`], for a new size of the same alignment.
#[inline(always)]
pub(crate) fn padded_size(size: usize, align: usize) -> Option<usize> {
    let most = isize::MAX as usize - (align.max(LEN) - 1);
    if size > most - (2 * LEN - 1) {
        return None;
    }
    Some(((size + (LEN - 1)) & !(LEN - 1)) + LEN)
}

/// The trailer's place.
///
/// # Safety
/// `block` must have been allocated with the [`padded`] layout of one of `size` bytes.
#[inline]
unsafe fn place(block: *mut u8, size: usize) -> *mut u32 {
    // SAFETY: the padded layout has room for the trailer behind the rounded size, which did not overflow there.
    unsafe { block.add((size + (LEN - 1)) & !(LEN - 1)) }.cast()
}

/// The salt of a tracker: its address, which no other tracker of the process has.
#[derive(Clone, Copy)]
pub(crate) struct Salt(u32);

impl Salt {
    #[inline(always)]
    pub(crate) fn of<T>(tracker: &T) -> Salt {
        Salt(core::ptr::from_ref(tracker) as usize as u32)
    }
}

/// The check byte of a cell's id at an address, in the high eight bits. It differs when any one bit of the id differs, and at
/// most other addresses and salts.
#[inline(always)]
fn check(block: *mut u8, cell: u32, salt: Salt) -> u32 {
    (block as usize as u32).wrapping_add(cell).wrapping_add(salt.0).wrapping_mul(FACTOR) & !CELL
}

/// The golden ratio's bits (Knuth, The Art of Computer Programming 6.4: multiplicative hashing).
const FACTOR: u32 = 0x9E37_79B1;
/// The bits of a cell's id.
const CELL: u32 = (1 << CELL_BITS) - 1;

const _: () = {
    let mut bit = 0;
    while bit < CELL_BITS {
        let step = FACTOR << bit;
        // To add or subtract so much changes the high bits in any case.
        assert!(
            step >= 1 << CELL_BITS && step.wrapping_neg() >= 1 << CELL_BITS,
            "an id's bit may go unnoticed"
        );
        bit += 1;
    }
};

/// Writes the trailer.
///
/// # Safety
/// As for [`place`]; the block must be the caller's to write.
#[inline]
pub(crate) unsafe fn write(block: *mut u8, size: usize, cell: u32, salt: Salt) {
    // SAFETY: the caller owns the block, whose padded layout has room for the trailer. The place is a multiple of four bytes
    // behind a base that is aligned to four.
    unsafe { place(block, size).write(check(block, cell, salt) | cell) }
}

/// Reads the cell's id. `None` when the trailer was overwritten, or the block is another allocator's.
///
/// # Safety
/// `block` must be alive and have `size` bytes. It may have no trailer: a box may come from a library with another allocator.
#[inline]
pub(crate) unsafe fn read(block: *mut u8, size: usize, salt: Salt) -> Option<u32> {
    if meets_page(block, size) && !is_there(after(block, size)) {
        return None;
    }
    // SAFETY: the trailer is in the page of the block's last byte, or at the beginning of a page that can be read.
    unsafe { read_there(block, size, salt) }
}

/// The same where the trailer is known to be readable.
///
/// # Safety
/// As for [`read`]; the trailer must not [meet](meets_page) a page that is not.
#[inline(always)]
pub(crate) unsafe fn read_there(block: *mut u8, size: usize, salt: Salt) -> Option<u32> {
    let place = after(block, size);
    // SAFETY: the caller upholds it. Blocks of a firmware are all the tracker's, and their trailers are aligned.
    let word = unsafe { if cfg!(feature = "std") { place.read_unaligned() } else { place.read() } };
    let cell = word & CELL;
    (word & !CELL == check(block, cell, salt)).then_some(cell)
}

/// The trailer's place, if the block has a trailer.
#[inline(always)]
fn after(block: *mut u8, size: usize) -> *mut u32 {
    block.wrapping_add((size + (LEN - 1)) & !(LEN - 1)).cast()
}

/// Whether the trailer begins a page or reaches into one: then the block's bytes do not prove that it is readable. Always false
/// without an operating system.
#[inline(always)]
pub(crate) fn meets_page(block: *mut u8, size: usize) -> bool {
    // Trailers of the tracker's own blocks are aligned. Those of others may not be, and may end up to three bytes into a page.
    const NEAR: usize = LEN - 1;
    cfg!(feature = "std") && (after(block, size) as usize).wrapping_add(NEAR) & (PAGE - 1) <= 2 * NEAR
}

/// Bytes of the smallest page of any processor with pages.
const PAGE: usize = 4096;

/// Whether the memory of a trailer at the beginning of a page, or across it, is readable. A block without a trailer may end where
/// its mapping ends.
#[cfg(feature = "std")]
#[cold]
#[inline(never)]
fn is_there(place: *mut u32) -> bool {
    use crate::os::errno::keep_errno;
    use crate::os::memory;
    place.is_aligned() && keep_errno(|| memory::is_readable(place as usize))
}

#[cfg(not(feature = "std"))]
#[inline(always)]
fn is_there(_: *mut u32) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn sizes_round_up_to_four_and_leave_room_for_four() {
        for (size, align, want) in [(0, 1, 4), (1, 1, 8), (4, 4, 8), (5, 8, 12), (4093, 4096, 4100)] {
            let padded = padded(Layout::from_size_align(size, align).unwrap()).unwrap();
            assert_eq!((padded.size(), padded.align()), (want, align.max(4)));
        }
    }

    #[test]
    fn sizes_at_the_limit_are_refused_not_wrapped() {
        let max = isize::MAX as usize;
        assert_eq!(padded(Layout::from_size_align(max, 1).unwrap()), None);
        assert_eq!(padded(Layout::from_size_align(max - 4095, 4096).unwrap()), None);
        assert_eq!(padded_size(usize::MAX - 2, 1), None);
        assert!(padded(Layout::from_size_align(max - 16, 1).unwrap()).is_some());
    }

    #[test]
    fn overwritten_trailers_are_noticed() {
        let mut block = [0u32; 8];
        let p = block.as_mut_ptr().cast::<u8>();
        // SAFETY: 13 bytes round up to 16, the trailer takes four more: 20 of 32 bytes.
        unsafe {
            write(p, 13, 0x00ab_cdef, SALT);
            assert_eq!(read(p, 13, SALT), Some(0x00ab_cdef));
            for bit in 0..32 {
                *p.add(16).cast::<u32>() ^= 1 << bit;
                assert_eq!(read(p, 13, SALT), None, "bit {bit} flipped");
                *p.add(16).cast::<u32>() ^= 1 << bit;
            }
        }
    }

    const SALT: Salt = Salt(0x5555_f000);

    #[test]
    fn blocks_of_another_tracker_are_noticed() {
        let mut block = [0u32; 8];
        let p = block.as_mut_ptr().cast::<u8>();
        // As far apart as libraries are, or as two statics of one.
        let apart = (1..5000u32).flat_map(|n| [n << 12, n << 4]);
        let others: Vec<_> = apart.map(|bytes| Salt(SALT.0.wrapping_add(bytes))).collect();
        // SAFETY: as above.
        let taken = unsafe {
            write(p, 13, 7, SALT);
            others.iter().filter(|other| read(p, 13, **other).is_some()).count()
        };
        assert!(taken < others.len() / 64, "{taken} of {} would take it for their own", others.len());
    }

    #[cfg(all(feature = "std", unix))]
    #[test]
    fn a_block_that_ends_with_its_mapping_has_no_trailer() {
        let length = 4 * PAGE;
        // SAFETY: a fresh mapping of five pages, of which the last one is unmapped at once.
        let base = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let base = libc::mmap(core::ptr::null_mut(), length + PAGE, protection, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            assert_eq!(libc::munmap(base.byte_add(length), PAGE), 0);
            base.cast::<u8>()
        };
        // SAFETY: the blocks lie in the mapping; one has room for its trailer, the others end with the mapping.
        unsafe {
            write(base, length - 8, 7, SALT);
            assert_eq!(read(base, length - 8, SALT), Some(7));
            for offset in [0, 16, length - 1] {
                assert_eq!(read(base.add(offset), length - offset, SALT), None);
            }
            libc::munmap(base.cast(), length);
        }
    }
}
