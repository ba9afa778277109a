//! The walk by tables that the fuzzer lays.

use crate::unwind::rules::find::{self, tables};
use crate::unwind::rules::rule::{Rule, State, Untraced};
use crate::unwind::rules::walk::walk as walk_by;
use crate::unwind::{End, Frames, Generations, Memory, Registers};

/// Walks from `from` by an unwind table, which begins with its index. `prove` gives the readable range around an address.
pub fn walk(
    table: &[u8],
    from: Registers,
    prove: &dyn Fn(usize) -> Option<(usize, usize)>,
    frames: &mut Frames,
) -> End {
    let table = tables::UnwindTable::laid(table.as_ptr_range());
    let Some(memory) = Memory::at(from.sp, prove, || (0, 0)) else { return End::Stopped };
    let state = State { pc: from.pc, sp: from.sp, fp: from.fp };
    let rule = |pc| find::in_module(&table, pc).unwrap_or(Rule::UNKNOWN);
    walk_by(state, memory, rule, &mut Untraced, &mut Generations::default(), frames)
}
