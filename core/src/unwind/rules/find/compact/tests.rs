//! Real libraries for macOS (`core/tests/macho`), as dyld would map them: each function's rule, and whole walks.

mod expected;
mod library;
mod walks;

use super::*;
use library::{AARCH64, Library, X86_64};
use std::vec::Vec;

#[test]
fn encodings_have_the_meaning_of_the_systems_header() {
    let meaning = |machine, encoding| Function { begin: 0, encoding }.meaning(machine, &[0; 4]);
    let frame = |cfa, fp| Some(Meaning::Rule(Rule::frame(cfa, -1, fp)));
    let x86 = |encoding| meaning(Machine::X86_64, encoding);
    // Behind `push rbp; mov rbp, rsp`.
    assert_eq!(x86(0x0100_0000), frame(Cfa::Fp(2), CallerFp::Saved(-2)));
    // Two words: the return address and one that nobody saved.
    assert_eq!(x86(0x0202_0000), frame(Cfa::Sp(2), CallerFp::Same));
    // One register, which is rbp (the sixth), and rbx (the first).
    assert_eq!(x86(0x0202_0405), frame(Cfa::Sp(2), CallerFp::Saved(-2)));
    assert_eq!(x86(0x0202_0400), frame(Cfa::Sp(2), CallerFp::Same));
    // All six, in the order in which compilers push them, and rbx and rbp alone.
    assert_eq!(x86(0x0208_1800), frame(Cfa::Sp(8), CallerFp::Saved(-2)));
    assert_eq!(x86(0x0204_0804), frame(Cfa::Sp(4), CallerFp::Saved(-2)));
    assert_eq!(x86(0x0204_0800 + 5 * 5), frame(Cfa::Sp(4), CallerFp::Saved(-3)));
    // More registers than there are, and a permutation that does not exist.
    assert_eq!((x86(0x0208_1c00), x86(0x0202_0406)), (None, None));
    assert_eq!(x86(0x0400_0123), Some(Meaning::Described(0x123)));
    let arm = |encoding| meaning(Machine::Aarch64, encoding);
    assert_eq!(arm(0x0400_0003), frame(Cfa::Fp(2), CallerFp::Saved(-2)));
    assert_eq!(arm(0x0300_0038), Some(Meaning::Described(0x38)));
    assert_eq!((arm(0x0200_1000), arm(0), x86(0)), (None, None, None));
}

#[test]
fn a_page_that_is_not_compressed_is_read() {
    let words = [1, 28, 0, 28, 0, 28, 2, 0x100, 52, 0, 0x300, 0, 0, 2, 2 << 16 | 8, 0x100, 7, 0x200, 9];
    let section: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    let found = |place| look_up(&section, place).map(|function| (function.begin, function.encoding));
    assert_eq!(
        [0x100, 0x1ff, 0x200, 0x2ff].map(found),
        [(0x100, 7), (0x100, 7), (0x200, 9), (0x200, 9)].map(Some)
    );
    assert_eq!([0, 0xff, 0x300, u32::MAX].map(found), [None; 4]);
}

#[test]
fn damaged_sections_are_read_to_an_end() {
    for files in [X86_64, AARCH64] {
        let library = Library::load(files.library);
        for at in 0..library.index.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = library.index.to_vec();
                damaged[at] = value;
                for place in (0..library.text.len() as u32).step_by(4096).chain([u32::MAX]) {
                    for machine in [Machine::X86_64, Machine::Aarch64] {
                        let function = look_up(&damaged, place);
                        function.and_then(|function| function.meaning(machine, library.text));
                    }
                }
            }
        }
        for length in 0..library.index.len() {
            look_up(&library.index[..length], 0x400);
        }
    }
}
