//! Memory of an ARM target, simulated on a host for tests and fuzzers. A host's words are longer: a stack has one word of the
//! host for each word of the target.

use core::cell::Cell;

use crate::unwind::Memory;
#[cfg(fuzzing)]
use crate::unwind::{End, Frames};

/// The address of the index in the target.
pub const INDEX: u32 = 0x8000;
/// The address of the stack in the target, and of the process stack within it.
pub const STACK: u32 = 0x2000_0000;
pub(super) const PROCESS_STACK: u32 = STACK + 4 * 64;

std::thread_local! {
    /// Where the stack begins in the host.
    static BASE: Cell<usize> = const { Cell::new(0) };
}

/// Makes [`read`] read this stack, and returns its range in the host.
pub(super) fn lay(stack: &[usize]) -> (usize, usize) {
    let range = stack.as_ptr_range();
    BASE.set(range.start as usize);
    (range.start as usize, range.end as usize)
}

/// The target's word at one of its addresses.
pub(super) fn read(memory: &Memory<'_>, at: u32) -> Option<u32> {
    let word = (at.checked_sub(STACK)? / 4) as usize;
    memory.read(BASE.get() + word * size_of::<usize>()).map(|word| word as u32)
}

/// Walks a stack by tables of `rows` rows at [`INDEX`] and other words behind them. All other memory of the target is zero.
#[cfg(fuzzing)]
pub fn walk(
    tables: &[u32],
    rows: usize,
    [pc, sp, r7]: [u32; 3],
    stack: &[usize],
    frames: &mut Frames,
) -> End {
    std::thread_local! {
        static WORDS: core::cell::RefCell<std::vec::Vec<u32>> = const { core::cell::RefCell::new(std::vec::Vec::new()) };
    }
    WORDS.replace(tables.to_vec());
    let word = |at: u32| {
        let place = at.checked_sub(INDEX).map(|offset| offset as usize / 4);
        Some(WORDS.with_borrow(|words| place.and_then(|place| words.get(place).copied())).unwrap_or(0))
    };
    let index = tables.as_chunks().0;
    let tables = super::table::Tables { start: INDEX, index: &index[..rows.min(index.len())], word };
    let range = lay(stack);
    // The walk asks for addresses of the target.
    let prove = |at: usize| {
        (at as u64).checked_sub(STACK.into()).filter(|at| at / 4 < stack.len() as u64).map(|_| range)
    };
    let Some(memory) = Memory::at(sp as usize, &prove) else { return End::Stopped };
    super::walk::walk(super::frame::Frame::new(pc, sp, r7), tables, memory, frames)
}
