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
use core::hint::select_unpredictable;

const WORD: usize = size_of::<usize>();
/// Stacks of one set.
pub(super) const WAYS: usize = 4;
/// The most distinguishing words of a group.
const DISTINGUISHING: usize = 12;

/// The groups, and the positions of stacks by fingerprint. All-zero is empty.
pub(super) struct Fingerprints {
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

    /// Its index in a table of `many` entries, a power of two.
    #[inline(always)]
    fn index(self, many: usize) -> usize {
        self.0 as usize & (many - 1)
    }

    /// The bits that a table keeps to recognise it.
    #[inline(always)]
    fn tag(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

impl Group {
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

impl Fingerprints {
    /// The fingerprint of the current stack, when there are stacks of its group.
    #[inline(always)]
    pub(super) fn of_stack(&self, group: Fingerprint, from: Registers, room: usize) -> Option<Fingerprint> {
        let known = &self.groups[group.index(FINGERPRINT_GROUPS)];
        if known.tag == group.tag() { known.of_stack(group, from, room) } else { None }
    }

    /// The position of the newest stack that may have the fingerprint, or 0. Chosen without a branch.
    #[inline(always)]
    pub(super) fn newest(&self, fingerprint: Fingerprint) -> Position {
        let set = &self.sets[fingerprint.index(FINGERPRINT_SETS)].0;
        set.iter()
            .rev()
            .fold(0, |at, slot| select_unpredictable(slot.tag == fingerprint.tag(), slot.position, at))
    }

    /// The positions of all stacks that may have the fingerprint, the newest first.
    #[inline(always)]
    pub(super) fn all(&self, fingerprint: Fingerprint) -> impl Iterator<Item = Position> {
        let set = &self.sets[fingerprint.index(FINGERPRINT_SETS)].0;
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
        let known = &mut self.groups[group.index(FINGERPRINT_GROUPS)];
        if known.tag != group.tag() {
            *known = Group { tag: group.tag(), count: 0, reach: 0, offsets: [0; DISTINGUISHING] };
        }
        known.of_stack(group, from, room)
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
        let known = &mut self.groups[group.index(FINGERPRINT_GROUPS)];
        if let Some(next) = known.offsets.get_mut(usize::from(known.count))
            && let Some(end) = offset.checked_add(1)
        {
            *next = offset;
            known.count += 1;
            known.reach = known.reach.max(end);
        }
        known.of_stack(group, from, room)
    }

    /// Stores the position of a stack by its fingerprint, in place of the oldest one of the set.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint, position: Position) {
        let slots = &mut self.sets[fingerprint.index(FINGERPRINT_SETS)].0;
        slots.copy_within(..WAYS - 1, 1);
        slots[0] = Slot { tag: fingerprint.tag(), position };
    }

    /// Forgets all positions.
    pub(super) fn clear(&mut self) {
        self.sets.fill(Set([Slot { tag: 0, position: 0 }; WAYS]));
    }
}
