//! Unwinding by call frame information, without compiler flags, locks or memory.
//!
//! **Problem.** An event has tens of nanoseconds for a stack of twenty frames, in code without frame pointers.
//!
//! **Idea.** Remember everything that does not change.
//!
//! # Rule
//! One step at a return address has a fixed [rule](super::rules). It is found once in the module's unwind table, then kept in
//! a cache of the thread's own.
//!
//! # Remembered stack
//! The [stack cache](super::stack_cache) keeps each stack with the words that decided its walk. While these are unchanged,
//! nothing is walked.
//!
//! # Last walk
//! A stack that is not remembered is walked by rules. Its outer frames that the stack walked last had too keep their nodes.

mod entry;
#[cfg(fuzzing)]
pub(super) mod fuzz;
mod last_walk;

use super::frame_registers::FramePointers;
use super::rules::cache::Cache;
use super::rules::find;
use super::rules::packed::PackedRule;
use super::rules::rule::Untraced;
use super::rules::walk::{push, walk};
use super::stack_cache::cache::{Found, StackCache};
use super::stack_cache::fingerprint::Fingerprint;
use super::stack_cache::trace::DecidingWords;
use super::{Captured, End, Frames, Generations, LastCell, Memory, Registers, Stacks, Unwind, unloads};
use entry::{Entries, FIRST};
use last_walk::LastWalk;

/// The unwind tables that compilers write for all code: DWARF call frame information (`.eh_frame`) on Linux, the unwind
/// codes of `.pdata` on Windows, compact unwind information (`__unwind_info`) on macOS, and the exception index (`.ARM.exidx`)
/// on ARM.
#[derive(Debug, Default, Clone, Copy)]
pub struct Cfi;

/// The memory of a thread. All-zero is empty.
#[doc(hidden)]
pub struct Memo {
    rules: Cache,
    entries: Entries,
    trace: DecidingWords,
    last_walk: LastWalk,
    stacks: StackCache,
    /// How many libraries had been unloaded when it was last cleared.
    unloads: usize,
}

impl Memo {
    /// Forgets everything when libraries were unloaded: other code may be at the addresses that it knows.
    #[inline(always)]
    fn renew(&mut self) {
        if self.unloads != unloads() {
            self.forget();
        }
    }

    #[cold]
    #[inline(never)]
    fn forget(&mut self) {
        // First: rules that are found while a library is being unloaded are forgotten once more.
        self.unloads = unloads();
        self.rules.clear();
        self.entries.clear();
        self.last_walk.clear();
        self.stacks.clear();
    }

    /// The last cell of the stack that is most likely the current one, if it is. (The registers are separate arguments, so
    /// they stay in registers.)
    ///
    /// # Safety
    /// `room` bytes above `sp`, which is aligned to words, must be readable.
    #[inline(never)]
    unsafe fn recall(&mut self, pc: usize, sp: usize, fp: FramePointers, room: usize) -> LastCell {
        let from = Registers { pc, sp, fp };
        // SAFETY: the caller upholds it, for each of the three.
        unsafe {
            if let Some(last_cell) = self.stacks.predict_follower(from, room) {
                return last_cell;
            }
            match self.entries.known_second(from, room) {
                Some(second) => self.stacks.predict_newest(Fingerprint::of_group(second, from), from, room),
                None => LastCell::NONE,
            }
        }
    }

    /// Looks the current stack up among those that are remembered.
    #[inline(always)]
    fn look_up(&mut self, from: Registers, memory: &mut Memory<'_>) -> Option<Found> {
        let second = self.entries.second(from, memory, &mut self.rules)?;
        self.stacks.look_up(Fingerprint::of_group(second, from), from, memory)
    }

