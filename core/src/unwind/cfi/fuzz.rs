//! Walks by an unwind table that a fuzzer has made.

use crate::unwind::rules::find;
use crate::unwind::rules::rule::Untraced;
use crate::unwind::rules::walk::walk as walk_by;
use crate::unwind::{End, Frames, Generations, Memory, Registers};

/// Walks from `from` by an unwind table, which begins with its index. `prove` returns the readable range around an address.
pub fn walk(
    table: &[u8],
    from: Registers,
    prove: &dyn Fn(usize) -> Option<(usize, usize)>,
    frames: &mut Frames,
) -> End {
    let Some(memory) = Memory::at(from.sp, prove) else { return End::Stopped };
    let rule = |pc, interrupted| find::rule_in(table.as_ptr_range(), pc, interrupted);
    walk_by(from.into(), true, memory, rule, &mut Untraced, &mut Generations::default(), frames)
}
