//! Work with the same figures on every processor: sizes that do not depend on the width of a pointer, in a chain of
//! functions with known names.

use alloc::vec::Vec;
use core::hint::black_box;

/// Blocks that stay alive. The list has its capacity from the start, so that it never grows.
pub type Kept = Vec<Vec<u8>>;

/// The capacity of the list.
pub const ROOM: usize = 16;

#[inline(never)]
pub fn outer(kept: &mut Kept, times: usize, size: usize) {
    for _ in 0..black_box(times) {
        middle(kept, black_box(size));
    }
    inner(kept, size, true);
}

#[inline(never)]
fn middle(kept: &mut Kept, size: usize) {
    inner(kept, size / 2, false);
    let grown = grow(size);
    inner(kept, size / 4, false);
    black_box(&grown);
}

/// Resizes a block.
#[inline(never)]
fn grow(size: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(black_box(size));
    block.push(1);
    block.reserve_exact(black_box(3 * size));
    black_box(block)
}

#[inline(never)]
pub fn inner(kept: &mut Kept, size: usize, keep: bool) {
    let block: Vec<u8> = black_box(Vec::with_capacity(black_box(size)));
    if black_box(keep) && kept.len() < ROOM {
        kept.push(block);
    }
}

#[inline(never)]
pub fn recursive(kept: &mut Kept, depth: usize) {
    inner(kept, depth, true);
    if depth > 1 {
        recursive(kept, black_box(depth) - 1);
    }
    black_box(depth);
}
