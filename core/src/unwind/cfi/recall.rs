//! Recall: whole stacks that a thread has seen, each with the words that decided its walk.
//!
//! A remembered stack is *proven* to be the present one by reading those very words again: every input of the walk
//! is checked, so this is exact, not a heuristic. The words are independent loads that overlap, where walking is a
//! chain of dependent ones.
//!
//! Stacks stand one behind another in an arena that is written round and round; a set-associative index finds
//! them by the first two callers and the stack pointer.

use super::super::{End, Interned, Memory, Note, StackId};
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

/// What is known of a stack before it is walked: the first two callers, and the registers in the second.
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
struct Entry {
    first: u64,
    second: u64,
    sp: u64,
    fp: u64,
    stack: u32,
    words: u16,
    /// The largest offset.
    reach: u16,
    note: Note,
    uses_register: bool,
    cut: bool,
    end: u8,
    _pad: [u8; 5],
}

/// Words of the arena that an [`Entry`] takes.
const HEAD: usize = size_of::<Entry>() / 8;
const _: () = assert!(size_of::<Entry>() == 56, "seven words before the values");

impl Key {
    fn hash(self) -> u64 {
        (self.second as u64 ^ (self.sp as u64).rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn set(hash: u64) -> usize {
        (hash >> (64 - SETS.trailing_zeros())) as usize
    }
}

impl Recall {
    /// The stack of `key`, when one is remembered whose words are all unchanged.
    #[inline(always)]
    pub(super) fn find(&mut self, key: Key, memory: &Memory<'_>) -> Option<(Interned, End, &mut Note)> {
        let hash = key.hash();
        let set = &self.sets[Key::set(hash)];
        for slot in &set.slots {
            if slot.hash != hash as u32 {
                continue;
            }
            if let Some(place) = self.checked(slot.place, key, memory) {
                // SAFETY: `checked` found a whole entry at the place.
                let entry = unsafe { &mut *self.arena.as_mut_ptr().add(place).cast::<Entry>() };
                let end = match entry.end {
                    0 => End::Complete,
                    1 => End::TooDeep,
                    _ => End::Stopped,
                };
                return Some((
                    Interned { stack: StackId(entry.stack), cut: entry.cut },
                    end,
                    &mut entry.note,
                ));
            }
        }
        None
    }

    /// The index in the arena of the entry that a slot names, when it is still there, of this key, and unchanged.
    #[inline(always)]
    fn checked(&self, place: u32, key: Key, memory: &Memory<'_>) -> Option<usize> {
        let place = place.checked_sub(1)?;
        if self.next - place > ARENA as u32 {
            return None;
        }
        let place = place as usize % ARENA;
        // SAFETY: entries are stored whole within the arena, aligned to words, of plain integers; the place is that of
        // one that has not been written over since (`next` has not come round to it).
        let entry = unsafe { &*self.arena.as_ptr().add(place).cast::<Entry>() };
        let same = entry.sp == key.sp as u64
            && entry.second == key.second as u64
            && entry.first == key.first as u64
            && (!entry.uses_register || entry.fp == key.fp as u64);
        let high = key.sp + (usize::from(entry.reach) + 1) * WORD;
        if !same || !memory.contains(key.sp, high) {
            return None;
        }
        let count = usize::from(entry.words);
        // SAFETY: the entry's values and offsets follow it in the arena.
        let (values, offsets) = unsafe {
            let values = self.arena.as_ptr().add(place + HEAD);
            (
                core::slice::from_raw_parts(values, count),
                core::slice::from_raw_parts(values.add(count).cast::<u16>(), count),
            )
        };
        // SAFETY: offsets are at most `reach`, and the words up to it were found to be readable stack above; the stack
        // pointer of a caller's frame is aligned to words.
        let now =
            |offset: u16| unsafe { (key.sp as *const usize).add(usize::from(offset)).read_volatile() } as u64;
        let (mut values, mut offsets) = (values.chunks_exact(4), offsets.chunks_exact(4));
        for (value, offset) in (&mut values).zip(&mut offsets) {
            let differ = (now(offset[0]) ^ value[0])
                | (now(offset[1]) ^ value[1])
                | (now(offset[2]) ^ value[2])
                | (now(offset[3]) ^ value[3]);
            if differ != 0 {
                return None;
            }
        }
        let mut rest = values.remainder().iter().zip(offsets.remainder());
        rest.all(|(value, offset)| now(*offset) == *value).then_some(place)
    }

    /// Remembers a stack: the note beside it, or `None` when it depends on words that are too many or too far away.
    pub(super) fn store(
        &mut self,
        key: Key,
        trace: &Words,
        interned: Interned,
        end: End,
    ) -> Option<&mut Note> {
        let words = &trace.words;
        let offset = |address: usize| u16::try_from(address.checked_sub(key.sp)? / WORD).ok();
        let reach = words.iter().try_fold(0, |most: u16, word| Some(most.max(offset(word.address)?)))?;
        if trace.overflow || key.sp % WORD != 0 {
            return None;
        }
        let length = HEAD + words.len() + words.len().div_ceil(4);
        let place = self.make_room(length);
        let entry = Entry {
            first: key.first as u64,
            second: key.second as u64,
            sp: key.sp as u64,
            fp: key.fp as u64,
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
            _pad: [0; 5],
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
        // SAFETY: `make_room` found room for the whole entry at the place.
        let stored = unsafe { &mut *self.arena.as_mut_ptr().add(place).cast::<Entry>() };
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
            self.next = 0;
        }
        let place = self.next as usize % ARENA;
        self.next += length as u32;
        place
    }
}
