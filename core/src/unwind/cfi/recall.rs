//! Recall: whole stacks that a thread has seen, each with the words that decided its walk.
//!
//! A remembered stack is *proven* to be the present one by reading those very words again: every input of the walk
//! is checked, so this is exact, not a heuristic. The words are independent loads that overlap, where walking is a
//! chain of dependent ones.
//!
//! Stacks stand one behind another in an arena that is written round and round. A loop comes by its call sites in turn,
//! so the stack that followed last time is tried first, with nothing unwound; else a set-associative index finds them
//! by the first two callers and the stack pointer.

use super::super::{End, Interned, Memory, Note, Registers, StackId};
use super::trace::Words;

const WORD: usize = size_of::<usize>();
/// Words of the arena: 1 MiB, some 3000 stacks of 24 frames. Pages that are not used are not resident.
const ARENA: usize = 1 << 17;
const SETS: usize = 1 << 10;
/// Words that are compared before a decision. Stacks have a multiple of it: the last word stands several times.
const AT_ONCE: usize = 8;
/// Stacks of one key: a function that is called at one depth from different places.
const WAYS: usize = 8;

/// All-zero is empty.
pub(super) struct Recall {
    sets: [Set; SETS],
    /// Where the next stack goes: counts words written, modulo [`ARENA`] the place.
    next: u32,
    /// The stack found last: its place plus one.
    last: u32,
    arena: [u64; ARENA],
}

/// One cache line: most recently stored first.
#[repr(C, align(64))]
struct Set {
    slots: [Slot; WAYS],
}

/// `place` is the stack's place plus one, 0 for none.
#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    hash: u32,
    place: u32,
}

/// What is looked up: the first two callers, and the registers in the second.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) first: usize,
    pub(super) second: usize,
    pub(super) sp: usize,
    pub(super) fp: usize,
}

/// A stack in the arena: this, then the values of the words, then their offsets from the stack pointer in words,
/// four to a word of the arena.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Entry {
    /// The registers that the walk began with.
    pc: u64,
    sp: u64,
    fp: u64,
    stack: u32,
    words: u16,
    /// The largest offset.
    reach: u16,
    pub(super) note: Note,
    uses_register: bool,
    cut: bool,
    end: u8,
    _pad: u8,
    /// The stack that was found after this one, its place plus one.
    follower: u32,
}

/// Words of the arena that an [`Entry`] takes.
const HEAD: usize = size_of::<Entry>() / 8;
const _: () = assert!(size_of::<Entry>() == 48, "six words before the values");

