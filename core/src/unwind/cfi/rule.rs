//! The rule of one return address: how to get from a frame to its caller's.

use super::super::Memory;
use super::super::arch::DWARF;
use super::trace::Trace;

const WORD: usize = size_of::<usize>();

/// What unwinding needs to know of a frame. `pc` is an address inside the instruction that is running or calling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) pc: usize,
    pub(super) sp: usize,
    pub(super) fp: usize,
}

/// Where unwinding a frame leads. The new `pc` is a return address as it stood on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To the caller.
    Call(State),
    /// To code that a signal interrupted.
    Signal(State),
    /// Nowhere: this is the outermost frame.
    Outermost,
    /// Nowhere: the rule or the stack makes no sense.
    Unknown,
}

/// What the canonical frame address (the stack pointer in the caller) is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Base {
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
pub(super) enum Saved {
    /// Still in the register.
    Same,
    /// At this offset, in words, from the canonical frame address.
    AtCfa(i16),
    /// At this offset, in words, from the frame pointer.
    AtFp(i16),
}

/// A rule in eight bytes: bits 0–3 [`Base`], 4–5 kind of [`Saved`], 8–23 its offset, 24–39 the return address's
/// offset from the canonical frame address, 40–63 the latter's from its base; offsets in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule(u64);

impl Rule {
    /// No rule is known.
    pub(super) const UNKNOWN: Rule = Rule(Base::Unknown as u64);
    /// There is no caller.
    pub(super) const OUTERMOST: Rule = Rule(Base::Outermost as u64);
    /// The frame is a signal's.
    pub(super) const SIGNAL: Rule = Rule(Base::Signal as u64);

    /// A rule from offsets in bytes; [`Rule::UNKNOWN`] when they are too large or not whole words.
    pub(super) fn new(base: Base, cfa: i64, ra: i64, saved: Saved) -> Rule {
        let words = |bytes: i64| (bytes % WORD as i64 == 0).then_some(bytes / WORD as i64);
        let packed = words(cfa).zip(words(ra)).and_then(|(cfa, ra)| {
            let ra = i16::try_from(ra).ok()?;
            if !(-(1 << 23)..1 << 23).contains(&cfa) {
                return None;
            }
            let (kind, offset) = match saved {
                Saved::Same => (0, 0),
                Saved::AtCfa(words) => (1, words),
                Saved::AtFp(words) => (2, words),
            };
            let offsets = u64::from(offset as u16) << 8 | u64::from(ra as u16) << 24 | (cfa as u64) << 40;
            Some(Rule(base as u64 | kind << 4 | offsets))
        });
        packed.unwrap_or(Rule::UNKNOWN)
    }

    /// Where the return address stands above the stack pointer, and where the caller's stack pointer is, in bytes, when
    /// the frame is known by its stack pointer alone.
    pub(super) fn above_sp(self) -> Option<(usize, usize)> {
        let bytes = |words: i64| usize::try_from(words * WORD as i64).ok();
        let (cfa, ra) = (self.0 as i64 >> 40, i64::from((self.0 >> 24) as i16));
        (self.0 & 15 == Base::Sp as u64).then_some((bytes(cfa + ra)?, bytes(cfa)?))
    }

    fn saved(self) -> Saved {
        let offset = (self.0 >> 8) as i16;
        match self.0 >> 4 & 3 {
            0 => Saved::Same,
            1 => Saved::AtCfa(offset),
            _ => Saved::AtFp(offset),
        }
    }

    /// Unwinds one frame, and tells `trace` which words of the stack decided.
    #[inline(always)]
    pub(super) fn step(self, from: State, memory: &mut Memory<'_>, trace: &mut impl Trace) -> Step {
        let at = |base: usize, words: isize| base.wrapping_add_signed(words * WORD as isize);
        let offset = (self.0 as i64 >> 40) as isize;
        let cfa = match self.0 & 15 {
            base if base == Base::Sp as u64 => Some(at(from.sp, offset)),
            base if base == Base::Fp as u64 => {
                trace.frame_pointer_used();
                Some(at(from.fp, offset))
            }
            base if base == Base::AtFp as u64 => {
                trace.frame_pointer_used();
                trace.read(memory, at(from.fp, offset))
            }
            base if base == Base::Signal as u64 => return signal(from, memory, trace),
            base if base == Base::Outermost as u64 => return Step::Outermost,
            _ => None,
        };
        let step = cfa.and_then(|cfa| {
            let pc = trace.read(memory, at(cfa, (self.0 >> 24) as i16 as isize))?;
            let fp = match self.saved() {
                Saved::Same => from.fp,
                Saved::AtCfa(words) => trace.read_frame_pointer(memory, at(cfa, words as isize))?,
                Saved::AtFp(words) => {
                    trace.frame_pointer_used();
                    trace.read_frame_pointer(memory, at(from.fp, words as isize))?
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
