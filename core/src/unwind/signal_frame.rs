//! The frame that the kernel of macOS lays for a signal: where it stores the registers of the code that it interrupts.
//!
//! The kernel starts `_sigtramp` of the C library, which calls the program's handler. So a stack from a handler leads to a frame of
//! `_sigtramp`, and the kernel's frame begins at the stack pointer with which that function started, the *start*.
//!
//! The layout is public (xnu, `bsd/dev/arm/unix_signal.c` and `bsd/dev/i386/unix_signal.c`; the SDK's `sys/ucontext.h`):
//!
//! | aarch64: at | bytes | content |
//! |---|---|---|
//! | start | 104 | `siginfo_t` |
//! | start + 104 | 56 | the context, `ucontext_t` |
//! | start + 160 | 816 | the registers, `mcontext64` |
//!
//! On x86_64 the registers come first, at the first multiple of 8 from start + 8 on that is large enough, then `siginfo_t`, then the
//! context. How many registers there are depends on the processor.
//!
//! Nothing says that a frame is one of `_sigtramp`: on aarch64 the function has no name and no mark. So the context is recognised by
//! three of its words: the start, and the place and the size of the registers.

use super::Memory;

/// The instruction sets of macOS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    X86_64,
    Aarch64,
}

/// The one that this is compiled for.
pub(super) const HOST: Machine =
    if cfg!(target_arch = "x86_64") { Machine::X86_64 } else { Machine::Aarch64 };

/// The stack pointer with which `_sigtramp` started, by the registers in its frame. On x86_64 it has pushed its frame pointer; on
/// aarch64 it is compiled from C, and its frame pointer is two words below.
pub(super) fn start(machine: Machine, sp: usize, fp: usize) -> usize {
    match machine {
        Machine::X86_64 => sp.wrapping_add(8),
        Machine::Aarch64 => fp.wrapping_add(16),
    }
}

/// The addresses of stored registers, and of the words by which they were recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) pc: usize,
    pub(super) sp: usize,
    pub(super) fp: usize,
    pub(super) recognised_by: [usize; 3],
}

/// Bytes of `siginfo_t`.
const INFO: usize = 104;
/// The words of a context: the start (`uc_stack.ss_sp`), the size and the place of the registers.
const START: usize = 8;
const SIZE: usize = 40;
const PLACE: usize = 48;
/// Bytes of a context.
const CONTEXT: usize = 56;

/// The registers that the kernel has stored, if `start` is the stack pointer with which `_sigtramp` started.
pub(super) fn find(machine: Machine, start: usize, memory: &Memory<'_>) -> Option<Stored> {
    match machine {
        Machine::Aarch64 => {
            /// Bytes of the registers: those of the exception, the general ones, those for vectors.
            const REGISTERS: usize = 16 + 272 + 528;
            let context = start.wrapping_add(INFO);
            let place = context.wrapping_add(CONTEXT);
            let at = |offset: usize| place.wrapping_add(16 + offset);
            is_context(context, start, place, REGISTERS, memory)
                .then(|| Stored::new(context, [at(256), at(248), at(232)]))
        }
        Machine::X86_64 => {
            /// The segment of code of a program with 64 bits, which is stored with the registers. Few other words have this value.
            const CODE_SEGMENT: usize = 0x2b;
            let mut places = [8, 16].map(|distance| start.wrapping_add(distance)).into_iter();
            places.find_map(|place| {
                let at = |offset: usize| place.wrapping_add(16 + offset);
                if memory.read(at(144))? != CODE_SEGMENT {
                    return None;
                }
                // From the registers of the first processors up to more than those of today's.
                const SIZES: core::ops::Range<usize> = 712..8192;
                let context = |size: &usize| place.wrapping_add(size + INFO);
                let is_it = |size: &usize| is_context(context(size), start, place, *size, memory);
                let size = SIZES.step_by(8).find(is_it)?;
                Some(Stored::new(context(&size), [at(128), at(56), at(48)]))
            })
        }
    }
}

/// Whether the context at an address belongs to a start and to registers.
fn is_context(context: usize, start: usize, place: usize, size: usize, memory: &Memory<'_>) -> bool {
    let is = |offset: usize, value| memory.read(context.wrapping_add(offset)) == Some(value);
    is(START, start) && is(PLACE, place) && is(SIZE, size)
}

impl Stored {
    fn new(context: usize, [pc, sp, fp]: [usize; 3]) -> Stored {
        Stored { pc, sp, fp, recognised_by: [START, SIZE, PLACE].map(|offset| context.wrapping_add(offset)) }
    }
}

#[cfg(test)]
pub(super) mod simulated;
#[cfg(test)]
mod tests;
