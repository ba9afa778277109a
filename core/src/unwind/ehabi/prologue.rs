//! Whether interrupted code has pushed its return address.
//!
//! The tables do not say: they hold for the middle of a function, and an interrupt comes anywhere. So this reads the code
//! itself, from the beginning of the function. Linkers give neighbours with equal unwind instructions one entry of the index,
//! so the code may begin with other functions. A function ends where it returns or branches away, and no branch leads
//! beyond.

#[cfg(not(ehabi))]
use super::table::Tables;

/// Bytes of code that are searched for a push of the return address, which comes early.
const MOST_CODE: u32 = 4096;

/// The effect of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum Effect {
    /// Pushes the return address.
    Push,
    /// Returns, or branches to an unknown address.
    Leave,
    /// Goes on at an address, always or under a condition.
    Branch {
        target: u32,
        always: bool,
    },
    Other,
}

#[cfg(not(ehabi))]
impl<W: Fn(u32) -> Option<u32>> Tables<'_, W> {
    /// Whether the code from `start` to `pc` has pushed the return address.
    pub(super) fn has_pushed(&self, start: u32, pc: u32) -> Option<bool> {
        let half = |at: u32| Some((self.word)(at & !3)? >> (8 * (at & 2)) & 0xffff);
        has_pushed(start & !1, pc, |at| thumb(at, half))
    }
}

/// Whether the code from `start` to `pc` has pushed the return address. `instruction` returns the length and the effect of the
/// instruction at an address. `None` when that is too much code, as behind the last function: it is not read.
pub(in crate::unwind) fn has_pushed(
    start: u32,
    pc: u32,
    mut instruction: impl FnMut(u32) -> Option<(u32, Effect)>,
) -> Option<bool> {
    if pc.checked_sub(start)? > MOST_CODE {
        return None;
    }
    let mut at = start;
    // Whether the return address is pushed, and how far the code reaches that runs after that.
    let (mut pushed, mut reach) = (false, 0);
    while at < pc {
        let (length, effect) = instruction(at)?;
        let next = at + length;
        if let Effect::Branch { target, .. } = effect
            && pushed
        {
            reach = reach.max(target);
        }
        match effect {
            Effect::Push => pushed = true,
            // Code that a branch leads to follows, or another function.
            Effect::Leave | Effect::Branch { always: true, .. } if reach < next => pushed = false,
            _ => {}
        }
        at = next;
    }
    Some(pushed)
}

/// The length and the effect of an instruction of Thumb code. `half` returns the 16 bits at an address.
pub(in crate::unwind) fn thumb(at: u32, mut half: impl FnMut(u32) -> Option<u32>) -> Option<(u32, Effect)> {
    let first = half(at)?;
    let is_short = first >> 11 < 0b11101;
    Some(if is_short { (2, short(at, first)) } else { (4, long(at, first, half(at + 2)?)) })
}

/// The same of ARM code (ARMv7-A A5), by its 32 bits. An instruction that does nothing under a condition counts as none, but for a
/// branch.
#[cfg(ehabi)]
pub(in crate::unwind) fn arm(at: u32, code: u32) -> (u32, Effect) {
    let effect = match code {
        // STMDB sp!, {…, lr} and STR lr, [sp, #-…]!
        _ if code & 0xffff_4000 == 0xe92d_4000 || code & 0xffff_f000 == 0xe52d_e000 => Effect::Push,
        // LDMIA sp!, {…, pc}, LDR pc, [sp], #… and BX
        _ if code & 0xffff_8000 == 0xe8bd_8000
            || code & 0xffff_f000 == 0xe49d_f000
            || code & 0xffff_fff0 == 0xe12f_ff10 =>
        {
            Effect::Leave
        }
        // B under a condition, or always.
        _ if code >> 24 & 0xf == 0xa && code >> 28 != 0xf => {
            let target = (at + 8).wrapping_add(signed(code, 24) << 2);
            Effect::Branch { target, always: code >> 28 == 0xe }
        }
        _ => Effect::Other,
    };
    (4, effect)
}

/// An instruction of 16 bits (ARMv7-M A5.2).
fn short(at: u32, code: u32) -> Effect {
    let branch = |offset: u32, always| Effect::Branch { target: (at + 4).wrapping_add(offset), always };
    match code >> 8 {
        0xb5 => Effect::Push,
        // POP {…, pc} and BX.
        0xbd => Effect::Leave,
        0x47 if code & 0x80 == 0 => Effect::Leave,
        0xd0..=0xdd => branch(signed(code, 8) << 1, false),
        0xe0..=0xe7 => branch(signed(code, 11) << 1, true),
        // CBZ and CBNZ.
        0xb1 | 0xb3 | 0xb9 | 0xbb => branch((code >> 9 & 1) << 6 | (code >> 3 & 31) << 1, false),
        _ => Effect::Other,
    }
}

