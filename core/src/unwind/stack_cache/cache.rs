//! The stack cache: whole stacks that a thread has seen.
//!
//! **Problem.** A walk is a chain of dependent loads, one frame after another, and each frame's node has to be found in the
//! stack table. A program that loops over a few call sites does this for the same stacks again and again.
//!
//! **Idea.** A walk is a function of the registers that it begins with and of the words that it reads. So a remembered stack is
//! proven to be the current one by reading those words again. All inputs are compared, so this is exact. The words are
//! independent loads that overlap.
//!
//! # Prediction
//! A loop comes by its call sites in turn, each once or several times. So the cache tries the stack that it found last, if
//! that tends to repeat, and then the stack that followed it last time. Nothing is unwound for this.
//!
//! # Fingerprint
//! Any other stack is found by its [fingerprint](super::fingerprint), then compared.
//!
//! When the [arena](super::arena) is full, the cache forgets all stacks: those in use are soon there again.

use super::arena::{Arena, Entry, Position};
use super::fingerprint::{Fingerprint, Fingerprints, WAYS};
use super::trace::DecidingWords;
use crate::unwind::{End, Interned, LastCell, Memory, Registers};

const WORD: usize = size_of::<usize>();
/// After a stack has repeated, so many events without a repetition end the prediction that it repeats.
const REPEATS: u8 = 2;

/// All-zero is empty.
pub(in crate::unwind) struct StackCache {
    fingerprints: Fingerprints,
    /// The stack that was found last.
    last: Position,
    arena: Arena,
}

/// A stack that the cache has found, until it stores or forgets one.
#[derive(Clone, Copy)]
pub(in crate::unwind) struct Found(Position);

impl StackCache {
    /// The last cell of the predicted stack, when that is on the thread's own stack and all its words are unchanged. (The
    /// registers are separate arguments, so they stay in registers.)
    #[inline(never)]
    pub(in crate::unwind) fn predict(&mut self, pc: usize, sp: usize, fp: usize) -> LastCell {
        let from = Registers { pc, sp, fp };
        let last = self.last;
        let repeats = self.arena.entry(last).repeats;
        if repeats > 0 {
            let is_last = self.is_current_and_lasting(last, from);
            let entry = self.arena.entry(last);
            if is_last {
                entry.repeats = REPEATS;
                return entry.last_cell();
            }
            entry.repeats = repeats - 1;
        }
        let follower = self.arena.entry(last).follower;
        if !self.is_current_and_lasting(follower, from) {
            return LastCell::NONE;
        }
        self.last = follower;
        self.arena.entry(follower).last_cell()
    }

    /// Whether an entry is the current stack, on the thread's own stack.
    #[inline(always)]
    fn is_current_and_lasting(&mut self, at: Position, from: Registers) -> bool {
        let entry = self.arena.entry(at);
        // SAFETY: the words were on the thread's own stack when the entry was stored, at offsets from this very stack
        // pointer; everything above a stack pointer stays readable.
        entry.lasting && entry.is_from(from) && unsafe { self.arena.is_unchanged(at, from) }
    }

    /// Looks the current stack up by the fingerprint of its group. Finds one whose words are all unchanged.
    #[inline(always)]
    pub(in crate::unwind) fn look_up(
        &mut self,
        group: Fingerprint,
        from: Registers,
        memory: &Memory<'_>,
    ) -> Option<Found> {
        let fingerprint = self.fingerprints.of_stack(group, from, memory)?;
        for way in 0..WAYS {
            if let Some(at) = self.fingerprints.get(fingerprint, way)
                && self.is_current(at, from, memory)
            {
                self.link(at);
                return Some(Found(at));
            }
        }
        None
    }

    /// The entry of a stack that was found.
    #[inline(always)]
    pub(in crate::unwind) fn entry(&mut self, found: Found) -> &mut Entry {
        self.arena.entry(found.0)
    }

    /// The stack that was found follows the last one.
    #[inline(always)]
    fn link(&mut self, at: Position) {
        let last = self.last;
        if last == at {
            self.arena.entry(at).repeats = REPEATS;
        } else if last != 0 {
            self.arena.entry(last).follower = at;
        }
        self.last = at;
    }

    /// Whether an entry is the current stack.
    #[inline(always)]
    fn is_current(&mut self, at: Position, from: Registers, memory: &Memory<'_>) -> bool {
        let entry = self.arena.entry(at);
        let high = from.sp + (usize::from(entry.reach) + 1) * WORD;
        // SAFETY: the words up to `reach` are readable stack.
        entry.is_from(from) && memory.contains(from.sp, high) && unsafe { self.arena.is_unchanged(at, from) }
    }

    /// Remembers a stack. Returns its last cell, or `None` when it depends on words that are too many or too far away.
    /// `memory` is the stack on which the walk began.
    pub(in crate::unwind) fn store(
        &mut self,
        group: Fingerprint,
        from: Registers,
        memory: &Memory<'_>,
        trace: &DecidingWords,
        (interned, end): (Interned, End),
    ) -> Option<&mut LastCell> {
        let words = &trace.words;
        let offset = |address: usize| u16::try_from(address.checked_sub(from.sp)? / WORD).ok();
        let reach = words.iter().try_fold(0, |most: u16, word| Some(most.max(offset(word.address)?)))?;
        if trace.overflow || !from.sp.is_multiple_of(WORD) {
            return None;
        }
        let count = Arena::padded(words.len());
        if !self.arena.has_room(count) {
            self.clear();
        }
        let high = from.sp + (usize::from(reach) + 1) * WORD;
        let entry = Entry {
            pc: from.pc as u64,
            sp: from.sp as u64,
            fp: from.fp as u64,
            fp_decides: if trace.uses_register { u64::MAX } else { 0 },
            stack: interned.stack.0,
            words: count as u16,
            reach,
            last_cell: LastCell::default(),
            follower: 0,
            lasting: memory.is_lasting() && memory.contains(from.sp, high),
            lost: Entry::lost(interned.cut, end),
            repeats: 0,
        };
        let padded = |i: usize| words.get(i).or(words.last());
        let at =
            self.arena.store(entry, |i| Some(padded(i)?.value as u64), |i| offset(padded(i)?.address))?;
        self.name(group, at, from, memory);
        self.link(at);
        Some(&mut self.arena.entry(at).last_cell)
    }

    /// Stores the fingerprint of the current stack. When another stack of the group has the same one, the group's
    /// fingerprints become longer.
    fn name(&mut self, group: Fingerprint, at: Position, from: Registers, memory: &Memory<'_>) {
        let Some(mut fingerprint) = self.fingerprints.of_new_stack(group, from, memory) else { return };
        let same = (0..WAYS).find_map(|way| self.fingerprints.get(fingerprint, way));
        if let Some(offset) = same.and_then(|same| self.arena.difference(same, from, memory)) {
            let Some(longer) = self.fingerprints.lengthen(group, offset, from, memory) else { return };
            fingerprint = longer;
        }
        self.fingerprints.insert(fingerprint, at);
    }

    /// Forgets all stacks.
    pub(in crate::unwind) fn clear(&mut self) {
        self.fingerprints.clear();
        self.arena.clear();
        self.last = 0;
    }
}

#[cfg(test)]
mod tests;
