//! Instructions of aarch64 (Arm's Architecture Reference Manual, C4): what they do to the stack, the frame pointer and the link register.
//!
//! Each has four bytes, and the same fields: `Rd` (or `Rt`), which most instructions change, `Rn`, which is the base of an access, and a
//! second register `Rt2`. What compilers write is known. Of the rest [`decode`](Aarch64) says nothing.

mod access;

use super::Instructions;
use super::effect::Effect;

const FP: u32 = 29;
const LINK: u32 = 30;
/// The number of the stack pointer, and of no register: the instruction decides which.
const SP: u32 = 31;

/// The instructions of aarch64.
pub(in crate::unwind::rules) struct Aarch64;

impl Instructions for Aarch64 {
    const LONGEST: usize = 4;
    const LINKED: bool = true;

    fn decode(code: &[u8]) -> Option<(usize, Effect)> {
        let word = u32::from_le_bytes(*code.first_chunk()?);
        let effect = match word >> 25 & 0xf {
            0b1000 | 0b1001 => with_constant(word),
            0b1010 | 0b1011 => branch(word),
            0b0101 | 0b1101 => with_registers(word),
            0b0111 | 0b1111 => with_vectors(word),
            0b0100 | 0b0110 | 0b1100 | 0b1110 => access::effect(word),
            // An instruction that is never defined.
            _ if word >> 16 == 0 => Some(Effect::End),
            _ => None,
        };
        Some((4, effect?))
    }
}

fn rd(word: u32) -> u32 {
    word & 0x1f
}

fn rn(word: u32) -> u32 {
    word >> 5 & 0x1f
}

/// A signed field of so many bits, at a shift.
fn signed(word: u32, shift: u32, bits: u32) -> i32 {
    ((word << (32 - shift - bits)) as i32) >> (32 - bits)
}

/// What changing a register does. Number 31 is no register here.
fn changed(register: u32) -> Effect {
    match register {
        FP => Effect::ChangeFp,
        LINK => Effect::ChangeLink,
        _ => Effect::Nothing,
    }
}

/// The same where number 31 is the stack pointer.
fn changed_or_sp(register: u32) -> Effect {
    if register == SP { Effect::ChangeSp } else { changed(register) }
}

/// Words of so many bytes.
fn words(bytes: i32) -> Option<i32> {
    (bytes % 8 == 0).then_some(bytes / 8)
}

/// Arithmetic with a constant.
fn with_constant(word: u32) -> Option<Effect> {
    let sets_flags = word >> 29 & 3;
    Some(match word >> 23 & 7 {
        // The sum or difference of a register and a constant.
        0b010 => sum(word),
        // A constant on memory's tags.
        0b011 => changed_or_sp(rd(word)),
        // Logic. The kind that sets flags has no stack pointer.
        0b100 if sets_flags != 3 => changed_or_sp(rd(word)),
        // Addresses of code, constants, fields of bits.
        _ => changed(rd(word)),
    })
}

/// `add` and `sub` with a constant.
fn sum(word: u32) -> Effect {
    let (is_wide, subtracts, sets_flags) = (word >> 31 != 0, word >> 30 & 1 != 0, word >> 29 & 1 != 0);
    let constant = (word >> 10 & 0xfff) << if word >> 22 & 1 != 0 { 12 } else { 0 };
    let constant = if subtracts { -(constant as i32) } else { constant as i32 };
    if sets_flags {
        return changed(rd(word));
    }
    match (rd(word), rn(word), words(constant)) {
        (SP, SP, Some(words)) if is_wide => Effect::MoveSp(words),
        (SP, FP, Some(words)) if is_wide => Effect::SpFromFp(words),
        (FP, SP, Some(words)) if is_wide => Effect::FpFromSp(words),
        (register, ..) => changed_or_sp(register),
    }
}

/// Branches, calls of the system, hints.
fn branch(word: u32) -> Option<Effect> {
    // The distance counts from the end of the instruction.
    let behind = |offset: i32| offset.wrapping_mul(4).wrapping_sub(4);
    Some(match word >> 24 {
        0x14..=0x17 => Effect::Jump(behind(signed(word, 0, 26))),
        0x94..=0x97 => Effect::Call,
        // On the flags, on a register.
        0x54 | 0x34 | 0x35 | 0xb4 | 0xb5 => Effect::Branch(behind(signed(word, 5, 19))),
        // On a bit.
        0x36 | 0x37 | 0xb6 | 0xb7 => Effect::Branch(behind(signed(word, 5, 14))),
        // A call of the system; a call of a debugger.
        0xd4 if word & 0xffe0_001f == 0xd400_0001 => Effect::Nothing,
        0xd4 if word & 0xffe0_001f == 0xd420_0000 => Effect::End,
        // A system's register is read; others are written, and hints.
        0xd5 if word & 0x0020_0000 != 0 => changed(rd(word)),
        0xd5 => Effect::Nothing,
        0xd6 | 0xd7 => return to_register(word),
        _ => return None,
    })
}

/// Branches to an address in a register, also to one that is signed.
fn to_register(word: u32) -> Option<Effect> {
    Some(match word & 0xffff_fc1f {
        0xd65f_0000 if rn(word) == LINK => Effect::Return,
        0xd63f_0000 => Effect::Call,
        // By convention these two registers have the address of another function, which returns for this one.
        0xd61f_0000 if matches!(rn(word), 16 | 17) => Effect::Return,
        0xd61f_0000 => Effect::End,
        _ => match word {
            0xd65f_0bff | 0xd65f_0fff => Effect::Return,
            _ => match word >> 20 {
                0xd63 | 0xd73 => Effect::Call,
                0xd61 | 0xd71 => Effect::End,
                _ => return None,
            },
        },
    })
}

/// Arithmetic with registers.
fn with_registers(word: u32) -> Option<Effect> {
    // A sum with an extended register is the only kind with the stack pointer.
    let is_extended = word & 0x1f20_0000 == 0x0b20_0000;
    let sets_flags = word >> 29 & 1 != 0;
    Some(if is_extended && !sets_flags { changed_or_sp(rd(word)) } else { changed(rd(word)) })
}

/// Floating-point numbers and vectors. Few instructions change a general register.
fn with_vectors(word: u32) -> Option<Effect> {
    let converts = word & 0x7f00_0000 == 0x1e00_0000 && (word & 0x0020_0000 == 0 || word & 0xfc00 == 0);
    // `smov` and `umov`.
    let copies = word & 0xbfe0_c400 == 0x0e00_0400 && word & 0x2800 == 0x2800;
    Some(if converts || copies { changed(rd(word)) } else { Effect::Nothing })
}

#[cfg(test)]
mod tests;
