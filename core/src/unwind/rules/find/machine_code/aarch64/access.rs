//! Loads and stores.

use super::super::effect::{Access, Effect};
use super::{FP, LINK, SP, changed, rd, rn, signed};

/// What a load or store does.
pub(super) fn effect(word: u32) -> Option<Effect> {
    let is_vector = word >> 26 & 1 != 0;
    match word >> 24 & 0x3b {
        // Structures of vectors. One that moves its base has a bit of its own.
        0x08 if is_vector => plain(word, true, word >> 23 & 1 != 0),
        0x09 if is_vector => plain(word, true, word >> 23 & 1 != 0),
        // Exclusive and ordered accesses: with up to three registers.
        0x08 | 0x09 => exclusive(word),
        // A constant beside the code.
        0x18 => Some(if is_vector { Effect::Nothing } else { changed(rd(word)) }),
        0x28 | 0x29 => pair(word, is_vector),
        0x38 | 0x39 => single(word, is_vector),
        _ => None,
    }
}

/// An access whose registers are vectors, or which does not change the three.
fn plain(word: u32, is_vector: bool, moves_base: bool) -> Option<Effect> {
    let changes = if is_vector { Effect::Nothing } else { changed(rd(word)) };
    match (moves_base, rn(word)) {
        (true, FP | LINK | SP) => None,
        _ => Some(changes),
    }
}

fn exclusive(word: u32) -> Option<Effect> {
    let registers = [rd(word), word >> 10 & 0x1f, word >> 16 & 0x1f];
    registers.iter().all(|register| !matches!(*register, FP | LINK)).then_some(Effect::Nothing)
}

/// When the base moves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moves {
    Never,
    Before,
    After,
}

/// A load or store with a known offset.
struct Accessed {
    loads: bool,
    /// The general registers in order; none of vectors.
    registers: [Option<u32>; 2],
    /// Bytes of each register.
    size: i32,
    /// How many there are.
    count: i32,
    offset: i32,
    moves: Moves,
}

/// Two registers.
fn pair(word: u32, is_vector: bool) -> Option<Effect> {
    let size = match (word >> 30, is_vector) {
        (0, _) => 4,
        // Two signed words of 32 bits; a vector of 64.
        (1, false) => 4,
        (1, true) => 8,
        (2, false) => 8,
        (2, true) => 16,
        _ => return None,
    };
    let moves = match word >> 23 & 3 {
        0b01 => Moves::After,
        0b11 => Moves::Before,
        _ => Moves::Never,
    };
    let loads = word >> 22 & 1 != 0;
    // A store of the second kind stores memory's tags.
    if word >> 30 == 1 && !is_vector && !loads {
        return None;
    }
    let registers = if is_vector { [None; 2] } else { [Some(rd(word)), Some(word >> 10 & 0x1f)] };
    accessed(word, &Accessed { loads, registers, size, count: 2, offset: signed(word, 15, 7) * size, moves })
}

/// One register.
fn single(word: u32, is_vector: bool) -> Option<Effect> {
    let (scale, kind) = (word >> 30, word >> 22 & 3);
    let size = 1 << if is_vector && kind & 2 != 0 { 4 } else { scale };
    // Hints that memory will be read change nothing.
    let is_hint = !is_vector && scale == 3 && kind == 2;
    let loads = if is_vector { kind & 1 != 0 } else { kind != 0 };
    let registers = if is_vector || is_hint { [None; 2] } else { [Some(rd(word)), None] };
    let with = |offset, moves| Accessed { loads, registers, size, count: 1, offset, moves };
    let access = if word >> 24 & 1 != 0 {
        with(((word >> 10 & 0xfff) as i32) * size, Moves::Never)
    } else if word >> 21 & 1 != 0 {
        return match word >> 10 & 3 {
            // The offset is in a register.
            2 if !loads || is_hint => Some(Effect::Nothing),
            2 => plain(word, is_vector, false),
            // Atomic accesses change the register.
            0 => plain(word, is_vector, false),
            _ => None,
        };
    } else {
        let moves = match word >> 10 & 3 {
            1 => Moves::After,
            3 => Moves::Before,
            _ => Moves::Never,
        };
        with(signed(word, 12, 9), moves)
    };
    accessed(word, &access)
}

fn accessed(word: u32, access: &Accessed) -> Option<Effect> {
    let holds = |register: u32| access.registers.contains(&Some(register));
    if rn(word) != SP {
        // The base may be one of the registers.
        let base_changes = access.moves != Moves::Never && matches!(rn(word), FP | LINK);
        return match (base_changes, access.loads, holds(FP), holds(LINK)) {
            (true, ..) | (_, true, true, true) => None,
            (_, true, true, _) => Some(Effect::ChangeFp),
            (_, true, _, true) => Some(Effect::ChangeLink),
            _ => Some(Effect::Nothing),
        };
    }
    let moved = if access.moves == Moves::Never { 0 } else { access.offset };
    let (before, after) = if access.moves == Moves::Before { (moved, 0) } else { (0, moved) };
    let at = if access.moves == Moves::Never { access.offset } else { 0 };
    // The stack pointer is always a multiple of two words.
    if before % 8 != 0 || after % 8 != 0 {
        return None;
    }
    let place = |register: u32| {
        let number = access.registers.iter().position(|found| *found == Some(register))?;
        let byte = at + number as i32 * access.size;
        Some((access.size == 8 && byte % 8 == 0).then_some(byte / 8))
    };
    let (fp, link) = (place(FP), place(LINK));
    // A part of a register, or one across two words.
    if fp == Some(None) || link == Some(None) {
        return match (access.loads, moved, fp.is_some(), link.is_some()) {
            (true, 0, true, false) => Some(Effect::ChangeFp),
            (true, 0, false, true) => Some(Effect::ChangeLink),
            (false, 0, ..) => Some(Effect::Nothing),
            _ => None,
        };
    }
    let bytes = access.size * access.count;
    let words = Access {
        before: before / 8,
        after: after / 8,
        first: at.div_euclid(8),
        end: (at + bytes + 7).div_euclid(8),
        fp: fp.flatten(),
        link: link.flatten(),
    };
    Some(match (access.loads, words) {
        (true, Access { before: 0, after: 0, fp: None, link: None, .. }) => Effect::Nothing,
        (true, words) => Effect::Load(words),
        (false, words) => Effect::Store(words),
    })
}
