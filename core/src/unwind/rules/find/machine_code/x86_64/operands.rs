//! Prefixes and operands of instructions.

use super::Effect;

pub(super) const SP: u8 = 4;
pub(super) const FP: u8 = 5;

/// Bytes of a constant behind an instruction.
#[derive(Clone, Copy)]
pub(super) enum Constant {
    None,
    Byte,
    /// Four bytes, with the prefix for 16 bits two.
    Word,
}

/// The operand that an instruction changes.
#[derive(Clone, Copy)]
pub(super) enum Changes {
    None,
    /// The one in the field `reg`.
    Reg,
    /// The one in the field `r/m`.
    Rm,
    Both,
}

/// The prefixes of an instruction.
#[derive(Clone, Copy, Default)]
pub(super) struct Prefixes {
    /// Operands have 16 bits.
    pub(super) short: bool,
    pub(super) rex: Option<u8>,
}

impl Prefixes {
    pub(super) fn bit(self, bit: u8) -> bool {
        self.rex.is_some_and(|rex| rex >> bit & 1 != 0)
    }

    /// Operands have 64 bits.
    pub(super) fn wide(self) -> bool {
        self.bit(3)
    }

    /// A register's number with the bit of the prefix.
    pub(super) fn register(self, number: u8, bit: u8) -> u8 {
        number | u8::from(self.bit(bit)) << 3
    }
}

/// The operands of an instruction.
#[derive(Clone, Copy)]
pub(super) struct Operands {
    /// The field `reg` as it is: of some instructions it is a part of the code.
    pub(super) code: u8,
    pub(super) reg: u8,
    pub(super) rm: Rm,
}

#[derive(Clone, Copy)]
pub(super) enum Rm {
    Register(u8),
    /// Memory at a register plus an offset in bytes.
    Near(u8, i32),
    /// Memory at an offset from the instruction.
    Fixed,
    /// Other memory.
    Memory,
}

/// The bytes that are not read yet.
pub(super) struct Rest<'c>(pub(super) &'c [u8]);

impl Rest<'_> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    pub(super) fn word(&mut self) -> Option<i32> {
        let (&bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i32::from_le_bytes(bytes))
    }

    pub(super) fn signed(&mut self) -> Option<i32> {
        self.byte().map(|byte| i32::from(byte as i8))
    }

    pub(super) fn constant(&mut self, constant: Constant, prefixes: Prefixes) -> Option<()> {
        let length = match constant {
            Constant::None => 0,
            Constant::Byte => 1,
            Constant::Word if prefixes.short && !prefixes.wide() => 2,
            Constant::Word => 4,
        };
        self.0 = self.0.get(length..)?;
        Some(())
    }

    pub(super) fn operands(&mut self, prefixes: Prefixes) -> Option<Operands> {
        let fields = self.byte()?;
        let (mode, code, low) = (fields >> 6, fields >> 3 & 7, fields & 7);
        let reg = prefixes.register(code, 2);
        if mode == 3 {
            return Some(Operands { code, reg, rm: Rm::Register(prefixes.register(low, 0)) });
        }
        let mut base = Some(prefixes.register(low, 0));
        let mut is_fixed = mode == 0 && low == 5;
        if low == 4 {
            let fields = self.byte()?;
            let index = prefixes.register(fields >> 3 & 7, 1);
            base = (index == 4).then_some(prefixes.register(fields & 7, 0));
            if mode == 0 && fields & 7 == 5 {
                self.word()?;
                return Some(Operands { code, reg, rm: Rm::Memory });
            }
            is_fixed = false;
        }
        let offset = match mode {
            0 if is_fixed => {
                self.word()?;
                return Some(Operands { code, reg, rm: Rm::Fixed });
            }
            0 => 0,
            1 => self.signed()?,
            _ => self.word()?,
        };
        Some(Operands { code, reg, rm: base.map_or(Rm::Memory, |base| Rm::Near(base, offset)) })
    }

    /// An instruction with operands.
    pub(super) fn general(
        &mut self,
        prefixes: Prefixes,
        constant: Constant,
        changes: Changes,
    ) -> Option<Effect> {
        let operands = self.operands(prefixes)?;
        self.constant(constant, prefixes)?;
        operands.changed(changes)
    }
}

