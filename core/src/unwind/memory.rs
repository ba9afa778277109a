//! The input of a walk: the registers of the hook's own frame, and the part of the stack that is known to be readable.

use super::frame_registers::FramePointers;

/// The registers from which a stack is walked, of the hook's own frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// The program counter.
    pub pc: usize,
    /// The stack pointer.
    pub sp: usize,
    /// The frame pointer register, whatever the code uses it for; on ARM with an operating system both of them.
    pub fp: FramePointers,
}

/// The readable part of the stack that is being walked.
#[derive(Clone, Copy)]
pub struct Memory<'p> {
    low: usize,
    high: usize,
    prove: &'p dyn Fn(usize) -> Option<(usize, usize)>,
}

impl<'p> Memory<'p> {
    /// The part around `sp`; `prove` returns the readable range around an address. `None` when no range is known.
    #[inline(always)]
    pub(crate) fn at(sp: usize, prove: &'p dyn Fn(usize) -> Option<(usize, usize)>) -> Option<Self> {
        let (low, high) = prove(sp)?;
        Some(Memory { low, high, prove })
    }

    /// `room` bytes above `sp`, and no other memory.
    ///
    /// # Safety
    /// They must be readable.
    #[inline(always)]
    pub(super) unsafe fn above(sp: usize, room: usize) -> Self {
        Memory { low: sp, high: sp + room, prove: &|_| None }
    }

    /// How many bytes above `sp` are known to be readable: none when it is not aligned or elsewhere.
    #[cfg(cfi)]
    #[inline(always)]
    pub(crate) fn room(&self, sp: usize) -> usize {
        let is_inside = self.holds(sp) && sp.is_multiple_of(size_of::<usize>());
        if is_inside { self.high - sp } else { 0 }
    }

    /// The word at `address`; `None` when it is not aligned or not known to be readable.
    #[inline]
    pub fn read(&self, address: usize) -> Option<usize> {
        const WORD: usize = size_of::<usize>();
        if address < self.low || address > self.high.checked_sub(WORD)? || !address.is_multiple_of(WORD) {
            return None;
        }
        // SAFETY: the platform has proven the range readable, and the address is aligned and inside it.
        Some(unsafe { (address as *const usize).read_volatile() })
    }

    /// Two words at `address`.
    #[inline(always)]
    pub(crate) fn pair(&self, address: usize) -> Option<[usize; 2]> {
        const PAIR: usize = 2 * size_of::<usize>();
        if address < self.low || address > self.high.checked_sub(PAIR)? || !address.is_multiple_of(PAIR / 2) {
            return None;
        }
        let words = address as *const usize;
        // SAFETY: the platform has proven the range readable, and both words are aligned and inside it.
        Some(unsafe { [words.read_volatile(), words.add(1).read_volatile()] })
    }

    /// Whether the address lies in the part that is being walked.
    pub(super) fn holds(&self, address: usize) -> bool {
        (self.low..self.high).contains(&address)
    }

    /// The address past the outermost word.
    pub fn end(&self) -> usize {
        self.high
    }

    /// The walk goes on at `sp`, perhaps on another stack, as behind a signal's frame. False when no range is known there.
    pub fn switch(&mut self, sp: usize) -> bool {
        if self.holds(sp) {
            return true;
        }
        match (self.prove)(sp) {
            Some((low, high)) => {
                (self.low, self.high) = (low, high);
                true
            }
            None => false,
        }
    }
}
