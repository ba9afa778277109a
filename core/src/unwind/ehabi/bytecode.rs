//! The unwind instructions of one function (EHABI §10.3), and the registers that they change.

const SP: usize = 13;
const LR: usize = 14;
const PC: usize = 15;
const R7: usize = 7;

/// The registers of a frame, and which of them are known. Instructions that ask for another one end the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    registers: [u32; 16],
    known: u16,
}

impl Frame {
    pub(super) fn new(pc: u32, sp: u32, r7: u32) -> Self {
        let mut frame = Frame { registers: [0; 16], known: 0 };
        frame.set(PC, pc);
        frame.set(SP, sp);
        frame.set(R7, r7);
        frame
    }

    pub(super) fn pc(&self) -> u32 {
        self.registers[PC]
    }

    pub(super) fn sp(&self) -> u32 {
        self.registers[SP]
    }

    /// Goes on in code that was interrupted.
    pub(super) fn interrupted(&mut self, pc: u32, lr: u32, sp: u32) {
        self.set(PC, pc);
        self.set(LR, lr);
        self.set(SP, sp);
    }

    /// Returns from code that has pushed nothing yet.
    pub(super) fn unwind_leaf(&mut self) {
        self.set(PC, self.registers[LR]);
    }

    fn set(&mut self, register: usize, value: u32) {
        self.registers[register] = value;
        self.known |= 1 << register;
    }

    fn pop(&mut self, mask: u32, read: &impl Fn(u32) -> Option<u32>) -> Option<()> {
        let mut at = self.sp();
        for register in (0..16).filter(|register| mask >> register & 1 == 1) {
            self.set(register, read(at)?);
            at = at.checked_add(4)?;
        }
        // The stack pointer may be among the registers.
        if mask >> SP & 1 == 0 {
            self.set(SP, at);
        }
        Some(())
    }

    fn skip(&mut self, bytes: u32) -> Option<()> {
        let sp = self.sp().checked_add(bytes)?;
        self.set(SP, sp);
        Some(())
    }

    /// Runs a function's instructions: the registers become its caller's. `None` when the instructions make no sense, or say
    /// that the function cannot be unwound.
    pub(super) fn unwind(
        &mut self,
        instructions: impl Iterator<Item = u8>,
        read: impl Fn(u32) -> Option<u32>,
    ) -> Option<()> {
        let mut code = instructions;
        self.known &= !(1 << PC);
        while let Some(byte) = code.next() {
            let low = u32::from(byte);
            match byte {
                0x00..=0x3f => self.skip(((low & 0x3f) << 2) + 4)?,
                0x40..=0x7f => {
                    let sp = self.sp().checked_sub(((low & 0x3f) << 2) + 4)?;
                    self.set(SP, sp);
                }
                0x80..=0x8f => {
                    let mask = (low & 0xf) << 8 | u32::from(code.next()?);
                    // An empty mask says that the function cannot be unwound.
                    (mask != 0).then_some(())?;
                    self.pop(mask << 4, &read)?;
                }
                0x90..=0x9f => {
                    let register = usize::from(byte & 0xf);
                    (register != SP && register != PC && self.known >> register & 1 == 1).then_some(())?;
                    self.set(SP, self.registers[register]);
                }
                0xa0..=0xaf => {
                    let upto = (1 << ((low & 7) + 1)) - 1;
                    self.pop(upto << 4 | (low >> 3 & 1) << LR, &read)?;
                }
                0xb0 => break,
                0xb1 => {
                    let mask = u32::from(code.next()?);
                    (1..=0xf).contains(&mask).then_some(())?;
                    self.pop(mask, &read)?;
                }
                0xb2 => {
                    let words = uleb128(&mut code)?;
                    self.skip(words.checked_mul(4)?.checked_add(0x204)?)?;
                }
                // Floating point registers, as FSTMFDX stored them: with a word of format in front.
                0xb3 => self.skip(8 * ((u32::from(code.next()?) & 0xf) + 1) + 4)?,
                0xb8..=0xbf => self.skip(8 * ((low & 7) + 1) + 4)?,
                // A return address authentication code, and the value that it was made with.
                0xb4 => self.skip(4)?,
                0xb5 => {}
                // Floating point registers, as VPUSH stored them.
                0xc8 | 0xc9 => self.skip(8 * ((u32::from(code.next()?) & 0xf) + 1))?,
                0xd0..=0xd7 => self.skip(8 * ((low & 7) + 1))?,
                // Spare, or of coprocessors that no Cortex-M has.
                _ => return None,
            }
        }
        if self.known >> PC & 1 == 0 {
            // A leaf, or a function whose return address was popped into the link register.
            (self.known >> LR & 1 == 1).then_some(())?;
            self.set(PC, self.registers[LR]);
        }
        Some(())
    }
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
