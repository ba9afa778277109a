//! The rule of one return address: how to get from a frame to its caller's.

use crate::unwind::Memory;
use crate::unwind::arch::DWARF;

const WORD: usize = size_of::<usize>();

/// What unwinding needs to know of a frame. `pc` is an address inside the instruction that is running or calling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) struct State {
    pub(in crate::unwind) pc: usize,
    pub(in crate::unwind) sp: usize,
    pub(in crate::unwind) fp: usize,
}

/// Where unwinding a frame leads. The new `pc` is a return address as it stood on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum Step {
    /// To the caller.
    Call(State),
    /// To code that a signal interrupted.
    Signal(State),
    /// Nowhere: this is the outermost frame.
    Outermost,
    /// Nowhere: the rule or the stack makes no sense.
    Unknown,
}

/// Sees what a walk reads.
pub(in crate::unwind) trait Trace {
    /// Reads a word that decides.
    fn read(&mut self, memory: &Memory<'_>, address: usize) -> Option<usize>;
    /// Reads a frame pointer, which decides if it is used.
    fn read_frame_pointer(&mut self, memory: &Memory<'_>, address: usize) -> Option<usize>;
    /// The frame pointer read last (or the first frame's register) is used.
    fn frame_pointer_used(&mut self);
}

/// Keeps nothing.
pub(in crate::unwind) struct Untraced;

impl Trace for Untraced {
    #[inline(always)]
    fn read(&mut self, memory: &Memory<'_>, address: usize) -> Option<usize> {
        memory.read(address)
    }
    #[inline(always)]
    fn read_frame_pointer(&mut self, memory: &Memory<'_>, address: usize) -> Option<usize> {
        memory.read(address)
    }
    #[inline(always)]
    fn frame_pointer_used(&mut self) {}
}

/// What the canonical frame address (the stack pointer in the caller) is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(in crate::unwind) enum Base {
    /// No rule.
    Unknown = 0,
    /// The stack pointer.
    Sp = 1,
    /// The frame pointer.
    Fp = 2,
    /// The word at an offset from the frame pointer: functions that realign their stack.
    AtFp = 3,
    /// The frame is a signal's.
    Signal = 4,
    /// There is no caller.
    Outermost = 5,
}

/// Where the caller's frame pointer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum Saved {
    /// Still in the register.
    Same,
    /// At this offset, in words, from the canonical frame address.
    AtCfa(i64),
    /// At this offset, in words, from the frame pointer.
    AtFp(i64),
}

/// A rule in eight bytes: bits 0–2 [`Base`], 3–4 kind of [`Saved`], 5 [`FROM_BASE`], 6–19 the offset of the saved frame
/// pointer, 20–33 the return address's, 34–63 that of the canonical frame address from its base; offsets in words.
///
/// Both others count from the canonical frame address, or from the base: a large frame has registers at one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) struct Rule(u64);

const BASE: u64 = 7;
/// Return address and saved frame pointer are told by their offsets from the base.
const FROM_BASE: u64 = 1 << 5;
/// Bits of the offsets of what is saved, and of the canonical frame address.
const SAVED_BITS: u32 = 14;
const CFA_BITS: u32 = 30;

/// A signed offset of so many bits; `None` when it does not fit.
fn packed(offset: i64, bits: u32) -> Option<u64> {
    let fits = (-(1 << (bits - 1))..1 << (bits - 1)).contains(&offset);
    fits.then_some(offset as u64 & ((1 << bits) - 1))
}

impl Rule {
    /// No rule is known.
    pub(in crate::unwind) const UNKNOWN: Rule = Rule(Base::Unknown as u64);
    /// There is no caller.
    pub(in crate::unwind) const OUTERMOST: Rule = Rule(Base::Outermost as u64);
    /// The frame is a signal's.
    pub(in crate::unwind) const SIGNAL: Rule = Rule(Base::Signal as u64);

    /// A rule from offsets in bytes; [`Rule::UNKNOWN`] when they are too large or not whole words.
    pub(in crate::unwind) fn new(base: Base, cfa: i64, ra: i64, saved: Saved) -> Rule {
        let words = |bytes: i64| (bytes % WORD as i64 == 0).then_some(bytes / WORD as i64);
        let Some((cfa, ra)) = words(cfa).zip(words(ra)) else { return Rule::UNKNOWN };
        let from = |flag: u64, origin: i64| {
            let (kind, offset) = match saved {
                Saved::Same => (0, 0),
                Saved::AtCfa(words) => (1, words.checked_add(origin)?),
                Saved::AtFp(words) => (2, words),
            };
            let saved = packed(offset, SAVED_BITS)?;
            let (ra, cfa) = (packed(ra.checked_add(origin)?, SAVED_BITS)?, packed(cfa, CFA_BITS)?);
            Some(Rule(base as u64 | kind << 3 | flag | saved << 6 | ra << 20 | cfa << 34))
        };
        let from_base = || if base == Base::AtFp { None } else { from(FROM_BASE, cfa) };
        from(0, 0).or_else(from_base).unwrap_or(Rule::UNKNOWN)
    }

    #[cfg(cfi)]
    /// Where the return address stands above the stack pointer, and where the caller's stack pointer is, in bytes, when
    /// the frame is known by its stack pointer alone.
    pub(in crate::unwind) fn above_sp(self) -> Option<(usize, usize)> {
        let bytes = |words: isize| usize::try_from(words * WORD as isize).ok();
        let (cfa, ra) = (self.cfa(), self.ra());
        let ra = if self.0 & FROM_BASE != 0 { ra } else { cfa + ra };
        (self.0 & BASE == Base::Sp as u64).then_some((bytes(ra)?, bytes(cfa)?))
    }

