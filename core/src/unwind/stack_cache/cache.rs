//! Recall: whole stacks that a thread has seen, each with the words that decided its walk.
//!
//! A remembered stack is *proven* to be the present one by reading those very words again: every input of the walk
//! is checked, so this is exact, not a heuristic. The words are independent loads that overlap, where walking is a
//! chain of dependent ones.
//!
//! Stacks stand one behind another in an arena, until it is full and all are forgotten. A loop comes by its call sites
//! in turn, each once or several times, so the last stack, if it tends to come again, and the one that followed it last time
//! are tried first, with nothing unwound; else they are found by [name](super::fingerprint).

use super::fingerprint::{Hash, Names, WAYS, word};
use super::trace::Words;
use crate::unwind::{End, Interned, LastCell, Memory, Registers, StackId};

const WORD: usize = size_of::<usize>();
/// Words of the arena: 1 MiB, some 3000 stacks of 24 frames. Pages that are not used are not resident.
const ARENA: usize = 1 << 17;
/// Words that are compared in one go. Stacks have a multiple of it: the last word stands several times, so that more would
/// compare more in vain.
const AT_ONCE: usize = 4;
/// Where an entry stands in the arena. At 0 stands none: an entry of zeros, which is no stack's, for no stack pointer
/// is 0.
pub(in crate::unwind) type Place = u32;

/// All-zero is empty.
pub(in crate::unwind) struct Recall {
    names: Names,
    /// Words of the arena that are used; 0 is as many as the entry of zeros has.
    used: Place,
    /// The stack found last.
    last: Place,
    arena: [u64; ARENA],
}

/// A stack in the arena: this, then the values of the words, then their offsets from the stack pointer in words,
/// four to a word of the arena.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::unwind) struct Entry {
    /// The registers that the walk began with.
    pc: u64,
    sp: u64,
    fp: u64,
    /// All ones when the frame pointer decided, else zero.
    fp_decides: u64,
    stack: u32,
    words: u16,
    /// The largest offset.
    reach: u16,
    pub(in crate::unwind) last_cell: LastCell,
    /// The stack that was found after this one.
    follower: Place,
    /// All words lie on the thread's own stack: they can be read whenever its stack pointer is this one.
    lasting: bool,
    /// How the walk ended, and [`CUT`]: 0 when nothing about the stack is lost.
    lost: u8,
    /// How often it is still expected to come again at once.
    again: u8,
}

/// Not all of the stack found room in the table.
const CUT: u8 = 1 << 7;
/// So often must a stack that came again fail to do so until it is no longer expected to.
const MOST_AGAIN: u8 = 2;

/// Words of the arena that an [`Entry`] takes.
const HEAD: usize = size_of::<Entry>() / 8;
const _: () = assert!(size_of::<Entry>() == 56, "seven words before the values");

impl Entry {
    /// The stack, and how its walk ended.
    pub(in crate::unwind) fn stack(&self) -> (Interned, End) {
        let end = match self.lost & !CUT {
            0 => End::Complete,
            1 => End::TooDeep,
            _ => End::Stopped,
        };
        (Interned { stack: StackId(self.stack), cut: self.lost & CUT != 0 }, end)
    }

    /// The note, when nothing about the stack is lost: losses are counted at every event.
    #[inline(always)]
    pub(in crate::unwind) fn last_cell(&self) -> LastCell {
        if self.lost == 0 { self.last_cell } else { LastCell::NONE }
    }

    #[inline(always)]
    fn is_from(&self, from: Registers) -> bool {
        let differs = (self.pc ^ from.pc as u64)
            | (self.sp ^ from.sp as u64)
            | (self.fp ^ from.fp as u64) & self.fp_decides;
        differs == 0
    }
}

