//! Descriptions of functions in `.eh_frame` (Linux Standard Base, "DWARF Extensions"): call frame information becomes a rule.

use crate::unwind::arch::DWARF;
use crate::unwind::rules::packed::PackedRule;
use crate::unwind::rules::rule::{CallerFp, Cfa, Rule};
use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameOffset, Expression, FrameDescriptionEntry, LittleEndian,
    Operation, Register, RegisterRule, UnwindContext, UnwindContextStorage, UnwindSection, UnwindTableRow,
};

/// The most registers that one row of call frame information has rules for: functions of riscv64 save 25, others fewer. Each
/// takes 32 bytes of the stack, several times over, and a thread may have 16 KiB in all.
const MAX_RULES: usize = 26;
/// The deepest nesting of `DW_CFA_remember_state`.
const MAX_ROWS: usize = 4;

struct OnStack;

impl UnwindContextStorage<usize> for OnStack {
    type Rules = [(Register, RegisterRule<usize>); MAX_RULES];
    type Stack = [UnwindTableRow<usize, Self>; MAX_ROWS];
}

type Bytes = gimli::EndianSlice<'static, LittleEndian>;

/// The most bytes of a function's description, and of the part that it has in common with others. Compilers write a few
/// hundred; a longer one is damaged, and would take long to read.
const MOST_BYTES: usize = 256 << 10;

/// The rule by the description at an offset in its section; `None` when it is not of the code at `pc`.
pub(super) fn by_description(frames: &'static [u8], offset: usize, pc: usize) -> Option<Option<PackedRule>> {
    let bases = BaseAddresses::default().set_eh_frame(frames.as_ptr() as u64);
    let section = EhFrame::new(frames, LittleEndian);
    let fde = section.fde_from_offset(&bases, EhFrameOffset(offset), EhFrame::cie_from_offset).ok()?;
    if !fde.contains(pc as u64) {
        return None;
    }
    let is_bounded = fde.entry_len() <= MOST_BYTES && fde.cie().entry_len() <= MOST_BYTES;
    Some(is_bounded.then(|| rule_of(&fde, &section, &bases, pc)).flatten())
}

fn rule_of(
    fde: &FrameDescriptionEntry<Bytes>,
    section: &EhFrame<Bytes>,
    bases: &BaseAddresses,
    pc: usize,
) -> Option<PackedRule> {
    if fde.is_signal_trampoline() {
        // The positions of the registers are known for Linux. Without a system this is the entry of an interrupt.
        return cfg!(all(feature = "std", not(compact))).then_some(PackedRule::new(Rule::Signal));
    }
    let mut context: UnwindContext<usize, OnStack> = UnwindContext::new_in();
    let row = fde.unwind_info_for_address(section, bases, &mut context, pc as u64).ok()?;
    Some(PackedRule::new(from_row(row, section, fde.cie().encoding())))
}

fn from_row(
    row: &UnwindTableRow<usize, OnStack>,
    section: &EhFrame<Bytes>,
    encoding: gimli::Encoding,
) -> Rule {
    let ra = match row.register(DWARF.ra) {
        Some(RegisterRule::Offset(offset)) => offset,
        Some(RegisterRule::Undefined) => return Rule::Outermost,
        _ => return Rule::Unknown,
    };
    let at = |expression: gimli::UnwindExpression<usize>| operand(&expression.get(section).ok()?, encoding);
    let cfa = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } if *register == DWARF.sp => {
            words(*offset).map(Cfa::Sp)
        }
        CfaRule::RegisterAndOffset { register, offset } if *register == DWARF.fp => {
            words(*offset).map(Cfa::Fp)
        }
        CfaRule::Expression(expression) => match at(*expression) {
            Some(Operand { register, offset, deref: true }) if register == DWARF.fp => {
                words(offset).map(Cfa::AtFp)
            }
            _ => None,
        },
        CfaRule::RegisterAndOffset { .. } => None,
    };
    let fp = match row.register(DWARF.fp) {
        Some(RegisterRule::Offset(offset)) => words(offset).map(CallerFp::Saved),
        Some(RegisterRule::Expression(expression)) => match at(expression) {
            Some(Operand { register, offset, deref: false }) if register == DWARF.fp => {
                words(offset).map(CallerFp::AtFp)
            }
            _ => None,
        },
        None | Some(RegisterRule::SameValue | RegisterRule::Undefined) => Some(CallerFp::Same),
        Some(_) => None,
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
    register: Register,
    offset: i64,
    deref: bool,
}

fn operand(expression: &Expression<Bytes>, encoding: gimli::Encoding) -> Option<Operand> {
    let mut operations = (*expression).operations(encoding);
    let Operation::RegisterOffset { register, offset, .. } = operations.next().ok()?? else { return None };
    let deref = match operations.next().ok()? {
        None => false,
        Some(Operation::Deref { .. }) => true,
        Some(_) => return None,
    };
    matches!(operations.next(), Ok(None)).then_some(Operand { register, offset, deref })
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
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
