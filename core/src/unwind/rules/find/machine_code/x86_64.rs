//! Instructions of x86_64 (Intel's manual, volume 2): their length, and what they do to the stack and the frame pointer.
//!
//! What compilers write for the C library is known. Of the rest [`decode`](X86) says nothing.

mod operands;

use super::Instructions;
use super::effect::Effect;
use operands::{Changes, Constant, FP, Prefixes, Rest, Rm, SP, changed, of_byte};

/// The instructions of x86_64.
pub(in crate::unwind::rules) struct X86;

impl Instructions for X86 {
    const LONGEST: usize = 15;
    const LINKED: bool = false;

    fn decode(code: &[u8]) -> Option<(usize, Effect)> {
        let mut rest = Rest(code);
        let (prefixes, opcode) = prefixes(&mut rest)?;
        let effect = one_byte(opcode, prefixes, &mut rest)?;
        Some((code.len() - rest.0.len(), effect))
    }
}

/// Reads the prefixes and the first byte of the code behind them.
fn prefixes(rest: &mut Rest<'_>) -> Option<(Prefixes, u8)> {
    let mut prefixes = Prefixes::default();
    loop {
        match rest.byte()? {
            0x66 => prefixes.short = true,
            // Addresses of 32 bits; segments; `lock`; `rep`, which is a part of the code of some instructions.
            0x67 | 0x26 | 0x2e | 0x36 | 0x3e | 0x64 | 0x65 | 0xf0 | 0xf2 | 0xf3 => {}
            rex @ 0x40..=0x4f => {
                prefixes.rex = Some(rex);
                return Some((prefixes, rest.byte()?));
            }
            opcode => return Some((prefixes, opcode)),
        }
    }
}

