//! Unwind instructions as a rule.
//!
//! The instructions of nearly all functions move the stack pointer, perhaps from a frame pointer on, and pop registers. A rule says
//! the same in one step.

use super::bytecode::{LR, Operation, Operations, PC, R7, R11, SP};
use crate::unwind::rules::rule::{CallerFp, Cfa, Origin, Rule};

/// The effect of instructions. Offsets are bytes above the base.
pub(in crate::unwind) struct Effect {
    /// The register that is the base.
    base: fn(isize) -> Cfa,
    /// The stack pointer.
    sp: i32,
    /// The places from which registers were popped.
    popped: [Option<i32>; 16],
}

impl Effect {
    /// The effect of a function's instructions. `None` when they make no sense, when they say that the function cannot be unwound,
    /// and when no rule can express them.
    pub(in crate::unwind) fn of(instructions: impl Iterator<Item = u8>) -> Option<Effect> {
        let mut effect = Effect { base: Cfa::Sp, sp: 0, popped: [None; 16] };
        Operations(instructions).try_for_each(|operation| effect.add(operation?))?;
        Some(effect)
    }

    fn add(&mut self, operation: Operation) -> Option<()> {
        match operation {
            Operation::Skip(bytes) => self.sp = self.sp.checked_add_unsigned(bytes)?,
            Operation::Back(bytes) => self.sp = self.sp.checked_sub_unsigned(bytes)?,
            Operation::Pop(mask) => {
                for (register, place) in self.popped.iter_mut().enumerate() {
                    if mask >> register & 1 == 1 {
                        *place = Some(self.sp);
                        self.sp = self.sp.checked_add(4)?;
                    }
                }
            }
            // The register is the function's own as long as none is restored.
            Operation::SetSp(register) if self.popped == [None; 16] => {
                self.base = match register {
                    R11 => Cfa::Fp,
                    R7 => Cfa::Second,
                    _ => return None,
                };
                self.sp = 0;
            }
            Operation::SetSp(_) => return None,
        }
        Some(())
    }

    /// The rule of a function that calls another one; `None` when it calls none: then it pops no return address.
    pub(in crate::unwind) fn rule(&self) -> Option<Rule> {
        // A popped stack pointer may be anywhere.
        let (None, Some(ra)) = (self.popped[SP], self.popped[PC].or(self.popped[LR])) else { return None };
        let words = |place: i32| ((place - self.sp) / 4) as isize;
        let fp = [R11, R7].map(|register| match self.popped[register] {
            Some(place) => CallerFp::Saved(words(place)),
            None => CallerFp::Same,
        });
        let cfa = (self.base)((self.sp / 4) as isize);
        Some(Rule::Frame { cfa, origin: Origin::Cfa, ra: words(ra), fp })
    }

    /// The rule of a function that calls none, and saves nothing.
    pub(in crate::unwind) fn leaf(&self) -> Option<Rule> {
        let is_simple = self.popped == [None; 16] && (self.base)(0) == Cfa::Sp(0);
        is_simple.then_some(Rule::Leaf((self.sp / 4) as isize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(code: &[u8]) -> Option<Rule> {
        Effect::of(code.iter().copied())?.rule()
    }

    fn frame(cfa: Cfa, ra: isize, r11: Option<isize>, r7: Option<isize>) -> Option<Rule> {
        let fp = [r11, r7].map(|place| place.map_or(CallerFp::Same, CallerFp::Saved));
        Some(Rule::Frame { cfa, origin: Origin::Cfa, ra, fp })
    }

    #[test]
    fn instructions_become_rules() {
        // add sp, #8; pop {r4-r7, lr}
        assert_eq!(rule(&[0x01, 0xab, 0xb0]), frame(Cfa::Sp(7), -1, None, Some(-2)));
        // sp = r11; pop {r11, lr}
        assert_eq!(rule(&[0x9b, 0x84, 0x80, 0xb0]), frame(Cfa::Fp(2), -1, Some(-2), None));
        // sp = r11 - 8; pop {r4, r10, r11, lr}
        assert_eq!(rule(&[0x9b, 0x41, 0x84, 0xc1]), frame(Cfa::Fp(2), -1, Some(-2), None));
        // sp = r7; add sp, #12; pop {d8}; pop {r7, lr}; pop {r0-r3}
        let second = frame(Cfa::Second(11), -5, None, Some(-6));
        assert_eq!(rule(&[0x97, 0x02, 0xd0, 0x84, 0x08, 0xb1, 0x0f]), second);
        // pop {r4, pc}
        assert_eq!(rule(&[0x88, 0x01]), frame(Cfa::Sp(2), -1, None, None));
        // add sp, #0x204; pop {r4, lr}
        assert_eq!(rule(&[0xb2, 0x00, 0xa8]), frame(Cfa::Sp(0x204 / 4 + 2), -1, None, None));
    }

    #[test]
    fn what_no_rule_expresses_has_none() {
        // Nothing is popped; no return address; sp = r4; sp is popped; sp = r7 behind a pop; refuse; spare; cut off.
        let without: [&[u8]; 8] = [
            &[0xb0],
            &[0xa1],
            &[0x94, 0xa8],
            &[0x8e, 0x01],
            &[0xa3, 0x97, 0xa8],
            &[0x80, 0x00],
            &[0xa8, 0xb6],
            &[0x84],
        ];
        assert_eq!(without.map(rule), [None; 8]);
        // Of these the first one is a leaf's, and so is `add sp, #8`.
        let leaf = |code: &[u8]| Effect::of(code.iter().copied())?.leaf();
        assert_eq!(
            [&[0xb0][..], &[0x01], &[0xa1], &[0x97]].map(leaf),
            [Some(Rule::Leaf(0)), Some(Rule::Leaf(2)), None, None]
        );
    }
}