/// What changing a register does.
pub(super) fn changed(register: u8) -> Effect {
    match register {
        SP => Effect::ChangeSp,
        FP => Effect::ChangeFp,
        _ => Effect::Nothing,
    }
}

/// The register of an operand of one byte: without a prefix, four of the numbers are the high halves of others.
pub(super) fn of_byte(number: u8, prefixes: Prefixes) -> u8 {
    if prefixes.rex.is_none() { number & 3 } else { number }
}

fn words(bytes: i32) -> Option<i32> {
    (bytes % 8 == 0).then_some(bytes / 8)
}

impl Operands {
    pub(super) fn changed(self, changes: Changes) -> Option<Effect> {
        let reg = match changes {
            Changes::Reg | Changes::Both => changed(self.reg),
            Changes::None | Changes::Rm => Effect::Nothing,
        };
        let rm = match (changes, self.rm) {
            (Changes::Rm | Changes::Both, Rm::Register(register)) => changed(register),
            _ => Effect::Nothing,
        };
        match (reg, rm) {
            (effect, Effect::Nothing) | (Effect::Nothing, effect) => Some(effect),
            _ => None,
        }
    }

    /// An instruction with operands of one byte.
    pub(super) fn of_bytes(mut self, prefixes: Prefixes, changes: Changes) -> Option<Effect> {
        self.reg = of_byte(self.reg, prefixes);
        if let Rm::Register(register) = self.rm {
            self.rm = Rm::Register(of_byte(register, prefixes));
        }
        self.changed(changes)
    }

    /// A register is copied to another, or loaded, or stored.
    pub(super) fn copied(self, prefixes: Prefixes, loads: bool) -> Option<Effect> {
        if !prefixes.wide() {
            return self.changed(if loads { Changes::Reg } else { Changes::Rm });
        }
        let (to, from) = match self.rm {
            Rm::Register(rm) if loads => (self.reg, rm),
            Rm::Register(rm) => (rm, self.reg),
            Rm::Near(SP, offset) if self.reg == FP => {
                let effect = if loads { Effect::LoadFp } else { Effect::StoreFp };
                return Some(
                    words(offset).map_or(if loads { Effect::ChangeFp } else { Effect::Nothing }, effect),
                );
            }
            _ if loads => (self.reg, 0),
            _ => return Some(Effect::Nothing),
        };
        Some(match (to, from) {
            (SP, FP) => Effect::SpFromFp(0),
            (FP, SP) => Effect::FpFromSp(0),
            _ if to == from => Effect::Nothing,
            _ => changed(to),
        })
    }

    /// `lea`
    pub(super) fn address(self, prefixes: Prefixes) -> Option<Effect> {
        let near = match self.rm {
            Rm::Register(_) => return None,
            Rm::Near(base, offset) if prefixes.wide() => words(offset).map(|offset| (base, offset)),
            _ => None,
        };
        Some(match (self.reg, near) {
            (SP, Some((SP, words))) => Effect::MoveSp(words),
            (SP, Some((FP, words))) => Effect::SpFromFp(words),
            (FP, Some((SP, words))) => Effect::FpFromSp(words),
            (register, _) => changed(register),
        })
    }

    /// Arithmetic with a constant.
    pub(super) fn computed(self, constant: i32, prefixes: Prefixes) -> Option<Effect> {
        const ADD: u8 = 0;
        const SUB: u8 = 5;
        const COMPARE: u8 = 7;
        match (self.code, self.rm) {
            (COMPARE, _) => Some(Effect::Nothing),
            (ADD, Rm::Register(SP)) if prefixes.wide() => words(constant).map(Effect::MoveSp),
            (SUB, Rm::Register(SP)) if prefixes.wide() => words(constant.checked_neg()?).map(Effect::MoveSp),
            _ => self.changed(Changes::Rm),
        }
    }
}
