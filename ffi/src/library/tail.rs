//! The tail: a block's token in the last bytes of the memory that the allocator gave.
//!
//! A tail is a word of three fields:
//!
//! - *cell*: the cell that the block is counted on;
//! - *slack*: the bytes between the end of the program's size and the tail. A slack that does not fit is stored in the word
//!   before the tail; so large a slack has room for it;
//! - *check*: bits that depend on the address and the other fields. A block that never had a tail passes the check in one of
//!   16 million cases. Then a figure is wrong; memory is not affected.

use memtrack_core::Token;

/// Bytes of a tail.
pub(super) const LEN: usize = 8;

const CELL_BITS: u32 = 24;
const SLACK_BITS: u32 = 16;
const CHECK_SHIFT: u32 = CELL_BITS + SLACK_BITS;
/// The slack is in the word before the tail.
const LONG: usize = (1 << SLACK_BITS) - 1;

/// 24 bits that differ for most other blocks and contents. They never match zeroed memory.
#[inline]
fn check(block: *const u8, low: u64, slack: usize) -> u64 {
    let mixed = (block as usize as u64 ^ low.rotate_left(24) ^ (slack as u64).rotate_left(48))
        .wrapping_add(0x9E37_79B9_7F4A_7C15)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed >> CHECK_SHIFT
}

/// Writes the tail of a block with `usable` usable bytes.
///
/// # Safety
/// Those bytes must be the caller's, and at least `LEN` more than the token's size.
#[inline]
pub(super) unsafe fn write(block: *mut u8, usable: usize, token: &Token) {
    let slack = usable - LEN - token.size();
    let low = u64::from(token.cell()) | (slack.min(LONG) as u64) << CELL_BITS;
    let word = check(block, low, slack) << CHECK_SHIFT | low;
    // SAFETY: the bytes from the token's size to `usable` belong to the tail, and no others are written.
    unsafe {
        block.add(usable - LEN).cast::<u64>().write_unaligned(word);
        if slack >= LONG {
            block.add(usable - 2 * LEN).cast::<u64>().write_unaligned(slack as u64);
        }
    }
}

/// The token of a block; `None` if it has no tail.
///
/// # Safety
/// The block must be alive, with `usable` bytes.
#[inline]
unsafe fn read(block: *const u8, usable: usize) -> Option<Token> {
    let room = usable.checked_sub(LEN)?;
    // SAFETY: the last bytes of a live block can be read.
    let word = unsafe { block.add(room).cast::<u64>().read_unaligned() };
    let low = word & ((1 << CHECK_SHIFT) - 1);
    let mut slack = (low >> CELL_BITS) as usize;
    if slack == LONG && room >= LEN {
        // SAFETY: and so can the word before, because the block has room for it.
        slack = unsafe { block.add(room - LEN).cast::<u64>().read_unaligned() } as usize;
    }
    let size = room.checked_sub(slack)?;
    let fits = word >> CHECK_SHIFT == check(block, low, slack);
    fits.then(|| Token::new(low as u32 & ((1 << CELL_BITS) - 1), size))
}

/// Whether a block has a tail.
///
/// # Safety
/// The block must be alive, with `usable` bytes.
pub(super) unsafe fn is_there(block: *const u8, usable: usize) -> bool {
    // SAFETY: the caller upholds it.
    unsafe { read(block, usable) }.is_some()
}

/// Returns the token of a block and erases the tail, because the allocator may reuse the memory for a block that gets no
/// tail of its own.
///
/// # Safety
/// The block must be alive, with `usable` bytes, and the caller's to write.
#[inline]
pub(super) unsafe fn take(block: *mut u8, usable: usize) -> Option<Token> {
    // SAFETY: the caller upholds it; a block with a tail has that many bytes.
    unsafe {
        let token = read(block, usable)?;
        block.add(usable - LEN).cast::<u64>().write_unaligned(0);
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_give_back_cell_and_size_once() {
        let mut memory = vec![0u8; 300_000];
        let block = memory.as_mut_ptr();
        for (size, usable) in
            [(0, 8), (0, 24), (13, 24), (16, 24), (100, 65_643), (100, 65_644), (5, 300_000)]
        {
            for cell in [0, 1, (1 << 24) - 1] {
                // SAFETY: all of it lies in `memory`.
                unsafe {
                    write(block, usable, &Token::new(cell, size));
                    assert!(is_there(block, usable) && !is_there(block.add(8), usable - 8));
                    assert_eq!(take(block, usable), Some(Token::new(cell, size)), "{size} of {usable}");
                    assert_eq!(take(block, usable), None);
                }
            }
        }
    }

    #[test]
    fn a_foreign_block_has_no_tail() {
        let mut memory = vec![0u8; 1 << 16];
        // Pseudo-random numbers, the same in each run.
        let mut state = 1u64;
        for byte in &mut memory {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (state >> 56) as u8;
        }
        // SAFETY: all of it lies in `memory`.
        let found = (8..memory.len()).filter(|&usable| unsafe { is_there(memory.as_ptr(), usable) }).count();
        assert_eq!(found, 0);
        // SAFETY: nothing of it is read.
        assert!((0..8).all(|usable| !unsafe { is_there(memory.as_ptr(), usable) }));
    }
}
