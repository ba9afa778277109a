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
        // SAFETY: `count` values stand behind the entry and as many offsets behind them, as they were stored.
        let values = unsafe { self.arena.as_mut_ptr().add(place + HEAD) };
        // SAFETY: as above.
        let offsets = unsafe { values.add(count).cast::<u16>() };
        // SAFETY: `i` is less than `count`; offsets are at most `reach`, and the words up to it were found to be
        // readable stack above; the stack pointer is that of an entry, which is aligned to words.
        let differs = |i: usize| unsafe {
            let now = (from.sp as *const u64).add(usize::from(offsets.add(i).read())).read_volatile();
            now ^ values.add(i).read()
        };
        let mut i = 0;
        while i + 4 <= count {
            if differs(i) | differs(i + 1) | differs(i + 2) | differs(i + 3) != 0 {
                break;
            }
            i += 4;
        }
        while i < count {
            if differs(i) != 0 {
                // What told this stack from the present one will tell it again: look there first.
                // SAFETY: both are less than `count`.
                unsafe {
                    values.swap(values.add(i));
                    offsets.swap(offsets.add(i));
                }
                return None;
            }
            i += 1;
        }
        self.last = named;
        Some(place)
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
        let length = HEAD + words.len() + words.len().div_ceil(4);
        let place = self.make_room(length);
        let entry = Entry {
            pc: from.pc as u64,
            sp: from.sp as u64,
            fp: from.fp as u64,
            stack: interned.stack.0,
            words: words.len() as u16,
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
        for (value, word) in self.arena[place + HEAD..].iter_mut().zip(words) {
            *value = word.value as u64;
        }
        let packed = &mut self.arena[place + HEAD + words.len()..place + length];
        for (four, packed) in words.chunks(4).zip(packed) {
            let mut bytes = [0; 8];
            for (bytes, word) in bytes.chunks_exact_mut(2).zip(four) {
                bytes.copy_from_slice(&offset(word.address)?.to_ne_bytes());
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