    /// The canonical frame address's offset from the base.
    #[inline(always)]
    fn cfa(self) -> isize {
        (self.0 as i64 >> 34) as isize
    }

    /// The return address's offset.
    #[inline(always)]
    fn ra(self) -> isize {
        ((self.0 << 30) as i64 >> 50) as isize
    }

    /// The saved frame pointer's offset.
    #[inline(always)]
    fn saved(self) -> isize {
        ((self.0 << 44) as i64 >> 50) as isize
    }

    /// Unwinds one frame, and tells `trace` which words of the stack decided.
    #[inline(always)]
    pub(in crate::unwind) fn step(
        self,
        from: State,
        memory: &mut Memory<'_>,
        trace: &mut impl Trace,
    ) -> Step {
        let at = |base: usize, words: isize| base.wrapping_add_signed(words * WORD as isize);
        let offset = self.cfa();
        let base_and_cfa = match self.0 & BASE {
            base if base == Base::Sp as u64 => Some((from.sp, at(from.sp, offset))),
            base if base == Base::Fp as u64 => {
                trace.frame_pointer_used();
                Some((from.fp, at(from.fp, offset)))
            }
            base if base == Base::AtFp as u64 => {
                trace.frame_pointer_used();
                trace.read(memory, at(from.fp, offset)).map(|cfa| (cfa, cfa))
            }
            base if base == Base::Signal as u64 => return signal(from, memory, trace),
            base if base == Base::Outermost as u64 => return Step::Outermost,
            _ => None,
        };
        let step = base_and_cfa.and_then(|(base, cfa)| {
            let origin = if self.0 & FROM_BASE != 0 { base } else { cfa };
            let pc = trace.read(memory, at(origin, self.ra()))?;
            let fp = match self.0 >> 3 & 3 {
                0 => from.fp,
                1 => trace.read_frame_pointer(memory, at(origin, self.saved()))?,
                _ => {
                    trace.frame_pointer_used();
                    trace.read_frame_pointer(memory, at(from.fp, self.saved()))?
                }
            };
            Some(Step::Call(State { pc, sp: cfa, fp }))
        });
        step.unwrap_or(Step::Unknown)
    }
}

/// Behind a signal's frame, where the kernel put the interrupted code's registers.
#[cold]
fn signal(from: State, memory: &mut Memory<'_>, trace: &mut impl Trace) -> Step {
    let [pc, sp, fp] = DWARF.signal.map(|words| from.sp.wrapping_add(words * WORD));
    match (trace.read(memory, pc), trace.read(memory, sp), trace.read_frame_pointer(memory, fp)) {
        (Some(pc), Some(sp), Some(fp)) if memory.switch(sp) => Step::Signal(State { pc, sp, fp }),
        _ => Step::Unknown,
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    /// One step on a stack of words `0, 1, 2 …` below a large frame, from a stack pointer and a frame pointer in words: the
    /// caller's registers, in words above the stack's begin.
    fn step(rule: Rule, sp: usize, fp: usize) -> Option<(usize, usize, usize)> {
        let stack: std::vec::Vec<usize> = (0..64).collect();
        let base = stack.as_ptr() as usize;
        let prove = |_| Some((base, base + 64 * WORD));
        let mut memory = Memory::at(base, &prove, || (0, 0)).unwrap();
        let above = |words: usize| base.wrapping_add(words.wrapping_mul(WORD));
        let from = State { pc: 0, sp: above(sp), fp: above(fp) };
        match rule.step(from, &mut memory, &mut Untraced) {
            Step::Call(State { pc, sp, fp }) => {
                Some((pc, sp.wrapping_sub(base) / WORD, if fp == from.fp { SAME } else { fp }))
            }
            _ => None,
        }
    }

    const W: i64 = WORD as i64;
    const SAME: usize = usize::MAX;

    #[test]
    fn rules_are_what_they_were_made_of() {
        let fp_of = |words: i64| Saved::AtCfa(words);
        assert_eq!(step(Rule::new(Base::Sp, 7 * W, -W, fp_of(-3)), 2, 0), Some((8, 9, 6)));
        assert_eq!(step(Rule::new(Base::Fp, 2 * W, -W, fp_of(-2)), 0, 20), Some((21, 22, 20)));
        assert_eq!(step(Rule::new(Base::Fp, 2 * W, -W, Saved::AtFp(5)), 0, 20), Some((21, 22, 25)));
        assert_eq!(Rule::new(Base::Sp, 7 * W, -W, Saved::Same).above_sp(), Some((6 * 8, 7 * 8)));
        assert_eq!(Rule::new(Base::Sp, 7 * W, -W + 1, Saved::Same), Rule::UNKNOWN);
    }

    #[test]
    fn frames_may_be_as_large_as_stacks_are() {
        // 2 GiB of locals above what is saved, as on aarch64: told from the stack pointer.
        let large = 2i64 << 30;
        let rule = Rule::new(Base::Sp, large, -large + W, Saved::AtCfa(-large / W));
        let words = (large / W) as usize;
        assert_eq!(step(rule, 3, 0), Some((4, 3 + words, 3)));
        assert_eq!(rule.above_sp(), Some((WORD, large as usize)));
        // And below what is saved, as on x86_64.
        let rule = Rule::new(Base::Sp, large, -W, Saved::AtCfa(-2));
        assert_eq!(step(rule, 20usize.wrapping_sub(words), 0), Some((19, 20, 18)));
        // Neither end is near.
        assert_eq!(Rule::new(Base::Sp, large, -large / 2, Saved::Same), Rule::UNKNOWN);
        assert_eq!(Rule::new(Base::Sp, 1 << 40, -W, Saved::Same), Rule::UNKNOWN);
    }
}
