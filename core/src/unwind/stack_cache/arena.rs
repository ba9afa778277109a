//! The arena: remembered stacks, one behind another, until it is full.
//!
//! # Entry
//! A remembered stack: [`Entry`], then the values of the words that decided its walk, then the offsets of these words from
//! the stack pointer.
//!
//! # Position
//! The place of an entry in the arena. Position 0 is an entry of zeros, which is the entry of no stack.

use crate::limits::ARENA_WORDS;
use crate::unwind::{End, Interned, LastCell, Memory, Registers, StackId};

const WORD: usize = size_of::<usize>();
/// Words that are compared together. An entry has a multiple of it: the last word is stored several times, so a larger number
/// would compare more for nothing.
const AT_ONCE: usize = 4;

/// The place of an entry, in words.
pub(super) type Position = u32;

/// All-zero is empty.
pub(super) struct Arena {
    /// Words in use; 0 is the same as the length of the entry of zeros.
    used: Position,
    words: [u64; ARENA_WORDS],
}

/// A stack, as it begins in the arena. The values follow, then the offsets in words, four to a word of the arena.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::unwind) struct Entry {
    /// The registers with which the walk began.
    pub(super) pc: u64,
    pub(super) sp: u64,
    pub(super) fp: u64,
    /// All ones when the frame pointer decided, else zero.
    pub(super) fp_decides: u64,
    pub(super) stack: u32,
    /// How many values follow.
    pub(super) words: u16,
    /// The largest offset.
    pub(super) reach: u16,
    pub(in crate::unwind) last_cell: LastCell,
    /// The stack that the cache found after this one.
    pub(super) follower: Position,
    /// All words are on the thread's own stack: they are readable whenever the stack pointer is this one.
    pub(super) lasting: bool,
    /// How the walk ended, and [`CUT`]: 0 when nothing of the stack is lost.
    pub(super) lost: u8,
    /// How often the cache still predicts that the stack repeats.
    pub(super) repeats: u8,
}

/// The stack table had no room for the whole stack.
const CUT: u8 = 1 << 7;

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

    /// The value of `lost` for a stack.
    pub(super) fn lost(cut: bool, end: End) -> u8 {
        let ended = match end {
            End::Complete => 0,
            End::TooDeep => 1,
            End::Stopped => 2,
        };
        if cut { CUT | ended } else { ended }
    }

    /// The last cell, when nothing of the stack is lost: a loss is counted at each event.
    #[inline(always)]
    pub(in crate::unwind) fn last_cell(&self) -> LastCell {
        if self.lost == 0 { self.last_cell } else { LastCell::NONE }
    }

    #[inline(always)]
    pub(super) fn is_from(&self, from: Registers) -> bool {
        let differs = (self.pc ^ from.pc as u64)
            | (self.sp ^ from.sp as u64)
            | (self.fp ^ from.fp as u64) & self.fp_decides;
        differs == 0
    }
}

impl Arena {
    /// The entry at a position that [`store`](Self::store) returned since the last [`clear`](Self::clear), or at 0.
    #[inline(always)]
    pub(super) fn entry(&mut self, at: Position) -> &mut Entry {
        let at = at as usize;
        debug_assert!(at + HEAD <= ARENA_WORDS);
        // SAFETY: a position is that of an entry that was stored whole within the arena, aligned to words, of plain integers
        // (the cache forgets all positions when the arena is cleared), or 0, where there are zeros.
        unsafe { &mut *self.words.as_mut_ptr().add(at).cast::<Entry>() }
    }

    /// Whether all words of an entry have the values that they had.
    ///
    /// # Safety
    /// The words from `from.sp` up to the entry's `reach` must be readable.
    #[inline(always)]
    pub(super) unsafe fn is_unchanged(&mut self, at: Position, from: Registers) -> bool {
        let count = usize::from(self.entry(at).words);
        let (values, offsets) = self.words(at, count);
        let (values, offsets) = (values.as_chunks::<AT_ONCE>().0, offsets.as_chunks::<AT_ONCE>().0);
        for (nth, (value, offset)) in values.iter().zip(offsets).enumerate() {
            // SAFETY: the caller upholds it; the stack pointer is that of an entry, which is aligned to words.
            let one = |i: usize| unsafe { word(from.sp, offset[i]) } != value[i];
            if one(0) || one(1) || one(2) || one(3) {
                if nth > 0 {
                    self.advance_difference(at, from.sp);
                }
                return false;
            }
        }
        true
    }

