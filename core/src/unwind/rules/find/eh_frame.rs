//! Descriptions of functions in `.eh_frame`: call frame information becomes a rule.

use super::description::Description;
use super::reader::Reader;
use super::row::{Cfa as CfaRule, Row, Saved};
use crate::unwind::arch::DWARF;
use crate::unwind::rules::packed::PackedRule;
use crate::unwind::rules::rule::{CallerFp, Cfa, Rule};

/// The rule by the description at an offset in its section; `None` when it is not of the code at `pc`.
pub(super) fn by_description(frames: &'static [u8], offset: usize, pc: usize) -> Option<Option<PackedRule>> {
    let description = Description::at(frames, offset).filter(|description| description.contains(pc))?;
    Some(if description.is_bounded() { rule_of(&description, pc) } else { None })
}

fn rule_of(description: &Description<'_>, pc: usize) -> Option<PackedRule> {
    if description.common.is_of_signal {
        // The positions of the registers are known for Linux, and for macOS on x86_64, whose `_sigtramp` has a description.
        // Without a system this is the entry of an interrupt.
        let is_known = cfg!(all(feature = "std", any(not(compact), target_arch = "x86_64")));
        return is_known.then_some(PackedRule::new(Rule::Signal));
    }
    Row::at(pc, description).map(|row| PackedRule::new(from_row(row)))
}

fn from_row(row: Row<'_>) -> Rule {
    let ra = match row.ra {
        Saved::At(offset) => offset,
        Saved::Undefined => return Rule::Outermost,
        _ => return Rule::Unknown,
    };
    let (sp_register, fp_register) = (DWARF.sp, DWARF.fp);
    let cfa = match row.cfa {
        CfaRule::Register(register, offset) if register == sp_register => words(offset).map(Cfa::Sp),
        CfaRule::Register(register, offset) if register == fp_register => words(offset).map(Cfa::Fp),
        CfaRule::Register(..) => None,
        CfaRule::Expression(expression) => match operand(expression) {
            Some(Operand { register, offset, deref: true }) if register == fp_register => {
                words(offset).map(Cfa::AtFp)
            }
            _ => None,
        },
    };
    let fp = match row.fp {
        Saved::At(offset) => words(offset).map(CallerFp::Saved),
        Saved::AtExpression(expression) => match operand(expression) {
            Some(Operand { register, offset, deref: false }) if register == fp_register => {
                words(offset).map(CallerFp::AtFp)
            }
            _ => None,
        },
        Saved::Default | Saved::Same | Saved::Undefined => Some(CallerFp::Same),
        Saved::Elsewhere => None,
    };
    match (cfa, words(ra), fp) {
        (Some(cfa), Some(ra), Some(fp)) => Rule::frame(cfa, ra, fp),
        _ => Rule::Unknown,
    }
}

/// An offset in words; `None` when it is not in whole words.
fn words(bytes: i64) -> Option<isize> {
    let word = size_of::<usize>() as i64;
    if bytes % word == 0 { (bytes / word).try_into().ok() } else { None }
}

/// An expression as compilers write it: a register plus an offset, or the word there.
struct Operand {
    register: u64,
    offset: i64,
    deref: bool,
}

