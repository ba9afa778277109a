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
//! Two guesses lead to one remembered stack each, which is compared.
//!
//! - A loop comes by its call sites in turn. While the stacks follow each other as they did the time before, the cache tries the
//!   *follower* of the last stack. Nothing is computed for this guess, so a processor that predicts its success goes on at once.
//! - Otherwise the [fingerprint](super::fingerprint) of the current stack leads to a remembered stack. Programs come by their call
//!   sites in no order that a processor could predict, so this guess has one branch that depends on the stack.
//!
//! When the [arena](super::arena) is full, the cache forgets all stacks: those in use are soon there again.

use super::arena::{Arena, Entry, Position};
use super::fingerprint::{Fingerprint, Fingerprints};
use super::trace::DecidingWords;
use crate::unwind::{End, Interned, LastCell, Memory, Registers};

const WORD: usize = size_of::<usize>();
/// After so many stacks in the order of the time before, the cache tries the follower.
const IN_TURN: u32 = 3;

/// All-zero is empty.
pub(in crate::unwind) struct StackCache {
    fingerprints: Fingerprints,
    /// The stack that was found last.
    last: Position,
    /// How many stacks in a row were the follower of the one before.
    in_turn: u32,
    arena: Arena,
}

/// A stack that the cache has found, until it stores or forgets one.
#[derive(Clone, Copy)]
pub(in crate::unwind) struct Found(Position);

impl StackCache {
    /// The last cell of the follower of the last stack, if that is the current stack. Tried only while stacks come in turn.
    ///
    /// # Safety
    /// `room` bytes above `from.sp`, which is aligned to words, must be readable.
    #[inline(always)]
    pub(in crate::unwind) unsafe fn predict_follower(
        &mut self,
        from: Registers,
        room: usize,
    ) -> Option<LastCell> {
        if self.in_turn < IN_TURN {
            return None;
        }
        let follower = self.arena.entry(self.last).follower;
        // SAFETY: the caller upholds it.
        if !unsafe { self.arena.is_current(follower, from, room) } {
            self.in_turn = 0;
            return None;
        }
        self.last = follower;
        Some(self.arena.entry(follower).last_cell())
    }

    /// The last cell of the newest stack with the fingerprint of the current one, if it is the current one.
    ///
    /// # Safety
    /// `room` bytes above `from.sp`, which is aligned to words, must be readable.
    #[inline(always)]
    pub(in crate::unwind) unsafe fn predict_newest(
        &mut self,
        group: Fingerprint,
        from: Registers,
        room: usize,
    ) -> LastCell {
        let Some(fingerprint) = self.fingerprints.of_stack(group, from, room) else { return LastCell::NONE };
        let at = self.fingerprints.newest(fingerprint);
        // SAFETY: the caller upholds it.
        if !unsafe { self.arena.is_current(at, from, room) } {
            return LastCell::NONE;
        }
        self.follow(at);
        self.arena.entry(at).last_cell()
    }

    /// A stack was found, or stored, behind the last one.
    #[inline(always)]
    fn follow(&mut self, at: Position) {
        let last = self.arena.entry(self.last);
        self.in_turn = if last.follower == at { self.in_turn.wrapping_add(1) } else { 0 };
        last.follower = at;
        self.last = at;
    }

    /// Looks the current stack up among all that have its fingerprint.
    #[inline(always)]
    pub(in crate::unwind) fn look_up(
        &mut self,
        group: Fingerprint,
        from: Registers,
        memory: &Memory<'_>,
    ) -> Option<Found> {
        let room = memory.room(from.sp);
        let fingerprint = self.fingerprints.of_stack(group, from, room)?;
        let StackCache { fingerprints, arena, .. } = self;
        // SAFETY: the memory says that the room is readable, and that the stack pointer is aligned where there is any.
        let at = fingerprints.all(fingerprint).find(|&at| unsafe { arena.is_current(at, from, room) })?;
        self.follow(at);
        Some(Found(at))
    }

    /// The entry of a stack that was found.
    #[inline(always)]
    pub(in crate::unwind) fn entry(&mut self, found: Found) -> &mut Entry {
        self.arena.entry(found.0)
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
        let last = words.iter().try_fold(0, |most: u16, word| Some(most.max(offset(word.address)?)))?;
        if trace.overflow || !from.sp.is_multiple_of(WORD) {
            return None;
        }
        let count = Arena::padded(words.len());
        if !self.arena.has_room(count) {
            self.clear();
        }
        let entry = Entry {
            pc: from.pc as u64,
            sp: from.sp as u64,
            fp: from.fp as u64,
            fp_decides: trace.registers as u64,
            stack: interned.stack.0,
            words: count as u16,
            reach: (u32::from(last) + 1) * WORD as u32,
            last_cell: LastCell::default(),
            follower: 0,
            lost: Entry::lost(interned.cut, end),
        };
        let padded = |i: usize| words.get(i).or(words.last());
        let at =
            self.arena.store(entry, |i| Some(padded(i)?.value as u64), |i| offset(padded(i)?.address))?;
        self.name(group, at, from, memory);
        self.follow(at);
        Some(&mut self.arena.entry(at).last_cell)
    }

    /// Stores the fingerprint of the current stack. When another stack of the group has the same one, the group's
    /// fingerprints become longer.
    fn name(&mut self, group: Fingerprint, at: Position, from: Registers, memory: &Memory<'_>) {
        let room = memory.room(from.sp);
        let Some(mut fingerprint) = self.fingerprints.of_new_stack(group, from, room) else { return };
        let same = self.fingerprints.all(fingerprint).next();
        if let Some(offset) = same.and_then(|same| self.arena.difference(same, from, memory)) {
            let Some(longer) = self.fingerprints.lengthen(group, offset, from, room) else { return };
            fingerprint = longer;
        }
        self.fingerprints.insert(fingerprint, at);
    }

    /// Forgets all stacks.
    pub(in crate::unwind) fn clear(&mut self) {
        self.fingerprints.clear();
        self.arena.clear();
        (self.last, self.in_turn) = (0, 0);
    }
}

#[cfg(test)]
mod tests;
