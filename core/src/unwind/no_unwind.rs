//! No stacks.

use super::{End, Frames, Memory, Registers, Unwind};

/// Counters, threads, stages and tags, but no stacks: the cheapest mode.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoUnwind;

// SAFETY: it does nothing.
unsafe impl Unwind for NoUnwind {
    const NAME: &'static str = "none";
    const CAPTURES: bool = false;
    type Memo = ();

    fn walk(&self, _: Registers, _: Memory<'_>, _: Option<&mut ()>, _: &mut Frames) -> End {
        End::Complete
    }
}
