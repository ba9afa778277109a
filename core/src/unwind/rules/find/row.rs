//! The row of call frame information for one place in a function: what a rule needs of it.
//!
//! **Problem.** A description is a program that makes one row after another, with the rules of all registers (DWARF 5, 6.4). To run it
//! in full was half of the cost of a stack whose code is new.
//!
//! **Idea.** A walk needs three of the rules: those of the canonical frame address, of the return address and of the frame pointer. The
//! other registers' are passed over. A test compares the rows of whole modules with those that gimli makes.

use super::description::Description;
use super::reader::Reader;
use crate::unwind::arch::DWARF;
use heapless::Vec;

/// The deepest nesting of `DW_CFA_remember_state`.
const MAX_REMEMBERED: usize = 4;

/// The rules at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row<'b> {
    pub(super) cfa: Cfa<'b>,
    pub(super) ra: Saved<'b>,
    pub(super) fp: Saved<'b>,
}

/// The rule of the canonical frame address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cfa<'b> {
    /// A register plus bytes.
    Register(u64, i64),
    Expression(Reader<'b>),
}

/// The rule of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saved<'b> {
    /// None is given.
    Default,
    Undefined,
    Same,
    /// It is so many bytes from the canonical frame address.
    At(i64),
    /// It is at the address that an expression computes.
    AtExpression(Reader<'b>),
    /// It is in another register, or computed.
    Elsewhere,
}

impl<'b> Row<'b> {
    /// The row of the code at `pc`, which the description covers. `None` when the description is damaged.
    pub(super) fn at(pc: usize, description: &Description<'b>) -> Option<Row<'b>> {
        let common = &description.common;
        let none = Row { cfa: Cfa::Register(u64::MAX, 0), ra: Saved::Default, fp: Saved::Default };
        let mut program =
            Program { row: none, initial: none, remembered: Vec::new(), data_factor: common.data_factor };
        // The common part has one row.
        program.run(common.instructions, |_| None)?;
        program.initial = program.row;
        // The program ends at the end of the row, so a row is reached when the rest before `pc` is no longer negative.
        let mut rest = (pc as u64).wrapping_sub(description.begin);
        program.run(description.instructions, |advance| {
            let left = rest.checked_sub(u64::from(advance).checked_mul(common.code_factor)?);
            rest = left.unwrap_or_default();
            Some(left.is_some())
        })?;
        Some(program.row)
    }
}

/// The state of a description's program.
struct Program<'b> {
    row: Row<'b>,
    /// The row after the part that the description has in common with others.
    initial: Row<'b>,
    remembered: Vec<Row<'b>, MAX_REMEMBERED>,
    data_factor: i64,
}

impl<'b> Program<'b> {
    /// Runs instructions up to their end, or up to the end of a row at which `goes_on` says no; it gets by how much the place advances
    /// there, in the code's factor. `None` when the instructions are damaged, or `goes_on` says so.
    #[inline]
    fn run(&mut self, mut from: Reader<'b>, mut goes_on: impl FnMut(u32) -> Option<bool>) -> Option<()> {
        while let Some(instruction) = from.u8() {
            let low = instruction & 0x3f;
            let advance = match instruction >> 6 {
                1 => low.into(),
                2 => {
                    let offset = from.unsigned()? as i64;
                    self.set(low.into(), |program| Saved::At(program.bytes(offset)));
                    continue;
                }
                3 => {
                    self.restore(low.into());
                    continue;
                }
                _ => match low {
                    // DW_CFA_advance_loc1, 2 and 4
                    0x02 => from.u8()?.into(),
                    0x03 => from.u16()?.into(),
                    0x04 => from.u32()?,
                    // DW_CFA_def_cfa_offset
                    0x0e => {
                        self.set_cfa_offset(from.unsigned()? as i64)?;
                        continue;
                    }
                    _ => {
                        self.uncommon(low, &mut from)?;
                        continue;
                    }
                },
            };
            if !goes_on(advance)? {
                break;
            }
        }
        Some(())
    }

