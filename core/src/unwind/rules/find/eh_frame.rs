//! Finding the rule of a code address: the module's [`index`] is a sorted table, so that one look-up costs a binary
//! search and a few instructions of call frame information, however large the program.

use super::eh_frame_hdr as index;
use super::tables;
use crate::unwind::arch::DWARF;
use crate::unwind::rules::rule::{Base, Rule, Saved};
use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameOffset, Expression, FrameDescriptionEntry, LittleEndian,
    Operation, Register, RegisterRule, UnwindContext, UnwindContextStorage, UnwindSection, UnwindTableRow,
};

/// Rules that one row of call frame information can have: riscv64's functions save 25 registers at most, others fewer. Each
/// takes 32 bytes of the stack, several times, and threads may have 16 KiB in all.
const MAX_RULES: usize = 26;
/// Nesting of `DW_CFA_remember_state`.
const MAX_ROWS: usize = 4;

struct OnStack;

impl UnwindContextStorage<usize> for OnStack {
    type Rules = [(Register, RegisterRule<usize>); MAX_RULES];
    type Stack = [UnwindTableRow<usize, Self>; MAX_ROWS];
}

type Bytes = gimli::EndianSlice<'static, LittleEndian>;

/// The rule for the code at `pc`.
#[cold]
#[inline(never)]
pub(in crate::unwind) fn rule(pc: usize) -> Rule {
    lasting_rule(pc).unwrap_or(Rule::UNKNOWN)
}

/// The same; `None` where no module is known to have the code, which may change: programs that are linked statically
/// allocate before theirs is.
#[cold]
#[inline(never)]
pub(in crate::unwind) fn lasting_rule(pc: usize) -> Option<Rule> {
    let table = tables::find(pc)?;
    #[cfg(cfi)]
    crate::session::modules_seen::see(table.header);
    Some(in_module(&table, pc).unwrap_or(Rule::UNKNOWN))
}

// Apart from finding the table: each takes kilobytes of the stack.
#[inline(never)]
pub(in crate::unwind) fn in_module(table: &tables::UnwindTable, pc: usize) -> Option<Rule> {
    let header = table.bytes(table.header)?;
    let look_up = |pc| index::look_up(header, pc).or_else(|| index::look_up_unusual(header, pc));
    let found = look_up(pc)?;
    match by_description(table.bytes(found.frames)?, found.description.checked_sub(found.frames)?, pc) {
        Some(rule) => rule,
        None => undescribed(pc, table, |entry| look_up(entry) == Some(found)),
    }
}

/// Bytes that the description of a function has at most, and what it has in common with others. Compilers write a few
/// hundred; more is damage, which would take its time to read.
const MOST_BYTES: usize = 256 << 10;

/// The rule by the description at an offset in its section; `None` when it is not of the code at `pc`.
fn by_description(frames: &'static [u8], offset: usize, pc: usize) -> Option<Option<Rule>> {
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
) -> Option<Rule> {
    if fde.is_signal_trampoline() {
        // Without Linux it is an interrupt's entry, of which nobody knows what it pushed where.
        return cfg!(feature = "std").then_some(Rule::SIGNAL);
    }
    let mut context: UnwindContext<usize, OnStack> = UnwindContext::new_in();
    let row = fde.unwind_info_for_address(section, bases, &mut context, pc as u64).ok()?;
    Some(from_row(row, section, fde.cie().encoding()))
}

/// The rule of code in no function that is described. Nobody calls the code at which a module is entered: in the dynamic
/// linker, and in some C libraries, it is not described. `is_same_gap` says whether the last described function before an
/// address is the one before `pc`.
#[cfg(feature = "std")]
fn undescribed(pc: usize, table: &tables::UnwindTable, is_same_gap: impl Fn(usize) -> bool) -> Option<Rule> {
    /// Bytes of such code, which sets up the stack and calls what is written in C. What lies behind it may be called.
    const START: usize = 256;
    let entry = table.entry();
    if entry != 0 && (entry..entry.saturating_add(START)).contains(&pc) && is_same_gap(entry) {
        return Some(Rule::OUTERMOST);
    }
    #[cfg(target_arch = "x86_64")]
    return super::linkage_table::rule(pc);
    #[cfg(not(target_arch = "x86_64"))]
    None
}

#[cfg(not(feature = "std"))]
fn undescribed(_: usize, _: &tables::UnwindTable, _: impl Fn(usize) -> bool) -> Option<Rule> {
    None
}

const WORD: usize = size_of::<usize>();

fn from_row(
    row: &UnwindTableRow<usize, OnStack>,
    section: &EhFrame<Bytes>,
    encoding: gimli::Encoding,
) -> Rule {
    let ra = match row.register(DWARF.ra) {
        Some(RegisterRule::Offset(offset)) => offset,
        Some(RegisterRule::Undefined) => return Rule::OUTERMOST,
        _ => return Rule::UNKNOWN,
    };
    let at = |expression: gimli::UnwindExpression<usize>| operand(&expression.get(section).ok()?, encoding);
    let (base, cfa) = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } if *register == DWARF.sp => (Base::Sp, *offset),
        CfaRule::RegisterAndOffset { register, offset } if *register == DWARF.fp => (Base::Fp, *offset),
        CfaRule::Expression(expression) => match at(*expression) {
            Some(Operand { register, offset, deref: true }) if register == DWARF.fp => (Base::AtFp, offset),
            _ => return Rule::UNKNOWN,
        },
        CfaRule::RegisterAndOffset { .. } => return Rule::UNKNOWN,
    };
    let words = |bytes: i64| (bytes % WORD as i64 == 0).then_some(bytes / WORD as i64);
    let saved = match row.register(DWARF.fp) {
        Some(RegisterRule::Offset(offset)) => words(offset).map(Saved::AtCfa),
        Some(RegisterRule::Expression(expression)) => match at(expression) {
            Some(Operand { register, offset, deref: false }) if register == DWARF.fp => {
                words(offset).map(Saved::AtFp)
            }
            _ => None,
        },
        None | Some(RegisterRule::SameValue | RegisterRule::Undefined) => Some(Saved::Same),
        Some(_) => None,
    };
    saved.map_or(Rule::UNKNOWN, |saved| Rule::new(base, cfa, ra, saved))
}

/// The expressions that compilers use: a register plus an offset, perhaps the word there.
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
        let rule = Rule::new(Base::Sp, 8, -8, Saved::Same);
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
