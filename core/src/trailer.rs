//! The block trailer: four bytes behind the user's bytes that name the block's cell.
//!
//! A trailer, not a header: the block's alignment is untouched, over-aligned blocks cost nothing extra, and
//! `alloc_zeroed` keeps its lazily zeroed pages. The low 24 bits are the cell's id; the high 8 are a check byte
//! derived from the block's address and the id, so that a program that writes past its block is noticed.

use core::alloc::Layout;

/// Bytes of a trailer.
pub(crate) const LEN: usize = 4;
/// Bits of a trailer that name a cell.
pub(crate) const CELL_BITS: u32 = 24;

/// The layout that the inner allocator is asked for. `None` when it would exceed what a layout can be.
#[inline(always)]
pub(crate) fn padded(layout: Layout) -> Option<Layout> {
    let size = padded_size(layout.size(), layout.align())?;
    // A trailer of a block with an alignment of 1 or 2 must itself be aligned to be one store.
    // SAFETY: the greater of two powers of two is one; the size is at most what `padded_size` lets pass, which is what a
    // layout of that alignment can have.
    Some(unsafe { Layout::from_size_align_unchecked(size, layout.align().max(LEN)) })
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

/// The high eight bits that go with a cell's id at an address: others when any one bit of the id is, and at most other
/// addresses.
#[inline(always)]
fn check(block: *mut u8, cell: u32) -> u32 {
    (block as usize as u32 ^ cell).wrapping_mul(FACTOR) & !CELL
}

/// The golden ratio's bits (Knuth, The Art of Computer Programming 6.4: multiplicative hashing).
const FACTOR: u32 = 0x9E37_79B1;
/// The bits of a cell's id.
const CELL: u32 = (1 << CELL_BITS) - 1;

const _: () = {
    let mut bit = 0;
    while bit < CELL_BITS {
        let step = FACTOR << bit;
        // Adding or subtracting so much changes the high bits, whatever was there.
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
pub(crate) unsafe fn write(block: *mut u8, size: usize, cell: u32) {
    // SAFETY: the caller upholds it; the place is a multiple of four from a base aligned to four.
    unsafe { place(block, size).write(check(block, cell) | cell) }
}

/// Reads the cell's id, `None` when the trailer was overwritten.
///
/// # Safety
/// As for [`place`]; the block must be alive.
#[inline]
pub(crate) unsafe fn read(block: *mut u8, size: usize) -> Option<u32> {
    // SAFETY: the caller upholds it.
    let word = unsafe { place(block, size).read() };
    let cell = word & CELL;
    (word & !CELL == check(block, cell)).then_some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            write(p, 13, 0x00ab_cdef);
            assert_eq!(read(p, 13), Some(0x00ab_cdef));
            for bit in 0..32 {
                *p.add(16).cast::<u32>() ^= 1 << bit;
                assert_eq!(read(p, 13), None, "bit {bit} flipped");
                *p.add(16).cast::<u32>() ^= 1 << bit;
            }
        }
    }
}