    /// Moves the first word that differs to the words that are compared first: a word that distinguished the stack from the
    /// current one will do so again.
    #[cold]
    #[inline(never)]
    fn advance_difference(&mut self, at: Position, sp: usize) {
        let count = usize::from(self.entry(at).words);
        let (values, offsets) = self.words(at, count);
        // SAFETY: the words were just read, at offsets from this stack pointer.
        let differs = (0..count).find(|&i| unsafe { word(sp, offsets[i]) } != values[i]);
        if let Some(differs) = differs {
            let first = differs % AT_ONCE;
            values.swap(first, differs);
            offsets.swap(first, differs);
        }
    }

    /// The offset of the first word in which an entry of the same registers differs from the current stack.
    pub(super) fn difference(&mut self, at: Position, from: Registers, memory: &Memory<'_>) -> Option<u16> {
        let entry = *self.entry(at);
        if !entry.is_from(from) {
            return None;
        }
        let (values, offsets) = self.words(at, entry.words.into());
        let mut words = values.iter().zip(offsets.iter());
        let differs = words.find(|(value, offset)| {
            memory.read(from.sp + usize::from(**offset) * WORD).is_some_and(|word| word as u64 != **value)
        });
        differs.map(|(_, &offset)| offset)
    }

    /// The values and the offsets behind an entry.
    #[inline(always)]
    fn words(&mut self, at: Position, count: usize) -> (&mut [u64], &mut [u16]) {
        // SAFETY: `count` values follow the entry and as many offsets follow them, as they were stored.
        unsafe {
            let values = self.words.as_mut_ptr().add(at as usize + HEAD);
            let offsets = values.add(count).cast();
            (core::slice::from_raw_parts_mut(values, count), core::slice::from_raw_parts_mut(offsets, count))
        }
    }

    /// How many values an entry for that many words has.
    pub(super) fn padded(words: usize) -> usize {
        words.next_multiple_of(AT_ONCE)
    }

    /// Whether there is room for an entry with that many values.
    pub(super) fn has_room(&self, count: usize) -> bool {
        self.next() + Self::length(count) <= ARENA_WORDS
    }

    fn next(&self) -> usize {
        (self.used as usize).max(HEAD)
    }

    fn length(count: usize) -> usize {
        HEAD + count + count / 4
    }

    /// Stores an entry with `entry.words` values, when there is room for it. `None` from `value` or
    /// `offset` means that the word is missing.
    pub(super) fn store(
        &mut self,
        entry: Entry,
        value: impl Fn(usize) -> Option<u64>,
        offset: impl Fn(usize) -> Option<u16>,
    ) -> Option<Position> {
        let (at, count) = (self.next(), usize::from(entry.words));
        let entries = self.words.get_mut(at..at + Self::length(count))?;
        let (values, offsets) = entries.get_mut(HEAD..)?.split_at_mut_checked(count)?;
        for (i, stored) in values.iter_mut().enumerate() {
            *stored = value(i)?;
        }
        for (i, packed) in offsets.iter_mut().enumerate() {
            let mut bytes = [0; 8];
            for (k, bytes) in bytes.chunks_exact_mut(2).enumerate() {
                bytes.copy_from_slice(&offset(4 * i + k)?.to_ne_bytes());
            }
            *packed = u64::from_ne_bytes(bytes);
        }
        self.used = (at + Self::length(count)) as Position;
        *self.entry(at as Position) = entry;
        Some(at as Position)
    }

    /// Forgets all entries.
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }
}

/// The word at an offset from a stack pointer, in words.
///
/// # Safety
/// It must be readable, and the stack pointer aligned to words.
#[inline(always)]
pub(super) unsafe fn word(sp: usize, offset: u16) -> u64 {
    // SAFETY: the caller upholds it.
    unsafe { (sp as *const usize).add(usize::from(offset)).read_volatile() as u64 }
}
