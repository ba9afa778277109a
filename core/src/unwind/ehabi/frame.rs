//! The registers of a frame, and what unwind instructions do with them.

use super::bytecode::{LR, Operation, Operations, PC, R7, SP};

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

    /// Runs a function's instructions: the registers become its caller's. `None` when the instructions make no sense, or say
    /// that the function cannot be unwound.
    pub(super) fn unwind(
        &mut self,
        instructions: impl Iterator<Item = u8>,
        read: impl Fn(u32) -> Option<u32>,
    ) -> Option<()> {
        self.known &= !(1 << PC);
        for operation in Operations(instructions) {
            match operation? {
                Operation::Skip(bytes) => self.set(SP, self.sp().checked_add(bytes)?),
                Operation::Back(bytes) => self.set(SP, self.sp().checked_sub(bytes)?),
                Operation::Pop(mask) => self.pop(mask, &read)?,
                Operation::SetSp(register) => {
                    (self.known >> register & 1 == 1).then_some(())?;
                    self.set(SP, self.registers[register]);
                }
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
