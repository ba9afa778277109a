//! The unwind instructions of one function (EHABI §10.3).

/// The numbers of registers.
pub(super) const R7: usize = 7;
#[cfg(ehabi)]
pub(super) const R11: usize = 11;
pub(super) const SP: usize = 13;
pub(super) const LR: usize = 14;
pub(super) const PC: usize = 15;

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// Moves the stack pointer outwards, by so many bytes.
    Skip(u32),
    /// Moves it inwards.
    Back(u32),
    /// Pops the registers whose bits are set, the lowest one first.
    Pop(u32),
    /// Sets the stack pointer to a register, which is neither the stack pointer nor the program counter.
    SetSp(usize),
}

/// The operations of instructions. An item is `None`, and the last one, when they make no sense, or say that the function cannot be
/// unwound.
pub(super) struct Operations<I>(pub(super) I);

impl<I: Iterator<Item = u8>> Iterator for Operations<I> {
    type Item = Option<Operation>;

    fn next(&mut self) -> Option<Option<Operation>> {
        const FINISH: u8 = 0xb0;
        let first = self.0.next().filter(|byte| *byte != FINISH)?;
        Some(operation(first, &mut self.0))
    }
}

/// The operation that begins with a byte. `None` when it makes no sense, or says that the function cannot be unwound.
fn operation(first: u8, code: &mut impl Iterator<Item = u8>) -> Option<Operation> {
    let low = u32::from(first);
    Some(match first {
        0x00..=0x3f => Operation::Skip(((low & 0x3f) << 2) + 4),
        0x40..=0x7f => Operation::Back(((low & 0x3f) << 2) + 4),
        0x80..=0x8f => {
            let mask = (low & 0xf) << 8 | u32::from(code.next()?);
            // An empty mask says that the function cannot be unwound.
            (mask != 0).then_some(Operation::Pop(mask << 4))?
        }
        0x90..=0x9f => {
            let register = usize::from(first & 0xf);
            (register != SP && register != PC).then_some(Operation::SetSp(register))?
        }
        0xa0..=0xaf => {
            let upto = (1 << ((low & 7) + 1)) - 1;
            Operation::Pop(upto << 4 | (low >> 3 & 1) << LR)
        }
        0xb1 => {
            let mask = u32::from(code.next()?);
            (1..=0xf).contains(&mask).then_some(Operation::Pop(mask))?
        }
        0xb2 => Operation::Skip(uleb128(code)?.checked_mul(4)?.checked_add(0x204)?),
        // Floating point registers, as FSTMFDX stored them: with a word of format in front.
        0xb3 => Operation::Skip(8 * ((u32::from(code.next()?) & 0xf) + 1) + 4),
        0xb8..=0xbf => Operation::Skip(8 * ((low & 7) + 1) + 4),
        // A return address authentication code, and the value that it was made with.
        0xb4 => Operation::Skip(4),
        0xb5 => Operation::Skip(0),
        // Floating point registers, as VPUSH stored them.
        0xc8 | 0xc9 => Operation::Skip(8 * ((u32::from(code.next()?) & 0xf) + 1)),
        0xd0..=0xd7 => Operation::Skip(8 * ((low & 7) + 1)),
        // Spare, or of coprocessors that no Cortex has.
        _ => return None,
    })
}

/// Seven bits a byte, low ones first.
fn uleb128(code: &mut impl Iterator<Item = u8>) -> Option<u32> {
    let mut value = 0;
    for shift in [0, 7, 14, 21] {
        let byte = u32::from(code.next()?);
        value |= (byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
