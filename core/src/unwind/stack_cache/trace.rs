//! The words of the stack that decided a walk.
//!
//! A walk is a function of the first frame's registers and of the words that it reads. A saved frame pointer decides the walk
//! only when a later frame's rule uses it. Until then it is held back: most functions use that register for something
//! else, and it changes all the time.

use crate::limits::MAX_WORDS;
use crate::unwind::Memory;
use crate::unwind::frame_registers::{FRAME_POINTERS, Fp, FramePointers};
use crate::unwind::rules::rule::Trace;
use heapless::Vec;

/// A word of the stack.
#[derive(Clone, Copy)]
pub(in crate::unwind) struct Word {
    pub(in crate::unwind) address: usize,
    pub(in crate::unwind) value: usize,
}

/// Where the current frame pointer comes from.
#[derive(Clone, Copy)]
enum Origin {
    /// The first frame's register.
    Register,
    /// A word that has decided nothing yet.
    Undecided(Word),
    /// A word that decided, or the register, which decided.
    Decided,
}

/// The words that decided a walk.
pub(in crate::unwind) struct DecidingWords {
    pub(in crate::unwind) words: Vec<Word, MAX_WORDS>,
    /// All ones in those of the first frame's frame pointers that decided.
    pub(in crate::unwind) registers: FramePointers,
    /// There were more words than fit.
    pub(in crate::unwind) overflow: bool,
    origins: [Origin; FRAME_POINTERS],
}

impl DecidingWords {
    /// A walk begins.
    pub(in crate::unwind) fn begin(&mut self) {
        self.words.clear();
        (self.registers, self.overflow, self.origins) = (0, false, [Origin::Register; FRAME_POINTERS]);
    }

    fn push(&mut self, word: Word) {
        self.overflow |= self.words.push(word).is_err();
    }
}

impl Trace for DecidingWords {
    #[inline]
    fn read(&mut self, memory: &Memory<'_>, address: usize) -> Option<usize> {
        let value = memory.read(address)?;
        self.push(Word { address, value });
        Some(value)
    }

    #[inline]
    fn read_frame_pointer(&mut self, register: Fp, memory: &Memory<'_>, address: usize) -> Option<usize> {
        let value = memory.read(address)?;
        self.origins[register as usize] = Origin::Undecided(Word { address, value });
        Some(value)
    }

    #[inline]
    fn frame_pointer_used(&mut self, register: Fp) {
        match core::mem::replace(&mut self.origins[register as usize], Origin::Decided) {
            Origin::Register => self.registers |= register.mask(),
            Origin::Undecided(word) => self.push(word),
            Origin::Decided => {}
        }
    }
}
