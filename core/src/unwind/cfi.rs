//! Unwinding by DWARF call frame information, without compiler flags, locks or memory.
//!
//! Unwinding one frame at a return address is a fixed rule ([`rules`](super::rules)): found once in the module's unwind table
//! ([`find`]), then kept in a table of the thread's own (its `cache`). A whole stack is remembered with the words that
//! decided its walk ([`stack_cache`](super::stack_cache)): while they are unchanged nothing is walked at all. On a miss the stack is
//! walked by rules, and the outer frames that it shares with the one walked before keep their nodes.

mod entry;
#[cfg(fuzzing)]
pub(super) mod fuzz;

use super::arch::plain;
use super::rules::cache::Cache;
use super::rules::find;
use super::rules::packed::PackedRule;
use super::rules::rule::{State, Step, Trace, Untraced};
use super::rules::walk::{push, walk};
use super::stack_cache::cache::{Found, StackCache};
use super::stack_cache::fingerprint::Fingerprint;
use super::stack_cache::trace::DecidingWords;
use super::{
    Captured, End, Frames, Generations, Interned, LastCell, Memory, Registers, StackId, Stacks, Unwind,
};
use crate::session::generations;
use entry::{Own, Way};
use heapless::Vec;

/// DWARF call frame information (`.eh_frame`), which compilers emit for all code on Linux.
#[derive(Debug, Default, Clone, Copy)]
pub struct Cfi;

/// Frames of the stack walked last whose nodes are kept.
const MAX_LAST: usize = 128;

/// What is remembered for a thread. All-zero is nothing.
#[doc(hidden)]
pub struct Memo {
    cache: Cache,
    /// Of its allocating and its reallocating entry.
    own: Own,
    /// How the second caller is found from each of the two.
    ways: [Way; 2],
    trace: DecidingWords,
    /// The stack walked last, outermost frame first, on its base.
    last: Vec<(usize, StackId), MAX_LAST>,
    last_base: StackId,
    stacks: StackCache,
    /// How often libraries had been unloaded when it began.
    unloaded: usize,
}

impl Memo {
    /// Forgets everything when the code that it knows may be another's by now.
    #[inline(always)]
    fn renew(&mut self) {
        if self.unloaded != generations::unloads() {
            self.forget();
        }
    }

    #[cold]
    #[inline(never)]
    fn forget(&mut self) {
        // Before anything is asked anew: what is learned while libraries go is forgotten once more.
        self.unloaded = generations::unloads();
        self.cache.clear();
        self.own.clear();
        self.ways = [Way::NONE; 2];
        self.last.clear();
        self.stacks.clear();
    }

    /// The place of the stack from these registers among those that are remembered.
    #[inline(always)]
    fn search(&mut self, from: Registers, memory: &mut Memory<'_>) -> Option<Found> {
        let [allocating, reallocating] = &self.ways;
        let known = allocating.second(from, memory).or_else(|| reallocating.second(from, memory));
        let second = match known {
            Some(second) => plain(second).wrapping_sub(1),
            None => self.second(from, memory)?,
        };
        self.stacks.look_up(Fingerprint::of_group(second, from), from, memory)
    }

    /// The second caller by rules; keeps the way to it.
    #[cold]
    #[inline(never)]
    fn second(&mut self, from: Registers, memory: &mut Memory<'_>) -> Option<usize> {
        let Memo { cache, own, ways, .. } = self;
        let key = key(own, cache, from, memory, &mut Untraced)?;
        if let Some((first_at, first_cfa)) = own.rule(from.pc).rule().above_sp()
            && let Some((second_at, _)) = cache.rule(key.first).rule().above_sp()
            && let Some(first) = memory.read(from.sp + first_at)
            && from.sp.is_multiple_of(size_of::<usize>())
            && first_at < first_cfa
        {
            let place = usize::from(ways[0].pc != 0 && ways[0].pc != from.pc);
            ways[place] = Way { pc: from.pc, first, first_at, second_at: first_cfa + second_at };
        }
        Some(key.second)
    }

    /// Walks a stack, interns it and remembers it.
    #[cold]
    #[inline(never)]
    fn learn(
        &mut self,
        from: Registers,
        mut memory: Memory<'_>,
        stacks: Stacks<'_>,
        frames: &mut Frames,
    ) -> Captured<'_> {
        let Memo { cache, own, trace, stacks: cache_of_stacks, .. } = self;
        let begin = memory;
        trace.begin();
        let Some(key) = key(own, cache, from, &mut memory, trace) else {
            return unremembered(from, memory, |pc| cache.rule(pc), stacks, frames);
        };
        let second = State { pc: key.second, sp: key.sp, fp: key.fp };
        let mut turns = Generations::default();
        let pushed = push(key.first, &mut turns, frames).and_then(|()| push(key.second, &mut turns, frames));
        let end = match pushed {
            Ok(()) => walk(second, memory, |pc| cache.rule(pc), trace, &mut turns, frames),
            Err(end) => end,
        };
        let interned = intern(&mut self.last, &mut self.last_base, end.base(), stacks, frames);
        // What did not fit into the stack table may fit another time: it is not remembered. Nor is a walk that
        // stopped, for a module may be loaded later.
        let last_cell = if interned.cut || end == End::Stopped {
            None
        } else {
            cache_of_stacks.store(
                Fingerprint::of_group(key.second, from),
                from,
                &begin,
                trace,
                (interned, end),
            )
        };
        Captured { interned, end, last_cell }
    }
}

