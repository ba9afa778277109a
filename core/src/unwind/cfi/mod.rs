//! Unwinding by DWARF call frame information, without compiler flags, locks or memory.
//!
//! Unwinding one frame at a return address is a fixed rule ([`rule`]): found once in the module's unwind table
//! ([`find`]), then kept in a table of the thread's own ([`cache`]).

mod cache;
mod find;
mod rule;

use super::arch::plain;
use super::{End, Frames, Memory, Registers, Unwind};
use cache::Cache;
use rule::{Rule, State, Step};

/// DWARF call frame information (`.eh_frame`), which compilers emit for all code on Linux.
#[derive(Debug, Default, Clone, Copy)]
pub struct Cfi;

/// What is remembered for a thread.
#[doc(hidden)]
pub struct Memo {
    cache: Cache,
}

// SAFETY: reads the stack only through `Memory::read`; unwind tables are read where the dynamic linker says that they
// are mapped (`objects.rs`); gimli runs without allocation on storage of fixed size; every step goes outwards.
unsafe impl Unwind for Cfi {
    const NAME: &'static str = "DWARF CFI";
    type Memo = Memo;

    fn walk(&self, from: Registers, memory: Memory<'_>, memo: Option<&mut Memo>, frames: &mut Frames) -> End {
        match memo {
            Some(memo) => walk(from, memory, |pc| memo.cache.rule(pc), frames),
            None => walk(from, memory, find::rule, frames),
        }
    }
}

fn walk(
    from: Registers,
    mut memory: Memory<'_>,
    mut rule: impl FnMut(usize) -> Rule,
    frames: &mut Frames,
) -> End {
    let mut state = State { pc: from.pc, sp: from.sp, fp: from.fp };
    loop {
        let below = state.sp;
        let interrupted = match rule(state.pc).step(state, &mut memory) {
            Step::Call(caller) => {
                state = caller;
                false
            }
            Step::Signal(interrupted) => {
                state = interrupted;
                true
            }
            Step::Outermost => return End::Complete,
            Step::Unknown => return End::Stopped,
        };
        let address = plain(state.pc);
        if address == 0 {
            return End::Complete;
        }
        // A caller's frame lies outside of its callee's. Behind a signal the walk may be on another stack.
        if state.sp <= below && !interrupted {
            return End::Stopped;
        }
        // The address after a call may be another function's: name the call itself. Interrupted code is where it is.
        state.pc = if interrupted { address } else { address.wrapping_sub(1) };
        if frames.push(state.pc).is_err() {
            return End::TooDeep;
        }
    }
}

#[cfg(test)]
mod tests;
