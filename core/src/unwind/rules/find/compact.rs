//! Compact unwind information, `__unwind_info` (`mach-o/compact_unwind_encoding.h`): all functions of a module by address, each with an
//! *encoding* of 32 bits, which becomes a rule. What an encoding cannot say is in `__eh_frame`: the encoding then has the offset
//! of the function's description.
//!
//! An encoding is of a function behind its prologue. An allocation never happens in a prologue or an epilogue.
//!
//! - **Place**: an offset from the module's first byte.
//! - **Index**: the places at which pages begin. The last entry only ends the last page.
//! - **Page**: the functions of a range, each with its encoding; or, compressed, with the number of its encoding. The first numbers are
//!   those of encodings that many functions have, and that are listed once for the module.

use super::eh_frame;
use crate::unwind::rules::packed::PackedRule;
use crate::unwind::rules::rule::{CallerFp, Cfa, Rule};
use crate::unwind::signal_frame::{HOST, Machine};

/// The meaning of an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Rule(Rule),
    /// The function has a description at this offset of `__eh_frame`.
    Described(usize),
}

/// The rule of the code at `pc` by its module's segment with the code, `__unwind_info` and `__eh_frame`; `None` when they say nothing
/// about it.
pub(super) fn rule(text: &[u8], index: &[u8], frames: &'static [u8], pc: usize) -> Option<PackedRule> {
    let place = u32::try_from(pc.checked_sub(text.as_ptr().addr())?).ok()?;
    match look_up(index, place)?.meaning(HOST, text)? {
        Meaning::Rule(rule) => Some(PackedRule::new(rule)),
        Meaning::Described(offset) => eh_frame::by_description(frames, offset, pc).flatten(),
    }
}

/// A function of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// The place at which it begins.
    pub(super) begin: u32,
    pub(super) encoding: u32,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)))
}

/// A table of entries of `N` bytes, at an offset of a section.
fn table<const N: usize>(bytes: &[u8], at: usize, count: usize) -> Option<&[[u8; N]]> {
    bytes.get(at..)?.as_chunks::<N>().0.get(..count)
}

/// The last entry whose first word, with the bits of `mask`, is at most `place`, and its number.
fn last_before<const N: usize>(entries: &[[u8; N]], place: u32, mask: u32) -> Option<(usize, &[u8; N])> {
    let begin = |entry: &[u8; N]| word(entry, 0).unwrap_or(0) & mask;
    let number = entries.partition_point(|entry| begin(entry) <= place).checked_sub(1)?;
    Some((number, &entries[number]))
}

/// The function that contains a place; `None` when there is none, or when the section is damaged.
pub(super) fn look_up(section: &[u8], place: u32) -> Option<Function> {
    const VERSION: u32 = 1;
    const REGULAR: u32 = 2;
    const COMPRESSED: u32 = 3;
    const ALL: u32 = u32::MAX;
    const PLACE_IN_PAGE: u32 = 0x00ff_ffff;
    let at = |place: usize| Some(word(section, place)? as usize);
    if word(section, 0)? != VERSION {
        return None;
    }
    let common: &[[u8; 4]] = table(section, at(4)?, at(8)?)?;
    let index: &[[u8; 12]] = table(section, at(20)?, at(24)?)?;
    let (number, entry) = last_before(index, place, ALL)?;
    // Behind the last page there is no function.
    index.get(number + 1)?;
    let (first, page) = (word(entry, 0)?, word(entry, 4)? as usize);
    if page == 0 {
        return None;
    }
    let page = section.get(page..)?;
    match word(page, 0)? {
        REGULAR => {
            let entries: &[[u8; 8]] = table(page, half(page, 4)?, half(page, 6)?)?;
            let (_, function) = last_before(entries, place, ALL)?;
            Some(Function { begin: word(function, 0)?, encoding: word(function, 4)? })
        }
        COMPRESSED => {
            let entries: &[[u8; 4]] = table(page, half(page, 4)?, half(page, 6)?)?;
            let (_, function) = last_before(entries, place.checked_sub(first)?, PLACE_IN_PAGE)?;
            let function = u32::from_le_bytes(*function);
            let number = (function >> 24) as usize;
            let encoding = match number.checked_sub(common.len()) {
                None => common.get(number)?,
                Some(number) => table::<4>(page, half(page, 8)?, half(page, 10)?)?.get(number)?,
            };
            let begin = first.checked_add(function & PLACE_IN_PAGE)?;
            Some(Function { begin, encoding: u32::from_le_bytes(*encoding) })
        }
        _ => None,
    }
}

impl Function {
    /// The meaning of the encoding; `None` when it has none. `text` is the module's segment with the code.
    pub(super) fn meaning(self, machine: Machine, text: &[u8]) -> Option<Meaning> {
        let mode = self.bits(24, 4);
        let described = Meaning::Described(self.bits(0, 24));
        match (machine, mode) {
            (Machine::X86_64, 1) | (Machine::Aarch64, 4) => Some(Meaning::Rule(Rule::CHAINED)),
            (Machine::X86_64, 2) => self.pushed(self.bits(16, 8)),
            (Machine::X86_64, 3) => {
                // The frame is large: its size is in the instruction that makes room for it.
                let instruction = (self.begin as usize).checked_add(self.bits(16, 8))?;
                self.pushed(word(text, instruction)? as usize / 8 + self.bits(13, 3))
            }
            (Machine::X86_64, 4) | (Machine::Aarch64, 3) => Some(described),
            // On aarch64 mode 2 is a function that keeps its return address in a register: it calls nothing.
            _ => None,
        }
    }

    /// Some bits of the encoding.
    fn bits(self, from: u32, count: u32) -> usize {
        (self.encoding >> from & ((1 << count) - 1)) as usize
    }

    /// A frame of x86_64 without a frame pointer, of so many words with the return address. The words below the return address
    /// are saved registers.
    fn pushed(self, words: usize) -> Option<Meaning> {
        let words = isize::try_from(words).ok()?;
        let count = self.bits(10, 3);
        let fp = match saved_place(count, self.bits(0, 10))? {
            Some(place) => CallerFp::Saved(place as isize - 1 - count as isize),
            None => CallerFp::Same,
        };
        Some(Meaning::Rule(Rule::frame(Cfa::Sp(words), -1, fp)))
    }
}

/// The place of the frame pointer among `count` saved registers, the lowest address first; `None` inside when it is not saved.
///
/// The registers are rbx, r12, r13, r14, r15 and rbp. `permutation` is a number whose digits, in a base that gets smaller from place
/// to place, choose each register among those that are left.
fn saved_place(count: usize, mut permutation: usize) -> Option<Option<usize>> {
    const REGISTERS: usize = 6;
    const FRAME_POINTER: usize = 5;
    if count > REGISTERS {
        return None;
    }
    // Numbers of registers that are left, of which the last one is the frame pointer.
    let mut left = [0, 1, 2, 3, 4, FRAME_POINTER];
    let mut found = None;
    for place in 0..count {
        // The number of ways to choose the registers of the places behind this one.
        let ways: usize = (place + 1..count).map(|place| REGISTERS - place).product();
        let digit = permutation / ways;
        permutation %= ways;
        let rest = left.get_mut(..REGISTERS - place)?;
        if *rest.get(digit)? == FRAME_POINTER {
            found = Some(place);
        }
        rest.copy_within(digit + 1.., digit);
    }
    Some(found)
}

#[cfg(test)]
mod tests;