/// The first two callers, and the registers in the second one's frame.
struct Key {
    first: usize,
    second: usize,
    sp: usize,
    fp: usize,
}

fn key(
    own: &mut Own,
    cache: &mut Cache,
    from: Registers,
    memory: &mut Memory<'_>,
    trace: &mut impl Trace,
) -> Option<Key> {
    let state = State { pc: from.pc, sp: from.sp, fp: from.fp };
    let Step::Call(mut first) = own.rule(from.pc).rule().step(state, memory, trace) else { return None };
    first.pc = plain(first.pc).wrapping_sub(1);
    let Step::Call(second) = cache.rule(first.pc).rule().step(first, memory, trace) else { return None };
    let inwards = first.sp <= from.sp || second.sp <= first.sp;
    (!inwards && first.pc != usize::MAX && second.pc != 0).then(|| Key {
        first: first.pc,
        second: plain(second.pc).wrapping_sub(1),
        sp: second.sp,
        fp: second.fp,
    })
}

/// Interns a stack; the outer frames that it shares with the last one keep their nodes without a look-up.
fn intern(
    last: &mut Vec<(usize, StackId), MAX_LAST>,
    last_base: &mut StackId,
    base: StackId,
    stacks: Stacks<'_>,
    frames: &Frames,
) -> Interned {
    if *last_base != base {
        last.clear();
        *last_base = base;
    }
    let shared = last.iter().zip(frames.iter().rev()).take_while(|(known, frame)| known.0 == **frame).count();
    last.truncate(shared);
    let mut stack = last.last().map_or(base, |known| known.1);
    for &frame in frames.iter().rev().skip(shared) {
        match stacks.child(stack, frame) {
            Some(child) => stack = child,
            None => return Interned { stack, cut: true },
        }
        // Frames inside of those that are kept are looked up each time.
        let _ = last.push((frame, stack));
    }
    Interned { stack, cut: false }
}

// SAFETY: reads the stack only through `Memory`; unwind tables are read where the dynamic linker says that they are
// mapped (`objects.rs`); gimli runs without allocation on storage of fixed size; every step goes outwards.
unsafe impl Unwind for Cfi {
    const NAME: &'static str = "DWARF CFI";
    type Memo = Memo;

    fn walk(&self, from: Registers, memory: Memory<'_>, memo: Option<&mut Memo>, frames: &mut Frames) -> End {
        let from = State { pc: from.pc, sp: from.sp, fp: from.fp };
        match memo {
            Some(memo) => {
                memo.renew();
                walk(
                    from,
                    memory,
                    |pc| memo.cache.rule(pc),
                    &mut Untraced,
                    &mut Generations::default(),
                    frames,
                )
            }
            None => walk(from, memory, find::rule, &mut Untraced, &mut Generations::default(), frames),
        }
    }

    #[inline(always)]
    fn predict(from: Registers, memo: &mut Memo) -> LastCell {
        memo.renew();
        memo.stacks.predict(from.pc, from.sp, from.fp)
    }

    #[inline(always)]
    fn look_up(from: Registers, mut memory: Memory<'_>, memo: &mut Memo, _: Stacks<'_>) -> LastCell {
        memo.renew();
        memo.search(from, &mut memory).map_or(LastCell::NONE, |found| memo.stacks.entry(found).last_cell())
    }

    #[inline(never)]
    fn capture<'m>(
        &self,
        from: Registers,
        mut memory: Memory<'_>,
        memo: Option<&'m mut Memo>,
        stacks: Stacks<'_>,
        frames: &mut Frames,
    ) -> Captured<'m> {
        let memo = match memo {
            None => return unremembered(from, memory, find::rule, stacks, frames),
            Some(memo) => memo,
        };
        memo.renew();
        match memo.search(from, &mut memory) {
            Some(found) => {
                let entry = memo.stacks.entry(found);
                let (interned, end) = entry.stack();
                Captured { interned, end, last_cell: Some(&mut entry.last_cell) }
            }
            None => memo.learn(from, memory, stacks, frames),
        }
    }
}

/// A capture without memory, or from frames that are out of the ordinary.
#[cold]
#[inline(never)]
fn unremembered<'m>(
    from: Registers,
    memory: Memory<'_>,
    rule: impl FnMut(usize) -> PackedRule,
    stacks: Stacks<'_>,
    frames: &mut Frames,
) -> Captured<'m> {
    let from = State { pc: from.pc, sp: from.sp, fp: from.fp };
    let end = walk(from, memory, rule, &mut Untraced, &mut Generations::default(), frames);
    Captured { interned: stacks.intern(end.base(), frames), end, last_cell: None }
}

#[cfg(test)]
mod tests;
