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
    /// All ones in the frame pointers that decided, else zero.
    pub(super) fp_decides: u64,
    pub(in crate::unwind) last_cell: LastCell,
    /// How many bytes above the stack pointer the words end.
    pub(super) reach: u32,
    pub(super) stack: u32,
    /// The stack that the cache found after this one.
    pub(super) follower: Position,
    /// How many values follow.
    pub(super) words: u16,
    /// How the walk ended, and [`CUT`]: 0 when nothing of the stack is lost.
    pub(super) lost: u8,
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

    /// Zero when the walk began with these registers.
    #[inline(always)]
    fn difference_of_registers(&self, from: Registers) -> u64 {
        (self.pc ^ from.pc as u64) | (self.sp ^ from.sp as u64) | (self.fp ^ from.fp as u64) & self.fp_decides
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

    /// Whether an entry is the current stack: it began with the same registers, and its words have the values that they had.
    /// All are compared before the one branch: which word differs first cannot be predicted.
    ///
    /// # Safety
    /// `room` bytes above `from.sp`, which is aligned to words, must be readable.
    #[inline(always)]
    pub(super) unsafe fn is_current(&mut self, at: Position, from: Registers, room: usize) -> bool {
        let entry = self.entry(at);
        if entry.reach as usize > room {
            return false;
        }
        let (mut differs, count) = (entry.difference_of_registers(from), usize::from(entry.words));
        let (values, offsets) = self.words(at, count);
        let (values, offsets) = (values.as_chunks::<AT_ONCE>().0, offsets.as_chunks::<AT_ONCE>().0);
        for (value, offset) in values.iter().zip(offsets) {
            // SAFETY: no word ends further above the stack pointer than `reach`, up to which the caller says that it is
            // readable.
            let one = |i: usize| unsafe { word(from.sp, offset[i]) } ^ value[i];
            differs |= (one(0) | one(1)) | (one(2) | one(3));
        }
        differs == 0
    }

    /// The offset of the first word in which an entry of the same registers differs from the current stack.
    pub(super) fn difference(&mut self, at: Position, from: Registers, memory: &Memory<'_>) -> Option<u16> {
        let entry = *self.entry(at);
        if entry.difference_of_registers(from) != 0 {
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
        self.entry(0).follower = 0;
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