    /// Runs an instruction that is none of the most common ones.
    fn uncommon(&mut self, instruction: u8, from: &mut Reader<'b>) -> Option<()> {
        match instruction {
            // DW_CFA_offset_extended, restore_extended, undefined, same_value
            0x05 => {
                let (register, offset) = (from.unsigned()?, from.unsigned()? as i64);
                self.set(register, |program| Saved::At(program.bytes(offset)));
            }
            0x06 => self.restore(from.unsigned()?),
            0x07 => self.set(from.unsigned()?, |_| Saved::Undefined),
            0x08 => self.set(from.unsigned()?, |_| Saved::Same),
            // DW_CFA_register, val_offset and val_offset_sf
            0x09 | 0x14 | 0x15 => {
                let register = from.unsigned()?;
                from.unsigned()?;
                self.set(register, |_| Saved::Elsewhere);
            }
            // DW_CFA_remember_state, restore_state
            0x0a => self.remembered.push(self.row).ok()?,
            0x0b => self.row = self.remembered.pop()?,
            // DW_CFA_def_cfa, def_cfa_register
            0x0c => self.row.cfa = Cfa::Register(from.unsigned()?, from.unsigned()? as i64),
            0x0d => {
                let Cfa::Register(_, offset) = self.row.cfa else { return None };
                self.row.cfa = Cfa::Register(from.unsigned()?, offset);
            }
            // DW_CFA_def_cfa_expression, expression, val_expression
            0x0f => self.row.cfa = Cfa::Expression(from.block()?),
            0x10 => {
                let (register, expression) = (from.unsigned()?, from.block()?);
                self.set(register, |_| Saved::AtExpression(expression));
            }
            0x16 => {
                let register = from.unsigned()?;
                from.block()?;
                self.set(register, |_| Saved::Elsewhere);
            }
            // DW_CFA_offset_extended_sf, def_cfa_sf, def_cfa_offset_sf
            0x11 => {
                let (register, offset) = (from.unsigned()?, from.signed()?);
                self.set(register, |program| Saved::At(program.bytes(offset)));
            }
            0x12 => {
                let (register, offset) = (from.unsigned()?, from.signed()?);
                self.row.cfa = Cfa::Register(register, self.bytes(offset));
            }
            0x13 => {
                let offset = self.bytes(from.signed()?);
                self.set_cfa_offset(offset)?;
            }
            // DW_CFA_GNU_args_size: what a handler of exceptions needs
            0x2e => _ = from.unsigned()?,
            // DW_CFA_nop; DW_CFA_AARCH64_negate_ra_state: whether the return address is signed, which makes no difference here
            0x00 => {}
            0x2d if cfg!(target_arch = "aarch64") => {}
            _ => return None,
        }
        Some(())
    }

    /// An offset that counts in the data's factor.
    fn bytes(&self, factored: i64) -> i64 {
        factored.wrapping_mul(self.data_factor)
    }

    fn set_cfa_offset(&mut self, offset: i64) -> Option<()> {
        let Cfa::Register(register, _) = self.row.cfa else { return None };
        self.row.cfa = Cfa::Register(register, offset);
        Some(())
    }

    /// Sets the rule of a register, if it is one of the two.
    #[inline]
    fn set(&mut self, register: u64, rule: impl FnOnce(&Self) -> Saved<'b>) {
        if register == DWARF.ra {
            self.row.ra = rule(self);
        } else if register == DWARF.fp {
            self.row.fp = rule(self);
        }
    }

    fn restore(&mut self, register: u64) {
        let Row { ra, fp, .. } = self.initial;
        self.set(register, |_| if register == DWARF.ra { ra } else { fp });
    }
}