impl Key {
    fn hash(self) -> u64 {
        (self.second as u64 ^ (self.sp as u64).rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn set(hash: u64) -> usize {
        (hash >> (64 - SETS.trailing_zeros())) as usize
    }
}

impl Entry {
    /// The stack, and how its walk ended.
    pub(super) fn stack(&self) -> (Interned, End) {
        let end = match self.end {
            0 => End::Complete,
            1 => End::TooDeep,
            _ => End::Stopped,
        };
        (Interned { stack: StackId(self.stack), cut: self.cut }, end)
    }

    /// Whether nothing about the stack is lost.
    #[inline(always)]
    pub(super) fn is_complete(&self) -> bool {
        self.end == 0 && !self.cut
    }
}

impl Recall {
    /// The stack that followed the last one when that was found before, when all its words are unchanged: its index.
    #[inline(always)]
    pub(super) fn follow(&mut self, from: Registers, memory: &Memory<'_>) -> Option<usize> {
        let last = self.place(self.last)?;
        let follower = self.entry(last).follower;
        self.checked(follower, from, memory)
    }

    /// The stack of `key`, when one is remembered whose words are all unchanged: its index.
    #[inline(never)]
    pub(super) fn search(&mut self, key: Key, from: Registers, memory: &Memory<'_>) -> Option<usize> {
        let hash = key.hash();
        for way in 0..WAYS {
            let slot = self.sets[Key::set(hash)].slots[way];
            if slot.hash == hash as u32 {
                let last = self.last;
                if let Some(found) = self.checked(slot.place, from, memory) {
                    if let Some(place) = self.place(last) {
                        self.entry(place).follower = slot.place;
                    }
                    return Some(found);
                }
            }
        }
        None
    }

    /// The index in the arena of a place plus one, when what was stored there is still there.
    #[inline(always)]
    fn place(&self, place: u32) -> Option<usize> {
        let place = place.checked_sub(1)?;
        (self.next - place <= ARENA as u32).then_some(place as usize % ARENA)
    }

    /// The entry at an index that was found.
    #[inline(always)]
    pub(super) fn entry(&mut self, place: usize) -> &mut Entry {
        debug_assert!(place + HEAD <= ARENA);
        // SAFETY: entries are stored whole within the arena, aligned to words, of plain integers; `place` found one
        // there that has not been written over since.
        unsafe { &mut *self.arena.as_mut_ptr().add(place).cast::<Entry>() }
    }

    /// The index in the arena of the entry that a slot names, when it is still there, of a walk from
    /// these registers, and unchanged.
    #[inline(always)]
    fn checked(&mut self, named: u32, from: Registers, memory: &Memory<'_>) -> Option<usize> {
        let place = self.place(named)?;
        let entry = self.entry(place);
        let same = entry.sp == from.sp as u64
            && entry.pc == from.pc as u64
            && (!entry.uses_register || entry.fp == from.fp as u64);
        let high = from.sp + (usize::from(entry.reach) + 1) * WORD;
        if !same || !memory.contains(from.sp, high) {
            return None;
        }
        let count = usize::from(entry.words);
        // SAFETY: the words up to `reach` were found to be readable stack above; the stack pointer is that of an entry,
        // which is aligned to words.
        let differs = |word: (u16, u64)| unsafe {
            (from.sp as *const u64).add(usize::from(word.0)).read_volatile() != word.1
        };
        let (values, offsets) = self.words(place, count);
        let (values, offsets) = (values.as_chunks::<AT_ONCE>().0, offsets.as_chunks::<AT_ONCE>().0);
        for (value, offset) in values.iter().zip(offsets) {
            let one = |i: usize| differs((offset[i], value[i]));
            if one(0) || one(1) || one(2) || one(3) || one(4) || one(5) || one(6) || one(7) {
                self.advance_difference(place, count, differs);
                return None;
            }
        }
        self.last = named;
        Some(place)
    }

    /// Puts the first word that differs in front: what told a stack from the present one will tell it again.
    #[cold]
    #[inline(never)]
    fn advance_difference(&mut self, place: usize, count: usize, differs: impl Fn((u16, u64)) -> bool) {
        let (values, offsets) = self.words(place, count);
        if let Some(told) = (0..count).find(|&i| differs((offsets[i], values[i]))) {
            values.swap(0, told);
            offsets.swap(0, told);
        }
    }

    /// The values and the offsets behind the entry at an index.
    #[inline(always)]
    fn words(&mut self, place: usize, count: usize) -> (&mut [u64], &mut [u16]) {
        // SAFETY: `count` values stand behind the entry and as many offsets behind them, as they were stored.
        unsafe {
            let values = self.arena.as_mut_ptr().add(place + HEAD);
            let offsets = values.add(count).cast();
            (core::slice::from_raw_parts_mut(values, count), core::slice::from_raw_parts_mut(offsets, count))
        }
    }

    /// Remembers a stack: the note beside it, or `None` when it depends on words that are too many or too far away.
    pub(super) fn store(
        &mut self,
        key: Key,
        from: Registers,
        trace: &Words,
        interned: Interned,
        end: End,
    ) -> Option<&mut Note> {
        let words = &trace.words;
        let offset = |address: usize| u16::try_from(address.checked_sub(from.sp)? / WORD).ok();
        let reach = words.iter().try_fold(0, |most: u16, word| Some(most.max(offset(word.address)?)))?;
        if trace.overflow || !from.sp.is_multiple_of(WORD) {
            return None;
        }
        let count = words.len().next_multiple_of(AT_ONCE);
        let length = HEAD + count + count / 4;
        let place = self.make_room(length);
        let entry = Entry {
            pc: from.pc as u64,
            sp: from.sp as u64,
            fp: from.fp as u64,
            stack: interned.stack.0,
            words: count as u16,
            reach,
            note: Note::default(),
            uses_register: trace.uses_register,
            cut: interned.cut,
            end: match end {
                End::Complete => 0,
                End::TooDeep => 1,
                End::Stopped => 2,
            },
            _pad: 0,
            follower: 0,
        };
        let padded = |i: usize| words.get(i).or(words.last());
        let (values, offsets) = self.arena[place + HEAD..place + length].split_at_mut(count);
        for (i, value) in values.iter_mut().enumerate() {
            *value = padded(i)?.value as u64;
        }
        for (i, packed) in offsets.iter_mut().enumerate() {
            let mut bytes = [0; 8];
            for (k, bytes) in bytes.chunks_exact_mut(2).enumerate() {
                bytes.copy_from_slice(&offset(padded(4 * i + k)?.address)?.to_ne_bytes());
            }
            *packed = u64::from_ne_bytes(bytes);
        }
        let hash = key.hash();
        let slots = &mut self.sets[Key::set(hash)].slots;
        slots.copy_within(..WAYS - 1, 1);
        slots[0] = Slot { hash: hash as u32, place: self.next - length as u32 + 1 };
        let stored = self.entry(place);
        *stored = entry;
        Some(&mut stored.note)
    }

    /// Room for `length` words in one piece: their index.
    fn make_room(&mut self, length: usize) -> usize {
        let place = self.next as usize % ARENA;
        if place + length > ARENA {
            // The rest of the arena is too short.
            self.next += (ARENA - place) as u32;
        }
        if self.next > u32::MAX - 4 * ARENA as u32 {
            // Before the count wraps around, forget everything.
            self.sets.iter_mut().for_each(|set| set.slots = [Slot { hash: 0, place: 0 }; WAYS]);
            (self.next, self.last) = (0, 0);
        }
        let place = self.next as usize % ARENA;
        self.next += length as u32;
        place
    }
}