    /// Walks a stack, interns it and remembers it.
    #[cold]
    #[inline(never)]
    fn learn(
        &mut self,
        from: Registers,
        mut memory: Memory<'_>,
        table: Stacks<'_>,
        frames: &mut Frames,
    ) -> Captured<'_> {
        let Memo { rules, entries, trace, last_walk, stacks, .. } = self;
        let begin = memory;
        trace.begin();
        let Some(callers) = entries.callers(from, &mut memory, rules, trace) else {
            return unremembered(from, memory, |pc, interrupted| rules.rule(pc, interrupted), table, frames);
        };
        let mut generations = Generations::default();
        let pushed = push(callers.first, &mut generations, frames)
            .and_then(|()| push(callers.second.pc, &mut generations, frames));
        let end = match pushed {
            Ok(()) => walk(
                callers.second,
                false,
                memory,
                |pc, interrupted| rules.rule(pc, interrupted),
                trace,
                &mut generations,
                frames,
            ),
            Err(end) => end,
        };
        let interned = last_walk.intern(end.base(), table, frames);
        // A stack that did not fit into the stack table may fit another time, and a walk that stopped may get further when a
        // module is loaded: neither is remembered.
        let last_cell = if interned.cut || end == End::Stopped {
            None
        } else {
            let group = Fingerprint::of_group(callers.second.pc, from);
            stacks.store(group, from, &begin, trace, (interned, end))
        };
        Captured { interned, end, last_cell }
    }
}

// SAFETY: reads the stack only through `Memory`; unwind tables are read where the dynamic linker says that they are
// mapped (`os::unwind_tables`); no part of them is read past its end; every step goes outwards.
unsafe impl Unwind for Cfi {
    const NAME: &'static str = if cfg!(pdata) {
        "PE unwind codes"
    } else if cfg!(compact) {
        "compact unwind information"
    } else if cfg!(ehabi) {
        "ARM EHABI"
    } else {
        "DWARF CFI"
    };
    type Memo = Memo;

    fn walk(&self, from: Registers, memory: Memory<'_>, memo: Option<&mut Memo>, frames: &mut Frames) -> End {
        let mut generations = Generations::default();
        match memo {
            Some(memo) => {
                memo.renew();
                walk(
                    from.into(),
                    FIRST,
                    memory,
                    |pc, interrupted| memo.rules.rule(pc, interrupted),
                    &mut Untraced,
                    &mut generations,
                    frames,
                )
            }
            None => walk(from.into(), FIRST, memory, find::rule, &mut Untraced, &mut generations, frames),
        }
    }

    #[inline(always)]
    unsafe fn recall(from: Registers, room: usize, memo: &mut Memo, _: Stacks<'_>) -> LastCell {
        // SAFETY: the caller upholds it.
        unsafe { memo.recall(from.pc, from.sp, from.fp, room) }
    }

    #[inline(always)]
    fn renew(memo: &mut Memo) {
        memo.renew();
    }

    #[inline(never)]
    fn capture<'m>(
        &self,
        from: Registers,
        mut memory: Memory<'_>,
        memo: Option<&'m mut Memo>,
        table: Stacks<'_>,
        frames: &mut Frames,
    ) -> Captured<'m> {
        let memo = match memo {
            None => return unremembered(from, memory, find::rule, table, frames),
            Some(memo) => memo,
        };
        memo.renew();
        match memo.look_up(from, &mut memory) {
            Some(found) => {
                let entry = memo.stacks.entry(found);
                let (interned, end) = entry.stack();
                Captured { interned, end, last_cell: Some(&mut entry.last_cell) }
            }
            None => memo.learn(from, memory, table, frames),
        }
    }
}

/// A capture without memory, or from frames whose first two callers cannot be found.
#[cold]
#[inline(never)]
fn unremembered<'m>(
    from: Registers,
    memory: Memory<'_>,
    rule: impl FnMut(usize, bool) -> PackedRule,
    table: Stacks<'_>,
    frames: &mut Frames,
) -> Captured<'m> {
    let end = walk(from.into(), FIRST, memory, rule, &mut Untraced, &mut Generations::default(), frames);
    Captured { interned: table.intern(end.base(), frames), end, last_cell: None }
}

#[cfg(test)]
mod tests;
