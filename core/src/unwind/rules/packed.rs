//! A rule in eight bytes, as caches store it.
//!
//! | bits | meaning |
//! |---|---|
//! | 0–2 | the rule's variant, for a frame with that of its canonical frame address |
//! | 3–4 | the variant of the caller's frame pointer |
//! | 5 | the origin is the base |
//! | 6–19 | the saved frame pointer's offset, signed |
//! | 20–33 | the return address's offset, signed |
//! | 34–63 | the canonical frame address's offset, signed |
//!
//! With two frame pointers the second one's variant and offset come between those of the first and the return address, and the
//! three offsets of saved registers have 10 bits each.

use super::rule::{CallerFp, Cfa, Origin, Rule};
use crate::unwind::frame_registers::FRAME_POINTERS;

/// All-zero is [`Rule::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) struct PackedRule(u64);

const VARIANT: u64 = 7;
const UNKNOWN: u64 = 0;
const SP: u64 = 1;
const FP: u64 = 2;
const AT_FP: u64 = 3;
const SIGNAL: u64 = 4;
const OUTERMOST: u64 = 5;
#[cfg(any(compact, all(test, macos_tested)))]
const MAYBE_SIGNAL: u64 = 6;
#[cfg(ehabi)]
const LEAF: u64 = 6;
#[cfg(ehabi)]
const SECOND: u64 = 7;

/// The last bits of the variants of the frame pointers, in front of the origin: two for each, the first one's in front.
const FP_BITS: u32 = 2;
const FP_SHIFT: u32 = 3;
const FP_SAME: u64 = 0;
const FP_SAVED: u64 = 1;
const FP_AT_FP: u64 = 2;

const ORIGIN_SHIFT: u32 = FP_SHIFT + FP_BITS * FRAME_POINTERS as u32;
const FROM_BASE: u64 = 1 << ORIGIN_SHIFT;

/// Bits of the offsets of saved registers.
const SAVED_BITS: u32 = if FRAME_POINTERS == 1 { 14 } else { 10 };
const SAVED_SHIFT: u32 = ORIGIN_SHIFT + 1;
const RA_SHIFT: u32 = SAVED_SHIFT + SAVED_BITS * FRAME_POINTERS as u32;
const CFA_SHIFT: u32 = RA_SHIFT + SAVED_BITS;
/// Bits of the canonical frame address's offset: the rest.
const CFA_BITS: u32 = 64 - CFA_SHIFT;

/// A signed number in so many bits, at a shift; `None` when it does not fit.
fn field(number: isize, shift: u32, bits: u32) -> Option<u64> {
    let number = number as i64;
    let fits = (-(1 << (bits - 1))..1 << (bits - 1)).contains(&number);
    fits.then_some((number as u64 & ((1 << bits) - 1)) << shift)
}

impl PackedRule {
    pub(in crate::unwind) const UNKNOWN: PackedRule = PackedRule(UNKNOWN);

    /// [`Rule::Unknown`] in place of a rule with an offset that does not fit.
    #[inline]
    pub(in crate::unwind) fn new(rule: Rule) -> PackedRule {
        let word = match rule {
            Rule::Unknown => Some(UNKNOWN),
            Rule::Outermost => Some(OUTERMOST),
            Rule::Signal => Some(SIGNAL),
            #[cfg(ehabi)]
            Rule::ShortSignal => Some(SIGNAL | FROM_BASE),
            #[cfg(ehabi)]
            Rule::Leaf(words) => field(words, CFA_SHIFT, CFA_BITS).map(|words| LEAF | words),
            #[cfg(any(compact, all(test, macos_tested)))]
            Rule::MaybeSignal => Some(MAYBE_SIGNAL),
            Rule::Frame { cfa, origin, ra, fp } => {
                frame(cfa, origin, ra, fp).or_else(|| from_base(cfa, origin, ra, fp))
            }
        };
        word.map_or(PackedRule::UNKNOWN, PackedRule)
    }

