//! Fingerprints: which words of the current stack identify it, so that a thread finds the remembered stack that may be
//! the same.
//!
//! **Problem.** A program may come by one function at one stack depth in a thousand ways. To compare the current stack with
//! all of them takes too long.
//!
//! **Idea.** Few words distinguish them. A fingerprint is a hash of these words. It proves nothing: the cache compares the stack
//! that it finds.
//!
//! # Group
//! The stacks with one second caller and one stack pointer. A group has a list of distinguishing words.
//!
//! # Distinguishing word
//! An offset from the stack pointer. When two stacks of a group have the same fingerprint, the group gets one more word, one
//! in which they differ. So a group reads as many words as it needs.

use super::arena::{Position, word};
use crate::limits::{FINGERPRINT_GROUPS, FINGERPRINT_SETS};
use crate::unwind::Registers;
use crate::unwind::window::Window;
use core::hint::select_unpredictable;

const WORD: usize = size_of::<usize>();
/// Stacks of one set.
pub(super) const WAYS: usize = 4;
/// The most distinguishing words of a group.
const DISTINGUISHING: usize = 12;

/// The groups, and the positions of stacks by fingerprint. All-zero is empty.
pub(super) struct Fingerprints {
    window_of_groups: Window<FINGERPRINT_GROUPS>,
    window_of_sets: Window<FINGERPRINT_SETS>,
    groups: [Group; FINGERPRINT_GROUPS],
    sets: [Set; FINGERPRINT_SETS],
}

#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Group {
    tag: u32,
    /// How many distinguishing words there are.
    count: u16,
    /// How many words above the stack pointer they end.
    reach: u16,
    /// Their offsets from the stack pointer, in words.
    offsets: [u16; DISTINGUISHING],
}

/// The most recently stored stack is first.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Set([Slot; WAYS]);

#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    tag: u32,
    position: Position,
}

/// The fingerprint of a group, or of a stack in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::unwind) struct Fingerprint(u64);

impl Fingerprint {
    /// Of the group of a second caller and a stack pointer.
    #[inline(always)]
    pub(in crate::unwind) fn of_group(second: usize, from: Registers) -> Fingerprint {
        Fingerprint((from.sp as u64).rotate_left(29) ^ second as u64).mixed()
    }

    /// With one more distinguishing word. Few bits of return addresses differ, and the rotation keeps those of several words apart.
    #[inline(always)]
    fn with(self, word: u64) -> Fingerprint {
        Fingerprint(self.0.rotate_left(23) ^ word)
    }

