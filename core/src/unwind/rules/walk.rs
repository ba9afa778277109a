//! The walk: from frame to frame by rules.

use super::packed::PackedRule;
use super::rule::{Rule, State, Step, Trace};
use crate::unwind::arch::plain;
use crate::unwind::{End, Frames, Generations, Memory};

/// Walks outwards from `state`, and appends the callers. `rule` returns the rule of the code at an address. It is told whether that
/// is the address of the next instruction, as in `state` if `interrupted`, or of a call.
// Inlined into the capture of a stack, which keeps the registers of the walk in those of the processor.
#[cfg_attr(feature = "std", inline)]
pub(in crate::unwind) fn walk(
    mut state: State,
    mut interrupted: bool,
    mut memory: Memory<'_>,
    mut rule: impl FnMut(usize, bool) -> PackedRule,
    trace: &mut impl Trace,
    generations: &mut Generations,
    frames: &mut Frames,
) -> End {
    loop {
        let below = state.sp;
        let rule = rule(state.pc, interrupted).rule();
        interrupted = match rule.step(state, &mut memory, trace) {
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
        let is_inside = if rule.may_stay() { state.sp < below } else { state.sp <= below };
        if is_inside && !interrupted {
            return End::Stopped;
        }
        // The address after a call may be in the next function, so a caller is named by the call itself. Interrupted code is
        // named by its own address.
        let frame = if interrupted { address } else { address.wrapping_sub(1) };
        if let Err(end) = push(frame, generations, frames) {
            return end;
        }
        // The look-up of interrupted code needs the bit that says that it is Thumb code.
        if !(cfg!(ehabi) && interrupted) {
            state.pc = frame;
        }
    }
}

/// Whether a frame without a rule is that of code which starts a program or a thread. Where the C library does not describe this
/// code (musl, and threads of glibc on ARM), it is what is at the outer end of a stack.
fn is_start_up(sp: usize, memory: &Memory<'_>) -> bool {
    /// The most bytes of the frames of start-up code. On ARM glibc leaves room for a second control block behind those of a thread.
    const FRAMES: usize = if cfg!(ehabi) { 2048 } else { 512 };
    cfg!(any(undescribed_libc, ehabi)) && memory.end().saturating_sub(sp) <= FRAMES
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

#[cfg(all(test, macos_tested))]
mod tests {
    use super::*;
    use crate::unwind::rules::rule::{CallerFp, Cfa, Untraced};
    use crate::unwind::signal_frame::HOST;
    use crate::unwind::signal_frame::simulated::{SMALLEST, Stack};

    /// A handler of macOS runs on a stack of its own, in code that was interrupted in a frame of another stack.
    #[test]
    fn a_stack_leads_through_the_start_of_a_signals_handler() {
        let (mut outer, mut inner) = (Stack::new(), Stack::new());
        let below = outer.base() + 64;
        // The interrupted function has two words and its return address on the stack.
        outer.write(below + 16, 0x3001usize);
        let start = inner.interrupt(HOST, inner.end(), SMALLEST, [0x2000, below, 0x7777]);
        let [sp, trampoline] = inner.start_handler(HOST, start, 0x7777);
        // The handler keeps the frame pointer, and has one word and its return address.
        inner.write(sp - 8, 0x1001usize);
        let ends = [&outer, &inner].map(|stack| (stack.base(), stack.end()));
        let prove = |sp| ends.into_iter().find(|(low, high)| (*low..*high).contains(&sp));
        let memory = Memory::at(inner.base(), &prove).unwrap();
        let rule = |pc, _: bool| {
            PackedRule::new(match pc {
                0x800 => Rule::frame(Cfa::Sp(2), -1, CallerFp::Same),
                0x1000 => Rule::MaybeSignal,
                0x2000 => Rule::frame(Cfa::Sp(3), -1, CallerFp::Same),
                0x3000 => Rule::Outermost,
                _ => Rule::Unknown,
            })
        };
        let from = State { pc: 0x800, sp: sp - 16, fp: trampoline };
        let mut frames = heapless::Vec::<usize, 16>::new();
        let end = walk(from, true, memory, rule, &mut Untraced, &mut Generations::default(), &mut frames);
        assert_eq!((&frames[..], end), (&[0x1000, 0x2000, 0x3000][..], End::Complete));
        // Without the kernel's frame the function is one with a frame pointer.
        inner.write(start + 8, [0usize; 60]);
        inner.write(trampoline, [0x7777usize, 0x3001]);
        let mut frames = heapless::Vec::<usize, 16>::new();
        let end = walk(from, true, memory, rule, &mut Untraced, &mut Generations::default(), &mut frames);
        assert_eq!((&frames[..], end), (&[0x1000, 0x3000][..], End::Complete));
    }
}
