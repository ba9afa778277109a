//! The walk: from frame to frame by rules.

use super::packed::PackedRule;
use super::rule::{Rule, State, Step, Trace};
use crate::unwind::arch::plain;
use crate::unwind::{End, Frames, Generations, Memory};

/// Walks outwards from `state`, by the rules that `rule` returns, and appends the callers.
pub(in crate::unwind) fn walk(
    mut state: State,
    mut memory: Memory<'_>,
    mut rule: impl FnMut(usize) -> PackedRule,
    trace: &mut impl Trace,
    generations: &mut Generations,
    frames: &mut Frames,
) -> End {
    loop {
        let below = state.sp;
        let rule = rule(state.pc).rule();
        let interrupted = match rule.step(state, &mut memory, trace) {
            Step::Call(caller) => {
                state = caller;
                false
            }
            Step::Signal(interrupted) => {
                state = interrupted;
                true
            }
            Step::Outermost => return End::Complete,
            Step::Unknown if rule == Rule::Unknown && is_start_up(below, &memory) => return End::Complete,
            Step::Unknown => return End::Stopped,
        };
        let address = plain(state.pc);
        if address == 0 {
            return End::Complete;
        }
        // A caller's frame is outside its callee's. Behind a signal's frame the walk may be on another stack.
        if state.sp <= below && !interrupted {
            return End::Stopped;
        }
        // The address after a call may be in the next function, so a caller is named by the call itself. Interrupted code is
        // named by its own address.
        state.pc = if interrupted { address } else { address.wrapping_sub(1) };
        if let Err(end) = push(state.pc, generations, frames) {
            return end;
        }
    }
}

/// Whether a frame without a rule is that of code which starts a program or a thread. Where the C library describes none of its
/// code (musl), what is at the outer end of a stack is its start-up code.
fn is_start_up(sp: usize, memory: &Memory<'_>) -> bool {
    /// The most bytes of the frames of start-up code.
    const FRAMES: usize = 512;
    cfg!(undescribed_libc) && memory.end().saturating_sub(sp) <= FRAMES
}

/// Appends a caller. The error is how the walk ends.
#[inline(always)]
pub(in crate::unwind) fn push(
    pc: usize,
    generations: &mut Generations,
    frames: &mut Frames,
) -> Result<(), End> {
    let frame = generations.address(pc).ok_or(End::Stopped)?;
    frames.push(frame).map_err(|_| End::TooDeep)
}