    /// The rule.
    #[inline(always)]
    pub(in crate::unwind) fn rule(self) -> Rule {
        let cfa = (self.0 as i64 >> CFA_SHIFT) as isize;
        let cfa = match self.0 & VARIANT {
            SP => Cfa::Sp(cfa),
            FP => Cfa::Fp(cfa),
            AT_FP => Cfa::AtFp(cfa),
            #[cfg(ehabi)]
            SECOND => Cfa::Second(cfa),
            #[cfg(ehabi)]
            SIGNAL if self.0 & FROM_BASE != 0 => return Rule::ShortSignal,
            SIGNAL => return Rule::Signal,
            #[cfg(ehabi)]
            LEAF => return Rule::Leaf(cfa),
            #[cfg(any(compact, all(test, macos_tested)))]
            MAYBE_SIGNAL => return Rule::MaybeSignal,
            OUTERMOST => return Rule::Outermost,
            _ => return Rule::Unknown,
        };
        let fp = core::array::from_fn(|nth| {
            let saved = self.saved(SAVED_SHIFT + SAVED_BITS * nth as u32);
            match self.0 >> (FP_SHIFT + FP_BITS * nth as u32) & 3 {
                FP_SAME => CallerFp::Same,
                FP_SAVED => CallerFp::Saved(saved),
                _ => CallerFp::AtFp(saved),
            }
        });
        let origin = if self.0 & FROM_BASE != 0 { Origin::Base } else { Origin::Cfa };
        Rule::Frame { cfa, origin, ra: self.saved(RA_SHIFT), fp }
    }

    #[inline(always)]
    fn saved(self, shift: u32) -> isize {
        ((self.0 << (64 - SAVED_BITS - shift)) as i64 >> (64 - SAVED_BITS)) as isize
    }
}

/// The word of a frame's rule; `None` when an offset does not fit.
fn frame(cfa: Cfa, origin: Origin, ra: isize, fp: [CallerFp; FRAME_POINTERS]) -> Option<u64> {
    let (variant, cfa) = match cfa {
        Cfa::Sp(n) => (SP, n),
        Cfa::Fp(n) => (FP, n),
        Cfa::AtFp(n) => (AT_FP, n),
        #[cfg(ehabi)]
        Cfa::Second(n) => (SECOND, n),
    };
    let origin = match origin {
        Origin::Cfa => 0,
        Origin::Base => FROM_BASE,
    };
    let mut word = variant | origin | field(ra, RA_SHIFT, SAVED_BITS)? | field(cfa, CFA_SHIFT, CFA_BITS)?;
    for (fp, nth) in fp.into_iter().zip(0..) {
        let (fp, saved) = match fp {
            CallerFp::Same => (FP_SAME, 0),
            CallerFp::Saved(n) => (FP_SAVED, n),
            CallerFp::AtFp(n) => (FP_AT_FP, n),
        };
        word |= fp << (FP_SHIFT + FP_BITS * nth) | field(saved, SAVED_SHIFT + SAVED_BITS * nth, SAVED_BITS)?;
    }
    Some(word)
}

