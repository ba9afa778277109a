//! Names of remembered stacks: by which words of the present stack a thread finds the one that may be the same.
//!
//! The second caller and the stack pointer name a *group*, which knows the words by which its stacks differ; these
//! words, hashed, name the stack. Two stacks of a group that the words do not tell apart yet make it look at one more:
//! so programs that come by one function in a thousand ways read as many words as it takes to tell these, and compare
//! one stack in full. A name proves nothing: whoever finds a stack compares it.

use super::cache::Place;
use crate::unwind::{Memory, Registers};

const WORD: usize = size_of::<usize>();
const SETS: usize = 1 << 11;
const GROUPS: usize = 1 << 10;
/// Stacks of one set.
pub(in crate::unwind) const WAYS: usize = 4;
/// Words by which a group tells its stacks apart.
const TELLING: usize = 12;

/// All-zero is empty.
pub(in crate::unwind) struct Names {
    groups: [Group; GROUPS],
    sets: [Set; SETS],
}

/// Stacks that are allocated on by one second caller at one stack pointer.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Group {
    tag: u32,
    /// Words that tell.
    count: u16,
    /// Their offsets from the stack pointer, in words.
    offsets: [u16; TELLING],
    /// The largest of them.
    reach: u16,
}

/// Most recently stored first.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Set([Slot; WAYS]);

#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    tag: u32,
    place: Place,
}

/// What a stack is looked up by: of a group, or of one in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::unwind) struct Hash(u64);

impl Hash {
    /// Of the group of a second caller and a stack pointer.
    #[inline(always)]
    pub(in crate::unwind) fn new(second: usize, from: Registers) -> Hash {
        Hash((from.sp as u64).rotate_left(29)).with(second as u64)
    }

    #[inline(always)]
    fn with(self, word: u64) -> Hash {
        Hash((self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32))
    }

    /// One of `many`, a power of two.
    #[inline(always)]
    fn place(self, many: usize) -> usize {
        self.0 as usize & (many - 1)
    }

    #[inline(always)]
    fn tag(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

impl Group {
    /// The name of the present stack, whose group this is; `None` when the words that tell cannot be read.
    #[inline(always)]
    fn name(&self, hash: Hash, from: Registers, memory: &Memory<'_>) -> Option<Hash> {
        let telling = self.offsets.get(..self.count.into())?;
        if !telling.is_empty() && !memory.contains(from.sp, from.sp + (usize::from(self.reach) + 1) * WORD) {
            return None;
        }
        // SAFETY: no offset is larger than the reach, up to which the stack is readable.
        Some(telling.iter().fold(hash, |name, &offset| name.with(unsafe { word(from.sp, offset) })))
    }
}

impl Names {
    /// The name of the present stack, when there are stacks of its group.
    #[inline(always)]
    pub(in crate::unwind) fn find(&self, hash: Hash, from: Registers, memory: &Memory<'_>) -> Option<Hash> {
        let group = &self.groups[hash.place(GROUPS)];
        if group.tag == hash.tag() { group.name(hash, from, memory) } else { None }
    }

    /// A stack that may have the name, of [`WAYS`].
    #[inline(always)]
    pub(in crate::unwind) fn get(&self, name: Hash, way: usize) -> Option<Place> {
        let slot = self.sets[name.place(SETS)].0[way];
        (slot.tag == name.tag() && slot.place != 0).then_some(slot.place)
    }

    /// The name for the present stack, whose group is made when there is none.
    pub(in crate::unwind) fn make(
        &mut self,
        hash: Hash,
        from: Registers,
        memory: &Memory<'_>,
    ) -> Option<Hash> {
        let group = &mut self.groups[hash.place(GROUPS)];
        if group.tag != hash.tag() {
            *group = Group { tag: hash.tag(), count: 0, offsets: [0; TELLING], reach: 0 };
        }
        group.name(hash, from, memory)
    }

    /// The name when its group looks at one more word, at that offset. As it stands when there are too many.
    pub(in crate::unwind) fn lengthen(
        &mut self,
        hash: Hash,
        offset: u16,
        from: Registers,
        memory: &Memory<'_>,
    ) -> Option<Hash> {
        let group = &mut self.groups[hash.place(GROUPS)];
        if let Some(next) = group.offsets.get_mut(usize::from(group.count)) {
            *next = offset;
            group.count += 1;
            group.reach = group.reach.max(offset);
        }
        group.name(hash, from, memory)
    }

    /// Gives a name to a stack, in the place of the one that got it first.
    pub(in crate::unwind) fn insert(&mut self, name: Hash, place: Place) {
        let slots = &mut self.sets[name.place(SETS)].0;
        slots.copy_within(..WAYS - 1, 1);
        slots[0] = Slot { tag: name.tag(), place };
    }

    /// No stack has a name any more.
    pub(in crate::unwind) fn clear(&mut self) {
        self.sets.fill(Set([Slot { tag: 0, place: 0 }; WAYS]));
    }
}

/// The word at an offset from a stack pointer, in words.
///
/// # Safety
/// It must be readable, and the stack pointer aligned to words.
#[inline(always)]
pub(in crate::unwind) unsafe fn word(sp: usize, offset: u16) -> u64 {
    // SAFETY: the caller upholds it.
    unsafe { (sp as *const u64).add(usize::from(offset)).read_volatile() }
}