/// An instruction of 32 bits (ARMv7-M A5.3).
fn long(at: u32, first: u32, second: u32) -> Effect {
    let branch = |offset: u32, always| Effect::Branch { target: (at + 4).wrapping_add(offset), always };
    match (first, second) {
        // STMDB sp!, {…, lr} and STR lr, [sp, #-4]!
        (0xe92d, registers) if registers & 1 << 14 != 0 => Effect::Push,
        (0xf84d, operand) if operand & 0xff00 == 0xed00 => Effect::Push,
        // LDMIA sp!, {…, pc} and LDR pc, [sp], #4
        (0xe8bd, registers) if registers & 1 << 15 != 0 => Effect::Leave,
        (0xf85d, 0xfb04) => Effect::Leave,
        // B.W; the two upper bits of its offset are those of any other function.
        (0xf000..=0xf7ff, 0x9000..=0x9fff | 0xb000..=0xbfff) => {
            branch(signed((first & 0x3ff) << 11 | second & 0x7ff, 21) << 1, true)
        }
        // B<c>.W
        (0xf000..=0xf7ff, 0x8000..=0x8fff | 0xa000..=0xafff) if first >> 7 & 7 != 7 => {
            branch(signed((first & 0x3f) << 11 | second & 0x7ff, 17) << 1, false)
        }
        _ => Effect::Other,
    }
}

/// The lowest `bits` bits as a signed number.
fn signed(code: u32, bits: u32) -> u32 {
    let above = 32 - bits;
    ((code << above) as i32 >> above) as u32
}

#[cfg(all(test, ehabi))]
mod tests {
    use super::*;

    const START: u32 = 0x8000;

    /// The places, in words, of which code up to there has pushed the return address.
    fn pushed(code: &[u32]) -> std::vec::Vec<usize> {
        let word = |at: u32| code.get((at - START) as usize / 4).map(|word| arm(at, *word));
        let at = |place: &usize| has_pushed(START, START + 4 * *place as u32, word) == Some(true);
        (0..=code.len()).filter(at).collect()
    }

    const NOP: u32 = 0xe320_f000;
    const PUSH: u32 = 0xe92d_4800;
    const POP: u32 = 0xe8bd_8800;

    #[test]
    fn arm_code_pushes_and_returns() {
        assert_eq!(pushed(&[NOP, PUSH, NOP, POP, NOP]), [2, 3]);
        // str lr, [sp, #-8]!; popeq {fp, pc}; ldr pc, [sp], #8
        assert_eq!(pushed(&[0xe52d_e008, 0x08bd_8800, 0xe49d_f008, NOP]), [1, 2]);
        // beq over a return; bx lr
        assert_eq!(pushed(&[PUSH, 0x0a00_0001, NOP, POP, NOP, 0xe12f_ff1e, NOP]), [1, 2, 3, 4, 5]);
        // A branch to another function.
        assert_eq!(pushed(&[PUSH, 0xeaff_ff00, NOP]), [1]);
    }
}

#[cfg(all(test, not(ehabi)))]
mod tests {
    use super::*;

    std::thread_local! {
        static CODE: core::cell::RefCell<std::vec::Vec<u16>> = const { core::cell::RefCell::new(std::vec::Vec::new()) };
    }
    const START: u32 = 0x1000;

    fn word(at: u32) -> Option<u32> {
        CODE.with_borrow(|code| {
            let half = |at: u32| u32::from(code.get((at - START) as usize / 2).copied().unwrap_or(0xbf00));
            Some(half(at) | half(at + 2) << 16)
        })
    }

    /// The places, in half-words, of which code up to there has pushed the return address. The middle of a long instruction
    /// counts as its end.
    fn pushed(code: &[u16]) -> std::vec::Vec<usize> {
        CODE.replace(code.to_vec());
        let tables = Tables { start: 0, index: &[], word };
        let at = |place: &usize| tables.has_pushed(START, START + 2 * *place as u32) == Some(true);
        (0..=code.len()).filter(at).collect()
    }

    const NOP: u16 = 0xbf00;
    const PUSH: u16 = 0xb580;
    const POP: u16 = 0xbd80;

    #[test]
    fn from_the_push_to_the_return() {
        assert_eq!(pushed(&[NOP, PUSH, NOP, POP]), [2, 3]);
        // The wide forms.
        assert_eq!(pushed(&[0xe92d, 0x4ff0, NOP, 0xe8bd, 0x8ff0]), [1, 2, 3]);
        assert_eq!(pushed(&[0xf84d, 0xed04, NOP, 0xf85d, 0xfb04]), [1, 2, 3]);
        // BLX is a call: the function goes on behind it.
        assert_eq!(pushed(&[PUSH, 0x4780, NOP, POP]), [1, 2, 3]);
    }

    /// A loop that waits, in front of a function that begins with a push.
    #[test]
    fn a_neighbour_with_the_same_instructions_is_another_function() {
        let code = [PUSH, NOP, POP, 0x780a, 0x2a00, 0xd0fc, PUSH, NOP, POP];
        assert_eq!(pushed(&code), [1, 2, 7, 8]);
        // One that ends by a branch to another function, and one by BX.
        assert_eq!(pushed(&[PUSH, 0xf7ff, 0xbffe, NOP, PUSH, 0x4770, NOP]), [1, 5]);
    }

    #[test]
    fn code_that_a_branch_leads_to_behind_a_return_is_of_the_function() {
        // BEQ, CBZ, BEQ.W and B over a return.
        assert_eq!(pushed(&[PUSH, 0xd001, NOP, POP, NOP, POP, NOP]), [1, 2, 3, 4, 5]);
        assert_eq!(pushed(&[PUSH, 0xb108, NOP, POP, NOP, POP, NOP]), [1, 2, 3, 4, 5]);
        assert_eq!(pushed(&[PUSH, 0xf000, 0x8002, NOP, POP, NOP, POP, NOP]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(pushed(&[PUSH, 0xe000, NOP, NOP, POP, NOP]), [1, 2, 3, 4]);
    }
}
