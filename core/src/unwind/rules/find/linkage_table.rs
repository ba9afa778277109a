//! Entries of the procedure linkage table. lld and mold write no call frame information for them, and a signal may interrupt
//! them. Their code has one form: it pushes at most two words and jumps.

use super::code::Code;
use crate::unwind::rules::rule::{CallerFp, Cfa, Rule};

/// Bytes of code before the address and from it on, by which the instruction is recognised.
const BEFORE: usize = 6;
const CODE: usize = 16;

/// The rule of the entry whose next instruction is at `pc`.
pub(super) fn rule(code: &mut Code, pc: usize) -> Option<Rule> {
    let mut buffer = [0; CODE];
    let (before, next) = code.bytes(pc.checked_sub(BEFORE)?, &mut buffer).split_at_checked(BEFORE)?;
    let next = next.strip_prefix(&[0xf3, 0x0f, 0x1e, 0xfa]).unwrap_or(next); // endbr64
    let next = next.strip_prefix(&[0xf2]).unwrap_or(next); // bnd
    let pushed = match (next, before) {
        ([0xff, 0x25, ..], [0xff, 0x35, ..]) => 2, // jmp *resolver, after push module
        ([0xff, 0x25, ..], _) => 0,                // jmp *function
        ([0x68, ..], _) => 0,                      // push index
        ([0xe9, ..], [_, 0x68, ..]) => 1,          // jmp first entry, after push index
        ([0xff, 0x35, ..], _) => 1,                // push module
        _ => return None,
    };
    Some(Rule::frame(Cfa::Sp(1 + pushed), -1, CallerFp::Same))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(code: &[u8; 2 * CODE], offset: usize) -> Option<Rule> {
        rule(&mut Code::of(code), code.as_ptr() as usize + CODE / 2 + offset)
    }

    fn pushed(words: isize) -> Option<Rule> {
        Some(Rule::frame(Cfa::Sp(1 + words), -1, CallerFp::Same))
    }

    fn placed(entry: &[u8; 16]) -> [u8; 2 * CODE] {
        let mut code = [0x90; 2 * CODE];
        code[CODE / 2..][..16].copy_from_slice(entry);
        code
    }

    #[test]
    fn a_lazy_entry_pushes_its_index() {
        // jmp *function; push 1; jmp first
        let code = placed(b"\xff\x25\x12\xbc\0\0\x68\x01\0\0\0\xe9\xd0\xff\xff\xff");
        assert_eq!([at(&code, 0), at(&code, 6), at(&code, 11)], [pushed(0), pushed(0), pushed(1)]);
    }

    #[test]
    fn the_first_entry_pushes_the_module() {
        // push module; jmp *resolver; nop
        let code = placed(b"\xff\x35\x1a\xbc\0\0\xff\x25\x1c\xbc\0\0\x0f\x1f\x40\0");
        assert_eq!([at(&code, 0), at(&code, 6), at(&code, 12)], [pushed(1), pushed(2), None]);
    }

    #[test]
    fn a_protected_entry_begins_with_a_landing_pad() {
        // endbr64; bnd jmp *function
        let code = placed(b"\xf3\x0f\x1e\xfa\xf2\xff\x25\x12\xbc\0\0\x0f\x1f\x44\0\0");
        assert_eq!([at(&code, 0), at(&code, 4), at(&code, 5)], [pushed(0); 3]);
    }
}
