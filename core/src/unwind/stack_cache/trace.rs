//! Which words of the stack decided a walk.
//!
//! Unwinding is a function of the first frame's registers and of the words it reads. A saved frame pointer decides
//! only when a later frame's rule uses it; until then it is kept back, for most functions use that register for
//! something else and it changes all the time.

use crate::unwind::Memory;
use crate::unwind::rules::rule::Trace;
use heapless::Vec;

/// Words that a remembered walk may depend on.
pub(in crate::unwind) const MAX_WORDS: usize = 256;

/// A word of the stack.
#[derive(Clone, Copy)]
pub(in crate::unwind) struct Word {
    pub(in crate::unwind) address: usize,
    pub(in crate::unwind) value: usize,
}

/// Where the present frame pointer comes from.
#[derive(Clone, Copy)]
enum Origin {
    /// The first frame's register.
    Register,
    /// A word that has decided nothing yet.
    Kept(Word),
    /// It is among the words, or used as the register.
    Counted,
}

/// The words that decided.
pub(in crate::unwind) struct DecidingWords {
    pub(in crate::unwind) words: Vec<Word, MAX_WORDS>,
    /// The first frame's frame pointer decided.
    pub(in crate::unwind) uses_register: bool,
    /// There were more words than are kept.
    pub(in crate::unwind) overflow: bool,
    origin: Origin,
}

impl DecidingWords {
    /// Of a walk that begins.
    pub(in crate::unwind) fn begin(&mut self) {
        self.words.clear();
        (self.uses_register, self.overflow, self.origin) = (false, false, Origin::Register);
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
    fn read_frame_pointer(&mut self, memory: &Memory<'_>, address: usize) -> Option<usize> {
        let value = memory.read(address)?;
        self.origin = Origin::Kept(Word { address, value });
        Some(value)
    }

    #[inline]
    fn frame_pointer_used(&mut self) {
        match core::mem::replace(&mut self.origin, Origin::Counted) {
            Origin::Register => self.uses_register = true,
            Origin::Kept(word) => self.push(word),
            Origin::Counted => {}
        }
    }
}