impl Recall {
    /// The note of the last stack again when that is expected, or of the one that followed it before, when it is on the
    /// thread's own stack and all its words are unchanged. (The registers one by one stay in registers.)
    #[inline(never)]
    pub(in crate::unwind) fn follow(&mut self, pc: usize, sp: usize, fp: usize) -> LastCell {
        let from = Registers { pc, sp, fp };
        let last = self.last;
        let again = self.entry(last).again;
        if again > 0 {
            let is_last = self.is_here_again(last, from);
            let entry = self.entry(last);
            if is_last {
                entry.again = MOST_AGAIN;
                return entry.last_cell();
            }
            entry.again = again - 1;
        }
        let place = self.entry(last).follower;
        if !self.is_here_again(place, from) {
            return LastCell::NONE;
        }
        self.last = place;
        self.entry(place).last_cell()
    }

    /// Whether the stack of an entry is the present one, and on the thread's own stack.
    #[inline(always)]
    fn is_here_again(&mut self, place: Place, from: Registers) -> bool {
        let entry = self.entry(place);
        // SAFETY: the words lay on the thread's own stack when they were remembered, at offsets from this very stack
        // pointer; a stack keeps what is above its stack pointer.
        entry.lasting && entry.is_from(from) && unsafe { self.is_unchanged(place, from) }
    }

    /// The stack of that hash, when one is remembered whose words are all unchanged.
    #[inline(always)]
    pub(in crate::unwind) fn search(
        &mut self,
        hash: Hash,
        from: Registers,
        memory: &Memory<'_>,
    ) -> Option<Place> {
        let name = self.names.find(hash, from, memory)?;
        for way in 0..WAYS {
            if let Some(place) = self.names.get(name, way)
                && self.is_here(place, from, memory)
            {
                self.link(place);
                return Some(place);
            }
        }
        None
    }

    /// The stack that was found follows the last one.
    #[inline(always)]
    fn link(&mut self, place: Place) {
        let last = self.last;
        if last == place {
            self.entry(place).again = MOST_AGAIN;
        } else if last != 0 {
            self.entry(last).follower = place;
        }
        self.last = place;
    }

    /// Whether the stack of an entry is the present one.
    #[inline(always)]
    fn is_here(&mut self, place: Place, from: Registers, memory: &Memory<'_>) -> bool {
        let entry = self.entry(place);
        let high = from.sp + (usize::from(entry.reach) + 1) * WORD;
        // SAFETY: the words up to `reach` are readable stack.
        entry.is_from(from) && memory.contains(from.sp, high) && unsafe { self.is_unchanged(place, from) }
    }

    /// The entry at a place that was found.
    #[inline(always)]
    pub(in crate::unwind) fn entry(&mut self, place: Place) -> &mut Entry {
        let place = place as usize;
        debug_assert!(place + HEAD <= ARENA);
        // SAFETY: places are those of entries that were stored whole within the arena, aligned to words, of plain
        // integers (`make_room` forgets all places when it begins to write over them), or 0, where zeros stand.
        unsafe { &mut *self.arena.as_mut_ptr().add(place).cast::<Entry>() }
    }

    /// Whether all words of an entry are what they were.
    ///
    /// # Safety
    /// The words from `from.sp` up to the entry's `reach` must be readable.
    #[inline(always)]
    unsafe fn is_unchanged(&mut self, place: Place, from: Registers) -> bool {
        let count = usize::from(self.entry(place).words);
        let (values, offsets) = self.words(place, count);
        let (values, offsets) = (values.as_chunks::<AT_ONCE>().0, offsets.as_chunks::<AT_ONCE>().0);
        for (nth, (value, offset)) in values.iter().zip(offsets).enumerate() {
            // SAFETY: the caller upholds it; the stack pointer is that of an entry, which is aligned to words.
            let one = |i: usize| unsafe { word(from.sp, offset[i]) } != value[i];
            if one(0) || one(1) || one(2) || one(3) {
                if nth > 0 {
                    self.advance_difference(place, from.sp);
                }
                return false;
            }
        }
        true
    }