#[cfg(all(test, cfi, not(compact)))]
mod tests {
    use super::*;
    use crate::os::unwind_tables;
    use gimli::{
        BaseAddresses, CfaRule, CieOrFde, EhFrame, EhFrameOffset, EndianSlice, LittleEndian, Register,
        RegisterRule, UnwindContext, UnwindContextStorage, UnwindExpression, UnwindSection, UnwindTableRow,
    };

    struct OnStack;

    impl UnwindContextStorage<usize> for OnStack {
        type Rules = [(Register, RegisterRule<usize>); 40];
        type Stack = [UnwindTableRow<usize, Self>; 8];
    }

    type Section = EhFrame<EndianSlice<'static, LittleEndian>>;

    fn bytes(expression: UnwindExpression<usize>, section: &Section) -> Reader<'static> {
        Reader(expression.get(section).expect("it is there").0.slice())
    }

    fn saved(rule: Option<RegisterRule<usize>>, section: &Section) -> Saved<'static> {
        match rule {
            None => Saved::Default,
            Some(RegisterRule::Undefined) => Saved::Undefined,
            Some(RegisterRule::SameValue) => Saved::Same,
            Some(RegisterRule::Offset(offset)) => Saved::At(offset),
            Some(RegisterRule::Expression(expression)) => Saved::AtExpression(bytes(expression, section)),
            Some(_) => Saved::Elsewhere,
        }
    }

    /// Compares all rows of all functions of a module with those that gimli makes. Returns how many functions and rows there are.
    fn compare(code: usize) -> (usize, usize) {
        let table = unwind_tables::find(code).expect("it has a table");
        let header = table.bytes(table.header).expect("it is mapped");
        let found = super::super::eh_frame_hdr::look_up(header, code).expect("a function");
        let frames = table.bytes(found.frames).expect("it is mapped");
        let bases = BaseAddresses::default().set_eh_frame(frames.as_ptr() as u64);
        let section = EhFrame::new(frames, LittleEndian);
        let (mut functions, mut rows) = (0, 0);
        let mut entries = section.entries(&bases);
        while let Ok(Some(entry)) = entries.next() {
            let CieOrFde::Fde(partial) = entry else { continue };
            let common =
                |_: &_, bases: &_, offset: EhFrameOffset<usize>| section.cie_from_offset(bases, offset);
            let fde = partial.parse(common).expect("a linker wrote it");
            let own = Description::at(frames, fde.offset()).expect("a linker wrote it");
            assert_eq!(own.common.is_of_signal, fde.is_signal_trampoline());
            let mut context: UnwindContext<usize, OnStack> = UnwindContext::new_in();
            let mut known = fde.rows(&section, &bases, &mut context).expect("a compiler wrote it");
            functions += 1;
            while let Some(row) = known.next_row().expect("a compiler wrote it") {
                let cfa = match row.cfa() {
                    CfaRule::RegisterAndOffset { register, offset } => {
                        Cfa::Register(register.0.into(), *offset)
                    }
                    CfaRule::Expression(expression) => Cfa::Expression(bytes(*expression, &section)),
                };
                let [ra, fp] = [DWARF.ra, DWARF.fp]
                    .map(|register| saved(row.register(Register(register as u16)), &section));
                for pc in [row.start_address(), row.end_address().wrapping_sub(1)] {
                    assert_eq!(own.contains(pc as usize), fde.contains(pc), "{pc:x}");
                    // A row without length has no place.
                    if fde.contains(pc) && row.start_address() < row.end_address() {
                        assert_eq!(Row::at(pc as usize, &own), Some(Row { cfa, ra, fp }), "{pc:x}");
                        rows += 1;
                    }
                }
            }
        }
        (functions, rows)
    }

    #[test]
    fn rows_are_those_that_gimli_makes() {
        let own = compare(compare as *const () as usize);
        assert!(own.0 > 500 && own.1 > 2000, "{own:?}");
        #[cfg(target_env = "gnu")]
        {
            let libc = compare(libc::qsort as *const () as usize);
            assert!(libc.0 > 2000 && libc.1 > 10_000, "{libc:?}");
        }
    }
}
