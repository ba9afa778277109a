//! Finding the rule of a code address: the module's [`index`] is a sorted table, so that one look-up costs a binary
//! search and a few instructions of call frame information, however large the program.

use super::super::arch::DWARF;
use super::index;
use super::rule::{Base, Rule, Saved};
use super::tables;
use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameOffset, Expression, LittleEndian, Operation, Register,
    RegisterRule, UnwindContext, UnwindContextStorage, UnwindSection, UnwindTableRow,
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
pub(super) fn rule(pc: usize) -> Rule {
    lasting_rule(pc).unwrap_or(Rule::UNKNOWN)
}

/// The same; `None` where no module is known to have the code, which may change: programs that are linked statically
/// allocate before theirs is.
#[cold]
#[inline(never)]
pub(super) fn lasting_rule(pc: usize) -> Option<Rule> {
    let table = tables::find(pc)?;
    Some(in_module(&table, pc).unwrap_or(Rule::UNKNOWN))
}

fn in_module(table: &tables::UnwindTable, pc: usize) -> Option<Rule> {
    let header = table.bytes(table.header)?;
    let look_up = |pc| index::look_up(header, pc).or_else(|| index::look_up_unusual(header, pc));
    let found = look_up(pc)?;
    let bases = BaseAddresses::default().set_eh_frame(found.frames as u64);
    let section = EhFrame::new(table.bytes(found.frames)?, LittleEndian);
    let offset = EhFrameOffset(found.description.checked_sub(found.frames)?);
    let fde = section.fde_from_offset(&bases, offset, EhFrame::cie_from_offset).ok();
    let Some(fde) = fde.filter(|fde| fde.contains(pc as u64)) else {
        return undescribed(pc, table, |entry| look_up(entry) == Some(found));
    };
    if fde.is_signal_trampoline() {
        // Without Linux it is an interrupt's entry, of which nobody knows what it pushed where.
        return cfg!(feature = "std").then_some(Rule::SIGNAL);
    }
    let mut context: UnwindContext<usize, OnStack> = UnwindContext::new_in();
    let row = fde.unwind_info_for_address(&section, &bases, &mut context, pc as u64).ok()?;
    Some(from_row(row, &section, fde.cie().encoding()))
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
    return super::plt::rule(pc);
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
