//! The bounds of a stack in the control block of a thread, by glibc and by musl.
//!
//! The control block has words in a row: base and size of the memory block for the stack, and the size of its guard; musl has the
//! end and the size of the stack between them. Their offset differs between versions. They are found by their values, because the
//! memory block contains the control block itself.

use super::{LARGEST, WORD};
use crate::os::linux::calls;
use crate::os::linux::probe::PAGE;

/// The words of a control block that are searched. glibc's has 288 words, and the three are behind the first two
/// thirds.
const WORDS: usize = 256;
/// The size in bytes from which on a stack is plausible.
const SMALLEST: usize = 2 * PAGE;
/// The most bytes of the memory block from the control block to its end: the control block and, on some processors, the
/// thread's variables.
const ABOVE: usize = 16 << 20;

/// The bounds from the running thread's control block, whether it is the main thread or another one.
pub(super) fn of_thread(_: bool) -> Option<(usize, usize)> {
    // SAFETY: the call only returns a number.
    let control = unsafe { libc::pthread_self() as usize };
    let (end, next_page) = (control + WORDS * WORD, (control | (PAGE - 1)) + 1);
    let end = if end > next_page && !calls::is_readable(next_page) { next_page } else { end };
    let words = (end - control) / WORD;
    // SAFETY: the first page of the control block is in use, and so readable. The search ends before the second page
    // unless that is readable too. The reads are volatile, because the C library may change other words meanwhile.
    let word = |i: usize| unsafe { (control as *const usize).add(i).read_volatile() };
    (MEMBERS - 1..words)
        .find_map(|last| bounds(control, core::array::from_fn(|i| word(last + 1 + i - MEMBERS))))
}

/// The number of words in a row that say where the stack is.
const MEMBERS: usize = if cfg!(target_env = "musl") { 5 } else { 3 };

/// The bounds by the words of glibc, if they are these.
#[cfg(not(target_env = "musl"))]
fn bounds(control: usize, [base, size, guard]: [usize; MEMBERS]) -> Option<(usize, usize)> {
    // The frames are below the control block.
    (size >= SMALLEST && is_block(control, base, size, guard)).then(|| (base + guard, control))
}

/// The bounds by the words of musl, if they are these.
#[cfg(target_env = "musl")]
fn bounds(control: usize, [base, size, end, length, guard]: [usize; MEMBERS]) -> Option<(usize, usize)> {
    let low = end.checked_sub(length)?;
    let is_plausible = low >= PAGE && (SMALLEST..=LARGEST).contains(&length);
    let is_in_block = is_block(control, base, size, guard) && low == base + guard && end <= control;
    // The program's own stack, with the control block at its end, or in a memory block of its own.
    let is_programs = guard == 0
        && match base {
            0 => end <= control && control - end < PAGE && (length..length + PAGE).contains(&size),
            _ => is_block(control, base, size, guard),
        };
    (is_plausible && (is_in_block || is_programs)).then_some((low, end))
}

/// Whether a memory block with a guard contains the control block.
fn is_block(control: usize, base: usize, size: usize, guard: usize) -> bool {
    // The words may be any words of the control block: with 32 bits the sum may overflow.
    let is_around = |end: usize| (base..end).contains(&control) && end - control <= ABOVE;
    (PAGE..control).contains(&base)
        && size <= LARGEST
        && base.checked_add(size).is_some_and(is_around)
        && guard < size
        && guard.is_multiple_of(PAGE)
}