fn operand(mut expression: Reader<'_>) -> Option<Operand> {
    // DW_OP_breg0 to breg31, and DW_OP_deref.
    const REGISTERS: core::ops::RangeInclusive<u8> = 0x70..=0x8f;
    const DEREF: [u8; 1] = [0x06];
    let register = expression.u8().filter(|operation| REGISTERS.contains(operation))? - REGISTERS.start();
    let offset = expression.signed()?;
    let deref = expression.0 == DEREF;
    (deref || expression.0.is_empty()).then_some(Operand { register: register.into(), offset, deref })
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::super::description::MOST_BYTES;
    use super::*;
    use std::vec::Vec;

    /// A section with the description of one function of 16 bytes at 0x1000, with so many instructions that do nothing, and
    /// the offset of the description.
    fn section(nothing: usize) -> (&'static [u8], usize) {
        let entry = |content: &[u8]| [&(content.len() as u32).to_le_bytes(), content].concat();
        // Version 1, no augmentation, factors 1 and -8, register 16 returns; CFA is rsp + 8, the return address below it.
        let common = entry(&[0, 0, 0, 0, 1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1, 0, 0]);
        let back = (common.len() as u32 + 4).to_le_bytes();
        let range = [0x1000u64.to_le_bytes(), 16u64.to_le_bytes()].concat();
        let function = entry(&[&back[..], &range, &std::vec![0; nothing]].concat());
        let offset = common.len();
        let bytes: Vec<u8> = [common, function].concat();
        (bytes.leak(), offset)
    }

    #[test]
    fn descriptions_are_read_up_to_a_length() {
        let rule = PackedRule::new(Rule::frame(Cfa::Sp(1), -1, CallerFp::Same));
        for nothing in [0, 1000, MOST_BYTES / 2] {
            let (frames, offset) = section(nothing);
            assert_eq!(by_description(frames, offset, 0x1008), Some(Some(rule)), "{nothing}");
            assert_eq!(by_description(frames, offset, 0x1010), None, "behind the function");
        }
        let (frames, offset) = section(MOST_BYTES);
        assert_eq!(by_description(frames, offset, 0x1008), Some(None));
    }

    /// Functions that align their stack keep the frame's address and the caller's rbp by expressions.
    #[test]
    fn expressions_of_the_frame_pointer_become_a_rule() {
        let rule = |cfa, fp| from_row(Row { cfa, ra: Saved::At(-8), fp });
        let plain = CfaRule::Register(7, 16);
        let saved = |expression: &'static [u8]| rule(plain, Saved::AtExpression(Reader(expression)));
        // rbp − 16; the word there; rsp − 16; rbp − 4, which is no whole word.
        assert_eq!(saved(&[0x76, 0x70]), Rule::frame(Cfa::Sp(2), -1, CallerFp::AtFp(-2)));
        assert_eq!([&[0x76, 0x70, 0x06], &[0x77, 0x70][..], &[0x76, 0x7c]].map(saved), [Rule::Unknown; 3]);
        let frame = |expression: &'static [u8]| rule(CfaRule::Expression(Reader(expression)), Saved::At(-16));
        assert_eq!(frame(&[0x76, 0x78, 0x06]), Rule::frame(Cfa::AtFp(-1), -1, CallerFp::Saved(-2)));
        assert_eq!([&[0x76, 0x78][..], &[0x77, 0x78, 0x06], &[0x50]].map(frame), [Rule::Unknown; 3]);
    }

    #[test]
    fn registers_become_a_rule() {
        let rule = |cfa, ra, fp| from_row(Row { cfa, ra, fp });
        let at = Saved::At(-8);
        let fp = |fp| rule(CfaRule::Register(6, 16), at, fp);
        assert_eq!(fp(Saved::At(-16)), Rule::frame(Cfa::Fp(2), -1, CallerFp::Saved(-2)));
        for same in [Saved::Default, Saved::Same, Saved::Undefined] {
            assert_eq!(fp(same), Rule::frame(Cfa::Fp(2), -1, CallerFp::Same));
        }
        assert_eq!([Saved::Elsewhere, Saved::At(-4)].map(fp), [Rule::Unknown; 2]);
        assert_eq!(rule(CfaRule::Register(3, 16), at, Saved::Same), Rule::Unknown);
        let ra = |ra| rule(CfaRule::Register(7, 8), ra, Saved::Same);
        assert_eq!((ra(Saved::Undefined), ra(Saved::Same)), (Rule::Outermost, Rule::Unknown));
    }

    #[test]
    fn damaged_descriptions_have_no_rule() {
        let (frames, offset) = section(20);
        for place in 0..frames.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = frames.to_vec();
                damaged[place] = value;
                // Whatever comes out: it ends, and reads nothing outside of the section.
                by_description(damaged.leak(), offset, 0x1008);
            }
        }
        // Past the end, and a description that says that it has itself in common with others.
        assert_eq!(by_description(frames, frames.len() + 100, 0x1008), None);
        let mut circular = frames.to_vec();
        circular[offset + 4..offset + 8].copy_from_slice(&4u32.to_le_bytes());
        assert_eq!(by_description(circular.leak(), offset, 0x1008), None);
    }
}