/// The instruction with a code of one byte.
fn one_byte(opcode: u8, prefixes: Prefixes, rest: &mut Rest<'_>) -> Option<Effect> {
    const ACCUMULATOR: Effect = Effect::Nothing;
    let low = prefixes.register(opcode & 7, 0);
    Some(match opcode {
        0x0f => return two_bytes(prefixes, rest),
        // Arithmetic. The last of the eight kinds compares.
        0x00..=0x3f => {
            let changes = |changes| if opcode >= 0x38 { Changes::None } else { changes };
            match opcode & 7 {
                0 => return rest.operands(prefixes)?.of_bytes(prefixes, changes(Changes::Rm)),
                1 => return rest.operands(prefixes)?.changed(changes(Changes::Rm)),
                2 => return rest.operands(prefixes)?.of_bytes(prefixes, changes(Changes::Reg)),
                3 => return rest.operands(prefixes)?.changed(changes(Changes::Reg)),
                4 => rest.constant(Constant::Byte, prefixes).map(|()| ACCUMULATOR)?,
                5 => rest.constant(Constant::Word, prefixes).map(|()| ACCUMULATOR)?,
                _ => return None,
            }
        }
        0x50..=0x5f if prefixes.short => return None,
        0x50..=0x57 => Effect::Push { fp: low == FP },
        0x58..=0x5f if low == SP => return None,
        0x58..=0x5f => Effect::Pop { fp: low == FP },
        0x63 => return rest.general(prefixes, Constant::None, Changes::Reg),
        0x68 | 0x6a if prefixes.short => return None,
        0x68 => rest.constant(Constant::Word, prefixes).map(|()| Effect::Push { fp: false })?,
        0x6a => rest.constant(Constant::Byte, prefixes).map(|()| Effect::Push { fp: false })?,
        0x69 => return rest.general(prefixes, Constant::Word, Changes::Reg),
        0x6b => return rest.general(prefixes, Constant::Byte, Changes::Reg),
        0x70..=0x7f | 0xe0..=0xe3 => Effect::Branch(rest.signed()?),
        0x80 => {
            let operands = rest.operands(prefixes)?;
            rest.constant(Constant::Byte, prefixes)?;
            let compares = operands.code == 7;
            return operands.of_bytes(prefixes, if compares { Changes::None } else { Changes::Rm });
        }
        0x81 if prefixes.short => return rest.general(prefixes, Constant::Word, Changes::Rm),
        0x81 => {
            let operands = rest.operands(prefixes)?;
            return operands.computed(rest.word()?, prefixes);
        }
        0x83 => {
            let operands = rest.operands(prefixes)?;
            return operands.computed(rest.signed()?, prefixes);
        }
        0x84 | 0x85 => return rest.general(prefixes, Constant::None, Changes::None),
        0x86 => return rest.operands(prefixes)?.of_bytes(prefixes, Changes::Both),
        0x87 => return rest.general(prefixes, Constant::None, Changes::Both),
        0x88 => return rest.operands(prefixes)?.of_bytes(prefixes, Changes::Rm),
        0x89 => return rest.operands(prefixes)?.copied(prefixes, false),
        0x8a => return rest.operands(prefixes)?.of_bytes(prefixes, Changes::Reg),
        0x8b => return rest.operands(prefixes)?.copied(prefixes, true),
        0x8d => return rest.operands(prefixes)?.address(prefixes),
        0x90..=0x97 => changed(low),
        // Widening, strings, the accumulator with a constant.
        0x98 | 0x99 | 0x9b | 0xa4..=0xa7 | 0xaa..=0xaf => Effect::Nothing,
        0xa8 => rest.constant(Constant::Byte, prefixes).map(|()| ACCUMULATOR)?,
        0xa9 => rest.constant(Constant::Word, prefixes).map(|()| ACCUMULATOR)?,
        0xb0..=0xb7 => {
            rest.constant(Constant::Byte, prefixes)?;
            changed(of_byte(low, prefixes))
        }
        0xb8..=0xbf => {
            rest.constant(Constant::Word, prefixes)?;
            if prefixes.wide() {
                rest.constant(Constant::Word, prefixes)?;
            }
            changed(low)
        }
        0xc0 => {
            let operands = rest.operands(prefixes)?;
            rest.constant(Constant::Byte, prefixes)?;
            return operands.of_bytes(prefixes, Changes::Rm);
        }
        0xc1 => return rest.general(prefixes, Constant::Byte, Changes::Rm),
        0xc3 => Effect::Return,
        0xc6 => {
            let operands = rest.operands(prefixes)?;
            rest.constant(Constant::Byte, prefixes)?;
            return operands.of_bytes(prefixes, Changes::Rm);
        }
        0xc7 => return rest.general(prefixes, Constant::Word, Changes::Rm),
        0xc9 if !prefixes.short => Effect::Leave,
        0xd0 | 0xd2 => return rest.operands(prefixes)?.of_bytes(prefixes, Changes::Rm),
        0xd1 | 0xd3 => return rest.general(prefixes, Constant::None, Changes::Rm),
        // Floating-point numbers.
        0xd8..=0xdf => return rest.general(prefixes, Constant::None, Changes::None),
        0xe8 | 0xe9 | 0xeb if prefixes.short => return None,
        // A call of what is behind it only pushes an address.
        0xe8 => (rest.word()? != 0).then_some(Effect::Call)?,
        0xe9 => Effect::Jump(rest.word()?),
        0xeb => Effect::Jump(rest.signed()?),
        0xcc | 0xf4 => Effect::End,
        0xf5 | 0xf8 | 0xf9 | 0xfc | 0xfd => Effect::Nothing,
        0xf6 | 0xf7 => {
            let is_byte = opcode == 0xf6;
            let operands = rest.operands(prefixes)?;
            // Tests with a constant; inversions; products and quotients.
            let changes = match operands.code {
                0 | 1 => {
                    rest.constant(if is_byte { Constant::Byte } else { Constant::Word }, prefixes)?;
                    Changes::None
                }
                2 | 3 => Changes::Rm,
                _ => Changes::None,
            };
            return if is_byte { operands.of_bytes(prefixes, changes) } else { operands.changed(changes) };
        }
        0xfe => return rest.operands(prefixes)?.of_bytes(prefixes, Changes::Rm),
        0xff => {
            let operands = rest.operands(prefixes)?;
            match (operands.code, operands.rm) {
                (0 | 1, _) => return operands.changed(Changes::Rm),
                _ if prefixes.short => return None,
                (2, _) => Effect::Call,
                (4, Rm::Fixed) => Effect::Return,
                (4, _) => Effect::End,
                (6, Rm::Fixed | Rm::Memory | Rm::Near(..)) => Effect::Push { fp: false },
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// The instruction with a code of two bytes, of which the first is read.
fn two_bytes(prefixes: Prefixes, rest: &mut Rest<'_>) -> Option<Effect> {
    let opcode = rest.byte()?;
    let (constant, changes) = match opcode {
        // A call of the system, a measurement of time.
        0x05 | 0x31 | 0xa2 => return Some(Effect::Nothing),
        0x0b => return Some(Effect::End),
        0x80..=0x8f if prefixes.short => return None,
        0x80..=0x8f => return Some(Effect::Branch(rest.word()?)),
        0xc8..=0xcf => return Some(changed(prefixes.register(opcode & 7, 0))),
        // Bits that set a byte.
        0x90..=0x9f | 0xb0 => return rest.operands(prefixes)?.of_bytes(prefixes, Changes::Rm),
        // `endbr64`; with other registers it reads the shadow stack.
        0x1e => {
            let fields = *rest.0.first()?;
            let is_known = fields < 0xc0 || fields == 0xfa;
            (Constant::None, is_known.then_some(Changes::None)?)
        }
        // Registers for floating-point numbers and vectors, hints.
        0x0d | 0x10..=0x18 | 0x1f | 0x28..=0x2b | 0x2e | 0x2f => (Constant::None, Changes::None),
        0x51..=0x6f | 0x74..=0x76 | 0x7c | 0x7d | 0x7f | 0xc3 | 0xd0..=0xd6 | 0xd8..=0xfe => {
            (Constant::None, Changes::None)
        }
        0x70..=0x73 | 0xc2 | 0xc4 | 0xc6 => (Constant::Byte, Changes::None),
        // From these into a general register.
        0x2c | 0x2d | 0x50 | 0xd7 => (Constant::None, Changes::Reg),
        0x7e => (Constant::None, Changes::Rm),
        0xc5 => (Constant::Byte, Changes::Reg),
        // Copies on a condition, products, widening, searches for bits.
        0x40..=0x4f | 0xaf | 0xb6..=0xb8 | 0xbc..=0xbf => (Constant::None, Changes::Reg),
        // Single bits, shifts over two registers, exchanges.
        0xa3 => (Constant::None, Changes::None),
        0xa4 | 0xac | 0xba => (Constant::Byte, Changes::Rm),
        0xa5 | 0xab | 0xad | 0xae | 0xb1 | 0xb3 | 0xbb => (Constant::None, Changes::Rm),
        0xc0 | 0xc1 => (Constant::None, Changes::Both),
        _ => return None,
    };
    rest.general(prefixes, constant, changes)
}

#[cfg(test)]
mod tests;