    /// Puts the first word that differs among those that are compared first: what told a stack from the present one will
    /// tell it again.
    #[cold]
    #[inline(never)]
    fn advance_difference(&mut self, place: Place, sp: usize) {
        let count = usize::from(self.entry(place).words);
        let (values, offsets) = self.words(place, count);
        // SAFETY: the words were just read, at offsets from this stack pointer.
        let told = (0..count).find(|&i| unsafe { word(sp, offsets[i]) } != values[i]);
        if let Some(told) = told {
            let first = told % AT_ONCE;
            values.swap(first, told);
            offsets.swap(first, told);
        }
    }

    /// The values and the offsets behind the entry at a place.
    #[inline(always)]
    fn words(&mut self, place: Place, count: usize) -> (&mut [u64], &mut [u16]) {
        // SAFETY: `count` values stand behind the entry and as many offsets behind them, as they were stored.
        unsafe {
            let values = self.arena.as_mut_ptr().add(place as usize + HEAD);
            let offsets = values.add(count).cast();
            (core::slice::from_raw_parts_mut(values, count), core::slice::from_raw_parts_mut(offsets, count))
        }
    }

    /// Remembers a stack: the note beside it, or `None` when it depends on words that are too many or too far away.
    /// `memory` is the stack that the walk began on.
    pub(in crate::unwind) fn store(
        &mut self,
        hash: Hash,
        from: Registers,
        memory: &Memory<'_>,
        trace: &Words,
        (interned, end): (Interned, End),
    ) -> Option<&mut LastCell> {
        let words = &trace.words;
        let offset = |address: usize| u16::try_from(address.checked_sub(from.sp)? / WORD).ok();
        let reach = words.iter().try_fold(0, |most: u16, word| Some(most.max(offset(word.address)?)))?;
        if trace.overflow || !from.sp.is_multiple_of(WORD) {
            return None;
        }
        let count = words.len().next_multiple_of(AT_ONCE);
        let length = HEAD + count + count / 4;
        let place = self.make_room(length);
        let high = from.sp + (usize::from(reach) + 1) * WORD;
        let ended = match end {
            End::Complete => 0,
            End::TooDeep => 1,
            End::Stopped => 2,
        };
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
            lost: if interned.cut { CUT | ended } else { ended },
            again: 0,
        };
        let padded = |i: usize| words.get(i).or(words.last());
        let start = place as usize + HEAD;
        let (values, offsets) = self.arena[start..place as usize + length].split_at_mut(count);
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
        *self.entry(place) = entry;
        self.name(hash, place, from, memory);
        self.link(place);
        Some(&mut self.entry(place).last_cell)
    }

    /// Names the present stack. One that has the same name already makes it a longer one.
    fn name(&mut self, hash: Hash, place: Place, from: Registers, memory: &Memory<'_>) {
        let Some(mut name) = self.names.make(hash, from, memory) else { return };
        let double = (0..WAYS).find_map(|way| self.names.get(name, way));
        if let Some(offset) = double.and_then(|double| self.difference(double, from, memory)) {
            let Some(longer) = self.names.lengthen(hash, offset, from, memory) else { return };
            name = longer;
        }
        self.names.insert(name, place);
    }

    /// Where an entry of the same registers differs from the present stack.
    fn difference(&mut self, place: Place, from: Registers, memory: &Memory<'_>) -> Option<u16> {
        let entry = *self.entry(place);
        if !entry.is_from(from) {
            return None;
        }
        let (values, offsets) = self.words(place, entry.words.into());
        let mut words = values.iter().zip(offsets.iter());
        let told = words.find(|(value, offset)| {
            memory.read(from.sp + usize::from(**offset) * WORD).is_some_and(|word| word as u64 != **value)
        });
        told.map(|(_, &offset)| offset)
    }

    /// Room for `length` words. When the arena is full all stacks are forgotten: those that are still in use are soon
    /// there again.
    fn make_room(&mut self, length: usize) -> Place {
        let mut place = (self.used as usize).max(HEAD);
        if place + length > ARENA {
            self.clear();
            place = HEAD;
        }
        self.used = (place + length) as Place;
        place as Place
    }

    /// Forgets all stacks.
    pub(in crate::unwind) fn clear(&mut self) {
        self.names.clear();
        (self.used, self.last) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unwind::rules::rule::Trace;
    use std::boxed::Box;

    /// An empty cache, and a list of no words.
    fn empty() -> (Box<Recall>, Box<Words>) {
        // SAFETY: all-zero is a value of both.
        unsafe { (Box::new_zeroed().assume_init(), Box::new_zeroed().assume_init()) }
    }

    /// A remembered stack is found as long as all words that decided its walk are unchanged; with any one of them changed
    /// it is not, wherever that one is.
    #[test]
    fn each_word_that_decided_is_compared() {
        let (mut recall, mut trace) = empty();
        let mut stack = [0usize; 128];
        let low = stack.as_mut_ptr().expose_provenance();
        let bounds = (low, low + size_of_val(&stack));
        let prove = |_| Some(bounds);
        let memory = Memory::at(low, &prove, || bounds).expect("the bounds are known");
        for count in [1, 4, 5, 23, 24] {
            let from = Registers { pc: count, sp: low, fp: 0 };
            let hash = Hash::new(7, from);
            trace.begin();
            (0..count).for_each(|nth| _ = trace.read(&memory, low + 5 * nth * WORD));
            let interned = Interned { stack: StackId(9), cut: false };
            let note = recall.store(hash, from, &memory, &trace, (interned, End::Complete));
            *note.expect("there is room") = LastCell { cell: 3, label: 1 };
            let is_found = |recall: &mut Recall| {
                let again = recall.follow(from.pc, from.sp, from.fp) != LastCell::NONE;
                let found = recall.search(hash, from, &memory).is_some();
                assert_eq!(again, found);
                found
            };
            assert!(recall.search(hash, from, &memory).is_some() && is_found(&mut recall));
            for nth in 0..count {
                let changed = &mut core::hint::black_box(&mut stack)[5 * nth];
                *changed ^= 1;
                assert!(!is_found(&mut recall), "word {nth} of {count}");
                core::hint::black_box(&mut stack)[5 * nth] ^= 1;
                assert!(recall.search(hash, from, &memory).is_some(), "word {nth} of {count}");
                assert!(is_found(&mut recall), "word {nth} of {count}");
            }
        }
    }

    /// Words of a stack that is not the thread's own may be unmapped by the time they are compared: it is found by its name,
    /// which asks what is readable, and never followed.
    #[test]
    fn a_stack_that_may_be_unmapped_is_not_followed() {
        let (mut recall, mut trace) = empty();
        let mut stack = [0usize; 16];
        let low = stack.as_mut_ptr().expose_provenance();
        let high = low + size_of_val(&stack);
        let prove = |_| Some((low, high));
        for (own, is_followed) in [((low, high), true), ((low, high + 1), false), ((low + 1, high), false)] {
            let memory = Memory::at(low, &prove, || own).expect("the bounds are known");
            let from = Registers { pc: 1, sp: low, fp: 0 };
            let hash = Hash::new(7, from);
            recall.clear();
            trace.begin();
            trace.read(&memory, low + WORD);
            let interned = Interned { stack: StackId(9), cut: false };
            let note = recall.store(hash, from, &memory, &trace, (interned, End::Complete));
            *note.expect("there is room") = LastCell { cell: 3, label: 1 };
            // Twice: as the last one it is expected to come again.
            assert!(
                recall.search(hash, from, &memory).is_some() && recall.search(hash, from, &memory).is_some()
            );
            assert_eq!(recall.follow(from.pc, from.sp, from.fp) != LastCell::NONE, is_followed, "{own:?}");
        }
    }
}