/// The same rule with offsets that count from the base: for a large frame whose registers are near that end.
fn from_base(cfa: Cfa, origin: Origin, ra: isize, fp: [CallerFp; FRAME_POINTERS]) -> Option<u64> {
    let (Cfa::Sp(distance) | Cfa::Fp(distance), Origin::Cfa) = (cfa, origin) else { return None };
    let fp = fp.map(|fp| match fp {
        CallerFp::Saved(n) => CallerFp::Saved(n.saturating_add(distance)),
        other => other,
    });
    frame(cfa, Origin::Base, ra.checked_add(distance)?, fp)
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::unwind::frame_registers::Fp;
    use crate::unwind::rules::rule::{State, Step, Untraced};
    use crate::unwind::{Memory, Registers};

    const WORD: usize = size_of::<usize>();

    /// One step on a stack of words `0, 1, 2 …` below a large frame, from a stack pointer and a frame pointer in words: the
    /// caller's registers, in words above the stack's begin.
    fn step(rule: Rule, sp: usize, fp: usize) -> Option<(usize, usize, usize)> {
        let stack: std::vec::Vec<usize> = (0..64).collect();
        let base = stack.as_ptr() as usize;
        let prove = |_| Some((base, base + 64 * WORD));
        let mut memory = Memory::at(base, &prove).unwrap();
        let above = |words: usize| base.wrapping_add(words.wrapping_mul(WORD));
        let mut from = State::from(Registers { pc: 0, sp: above(sp), fp: 0 });
        Fp::First.set(&mut from.fp, above(fp));
        match PackedRule::new(rule).rule().step(from, &mut memory, &mut Untraced) {
            Step::Call(State { pc, sp, fp, .. }) => {
                Some((pc, sp.wrapping_sub(base) / WORD, if fp == from.fp { SAME } else { Fp::First.of(fp) }))
            }
            _ => None,
        }
    }

    const SAME: usize = usize::MAX;

    #[test]
    fn rules_survive_packing() {
        let saved = CallerFp::Saved;
        assert_eq!(step(Rule::frame(Cfa::Sp(7), -1, saved(-3)), 2, 0), Some((8, 9, 6)));
        assert_eq!(step(Rule::frame(Cfa::Fp(2), -1, saved(-2)), 0, 20), Some((21, 22, 20)));
        assert_eq!(step(Rule::frame(Cfa::Fp(2), -1, CallerFp::AtFp(5)), 0, 20), Some((21, 22, 25)));
        let packed = |rule| PackedRule::new(rule).rule();
        for rule in [Rule::Unknown, Rule::Outermost, Rule::Signal, Rule::frame(Cfa::AtFp(-9), 5, saved(-8))] {
            assert_eq!(packed(rule), rule);
        }
        #[cfg(ehabi)]
        for rule in [Rule::ShortSignal, Rule::Leaf(0), Rule::Leaf(1 << 20)] {
            assert_eq!(packed(rule), rule);
        }
        #[cfg(ehabi)]
        {
            let fp = [CallerFp::Saved(-3), CallerFp::Saved(-12)];
            let rule = Rule::Frame { cfa: Cfa::Second(1 << 20), origin: Origin::Cfa, ra: -1, fp };
            assert_eq!(packed(rule), rule);
        }
        #[cfg(cfi)]
        assert_eq!(
            packed(Rule::frame(Cfa::Sp(7), -1, CallerFp::Same)).above_sp(),
            Some((6 * WORD, 7 * WORD))
        );
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn frames_may_be_as_large_as_stacks_are() {
        // 2 GiB of locals above the saved registers, as on aarch64: the offsets count from the stack pointer.
        let large = (2 << 30) / WORD as isize;
        let rule = Rule::frame(Cfa::Sp(large), 1 - large, CallerFp::Saved(-large));
        assert_eq!(step(rule, 3, 0), Some((4, 3 + large as usize, 3)));
        #[cfg(cfi)]
        assert_eq!(PackedRule::new(rule).rule().above_sp(), Some((WORD, 2 << 30)));
        // And below them, as on x86_64.
        let rule = Rule::frame(Cfa::Sp(large), -1, CallerFp::Saved(-2));
        assert_eq!(step(rule, 20usize.wrapping_sub(large as usize), 0), Some((19, 20, 18)));
        // Neither end is near.
        let far = Rule::frame(Cfa::Sp(large), -large / 2, CallerFp::Same);
        assert_eq!(PackedRule::new(far), PackedRule::UNKNOWN);
        assert_eq!(PackedRule::new(Rule::frame(Cfa::Sp(1 << 37), -1, CallerFp::Same)), PackedRule::UNKNOWN);
    }
}