    /// With its bits spread over all of it (Fibonacci hashing).
    #[inline(always)]
    fn mixed(self) -> Fingerprint {
        Fingerprint(self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32))
    }

    /// The bits that a table keeps to recognise it. They choose its place, too.
    #[inline(always)]
    fn tag(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

impl Group {
    const NONE: Group = Group::new(0);

    const fn new(tag: u32) -> Group {
        Group { tag, count: 0, reach: 0, offsets: [0; DISTINGUISHING] }
    }

    /// The fingerprint of the current stack, whose group this is; `None` when a distinguishing word is not in the `room` bytes
    /// that are readable above the stack pointer.
    #[inline(always)]
    fn of_stack(&self, group: Fingerprint, from: Registers, room: usize) -> Option<Fingerprint> {
        if usize::from(self.reach) * WORD > room {
            return None;
        }
        let offsets = &self.offsets[..usize::from(self.count).min(DISTINGUISHING)];
        // SAFETY: no word ends above the reach, up to which the stack is readable.
        let words = offsets.iter().map(|&offset| unsafe { word(from.sp, offset) });
        Some(words.fold(group, Fingerprint::with).mixed())
    }
}

impl Set {
    const EMPTY: Set = Set([Slot { tag: 0, position: 0 }; WAYS]);

    fn is_full(&self) -> bool {
        self.0[WAYS - 1].position != 0
    }

    /// Puts a stack behind the others.
    fn append(&mut self, slot: Slot) {
        if let Some(free) = self.0.iter_mut().find(|slot| slot.position == 0) {
            *free = slot;
        }
    }

    /// Puts a stack in front, in place of the oldest one.
    fn insert(&mut self, slot: Slot) {
        self.0.copy_within(..WAYS - 1, 1);
        self.0[0] = slot;
    }
}

impl Fingerprints {
    #[inline(always)]
    fn place_of_group(&self, tag: u32) -> usize {
        self.window_of_groups.index(tag as usize)
    }

    #[inline(always)]
    fn place_of_set(&self, tag: u32) -> usize {
        self.window_of_sets.index(tag as usize)
    }

    /// The fingerprint of the current stack, when there are stacks of its group.
    #[inline(always)]
    pub(super) fn of_stack(&self, group: Fingerprint, from: Registers, room: usize) -> Option<Fingerprint> {
        let known = &self.groups[self.place_of_group(group.tag())];
        if known.tag == group.tag() { known.of_stack(group, from, room) } else { None }
    }

    /// The position of the newest stack that may have the fingerprint, or 0. Chosen without a branch.
    #[inline(always)]
    pub(super) fn newest(&self, fingerprint: Fingerprint) -> Position {
        let set = &self.sets[self.place_of_set(fingerprint.tag())].0;
        set.iter()
            .rev()
            .fold(0, |at, slot| select_unpredictable(slot.tag == fingerprint.tag(), slot.position, at))
    }

    /// The positions of all stacks that may have the fingerprint, the newest first.
    #[inline(always)]
    pub(super) fn all(&self, fingerprint: Fingerprint) -> impl Iterator<Item = Position> {
        let set = &self.sets[self.place_of_set(fingerprint.tag())].0;
        set.iter()
            .filter(move |slot| slot.tag == fingerprint.tag() && slot.position != 0)
            .map(|slot| slot.position)
    }

    /// The fingerprint of the current stack. Makes its group when there is none.
    pub(super) fn of_new_stack(
        &mut self,
        group: Fingerprint,
        from: Registers,
        room: usize,
    ) -> Option<Fingerprint> {
        let tag = group.tag();
        let taken = |groups: &[Group], place: usize| ![0, tag].contains(&groups[place].tag);
        while taken(&self.groups, self.place_of_group(tag))
            && let Some(before) = self.window_of_groups.widen()
        {
            self.spread_groups(before);
        }
        let known = &mut self.groups[self.window_of_groups.index(tag as usize)];
        if known.tag != tag {
            *known = Group::new(tag);
        }
        known.of_stack(group, from, room)
    }

    /// Puts the groups of the places that were in use before into their places.
    fn spread_groups(&mut self, before: usize) {
        for place in 0..before.min(FINGERPRINT_GROUPS) {
            let group = core::mem::replace(&mut self.groups[place], Group::NONE);
            if group.tag != 0 {
                self.groups[self.place_of_group(group.tag)] = group;
            }
        }
    }

    /// The same after the group has got one more distinguishing word, at that offset. A group with the most words stays as it
    /// is.
    pub(super) fn lengthen(
        &mut self,
        group: Fingerprint,
        offset: u16,
        from: Registers,
        room: usize,
    ) -> Option<Fingerprint> {
        let known = &mut self.groups[self.window_of_groups.index(group.tag() as usize)];
        if let Some(next) = known.offsets.get_mut(usize::from(known.count))
            && let Some(end) = offset.checked_add(1)
        {
            *next = offset;
            known.count += 1;
            known.reach = known.reach.max(end);
        }
        known.of_stack(group, from, room)
    }

    /// Stores the position of a stack by its fingerprint. When all sets are in use, it replaces the oldest one of a full set.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint, position: Position) {
        let tag = fingerprint.tag();
        while self.sets[self.place_of_set(tag)].is_full()
            && let Some(before) = self.window_of_sets.widen()
        {
            self.spread_sets(before);
        }
        self.sets[self.window_of_sets.index(tag as usize)].insert(Slot { tag, position });
    }

    /// Puts the stacks of the sets that were in use before into their sets.
    fn spread_sets(&mut self, before: usize) {
        for place in 0..before.min(FINGERPRINT_SETS) {
            let set = core::mem::replace(&mut self.sets[place], Set::EMPTY);
            let stacks = set.0.into_iter().take_while(|slot| slot.position != 0);
            stacks.for_each(|slot| self.sets[self.window_of_sets.index(slot.tag as usize)].append(slot));
        }
    }

    /// Forgets all positions.
    pub(super) fn clear(&mut self) {
        self.sets.iter_mut().take(self.window_of_sets.sets()).for_each(|set| *set = Set::EMPTY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_and_groups_stay_known_when_their_tables_widen() {
        // SAFETY: it consists of integers, for which all-zero is a value.
        let mut table = unsafe { Box::<Fingerprints>::new_zeroed().assume_init() };
        let fingerprints = || (1..=100u64).map(|n| Fingerprint(n).mixed());
        let from = Registers { pc: 0, sp: 0, fp: Default::default() };
        for (position, fingerprint) in (1..).zip(fingerprints()) {
            table.of_new_stack(fingerprint, from, 0);
            table.lengthen(fingerprint, position as u16, from, 0);
            table.insert(fingerprint, position);
        }
        assert!(table.window_of_sets.sets() < FINGERPRINT_SETS, "pages that nobody needs");
        for (position, fingerprint) in (1..).zip(fingerprints()) {
            assert_eq!(table.newest(fingerprint), position);
            let group = table.groups[table.place_of_group(fingerprint.tag())];
            assert_eq!((group.tag, group.offsets[0]), (fingerprint.tag(), position as u16));
        }
    }
}
