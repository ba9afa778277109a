//! The reader against unwind tables that GCC has written: that of the C library, and that of any library whose file a variable names.

use super::*;
use crate::os::unwind_tables;
use crate::unwind::rules::find::eh_frame;
use crate::unwind::rules::packed::PackedRule;
use crate::unwind::rules::rule::{CallerFp, Cfa};
use gimli::{BaseAddresses, EhFrame, EhFrameHdr, EhFrameOffset, LittleEndian, Pointer, UnwindSection};
use std::collections::HashSet;
use std::vec::Vec;

/// The bytes from an address on; `None` outside of the table.
type Bytes<'b> = &'b dyn Fn(usize) -> Option<&'static [u8]>;

/// Calls `each` for each function that an unwind table describes: with the section of descriptions, the offset of the function's in it,
/// and the range of its code.
fn each_described(
    header: usize,
    bytes: Bytes<'_>,
    each: &mut dyn FnMut(&'static [u8], usize, (usize, usize)),
) {
    let index = bytes(header).unwrap();
    let bases = BaseAddresses::default().set_eh_frame_hdr(index.as_ptr() as u64);
    let header = EhFrameHdr::new(index, LittleEndian).parse(&bases, 8).unwrap();
    let Pointer::Direct(frames) = header.eh_frame_ptr() else { panic!("an indirect table") };
    let frames = bytes(frames as usize).unwrap();
    let bases = bases.set_eh_frame(frames.as_ptr() as u64);
    let section = EhFrame::new(frames, LittleEndian);
    let rows = header.table().unwrap();
    let mut rows = rows.iter(&bases);
    while let Some((_, Pointer::Direct(description))) = rows.next().unwrap() {
        let offset = description as usize - frames.as_ptr() as usize;
        let described =
            section.fde_from_offset(&bases, EhFrameOffset(offset), EhFrame::cie_from_offset).unwrap();
        let start = described.initial_address() as usize;
        each(frames, offset, (start, start + described.len() as usize));
    }
}

/// What the reader said of the instructions of a module.
#[derive(Debug, Default)]
struct Said {
    same: usize,
    nothing: usize,
    /// The table counts from the frame pointer, and the reader from the stack pointer, or the other way round.
    otherwise: usize,
    wrong: Vec<(usize, Rule, Rule)>,
}

impl Said {
    /// Adds what the reader found. `later` are the rules of the same function's other instructions.
    fn add(&mut self, pc: usize, found: Option<Rule>, described: Rule, later: &[Rule]) {
        let (Some(found), Rule::Frame { cfa: expected, .. }) = (found, described) else {
            self.nothing += 1;
            return;
        };
        let Rule::Frame { cfa, .. } = found else { panic!("{found:?}") };
        match (cfa, expected) {
            _ if found == without_stale(described) => self.same += 1,
            _ if later.iter().any(|later| is_before_description(found, described, *later)) => self.same += 1,
            (Cfa::Sp(_), Cfa::Fp(_)) | (Cfa::Fp(_), Cfa::Sp(_)) => self.otherwise += 1,
            _ => self.wrong.push((pc, found, described)),
        }
    }
}

/// The rule without a saved frame pointer that was popped already: its word is below the stack pointer.
fn without_stale(rule: Rule) -> Rule {
    match rule {
        Rule::Frame { cfa: cfa @ Cfa::Sp(n), ra, fp: [CallerFp::Saved(at)], .. } if n + at < 0 => {
            Rule::frame(cfa, ra, CallerFp::Same)
        }
        _ => rule,
    }
}

/// Whether the rules differ only in a frame pointer that was just pushed. LLVM describes that at the end of the prologue.
fn is_before_description(found: Rule, described: Rule, later: Rule) -> bool {
    match (found, described, later) {
        (
            Rule::Frame { cfa, fp: [CallerFp::Saved(at)], .. },
            Rule::Frame { cfa: expected, fp: [CallerFp::Same], .. },
            Rule::Frame { fp: [CallerFp::Saved(expected_at)], .. },
        ) => cfa == expected && at == expected_at,
        _ => false,
    }
}

/// How instructions begin that do nothing.
#[cfg(target_arch = "x86_64")]
const PADDING: [&[u8]; 4] = [b"\x90", b"\x66\x90", b"\x0f\x1f", b"\x66\x0f\x1f"];
#[cfg(target_arch = "aarch64")]
const PADDING: [&[u8]; 1] = [b"\x1f\x20\x03\xd5"];

/// The instructions of a function that can be reached: not the padding behind a return. Behind an instruction that the reader does
/// not know, nobody knows where the next one begins.
fn reachable(code: &mut Code, begin: usize, behind: usize) -> Vec<(usize, usize, Effect)> {
    let mut instructions = Vec::new();
    let mut targets = HashSet::new();
    let mut at = begin;
    while at < behind
        && let Some((length, effect)) = decode::<Host>(code, at)
    {
        if let Effect::Jump(distance) | Effect::Branch(distance) = effect {
            targets.insert((at + length).wrapping_add_signed(distance as isize));
        }
        instructions.push((at, at + length, effect));
        at += length;
    }
    let mut is_reached = true;
    let mut is_called = false;
    instructions.retain(|(at, _, effect)| {
        // Padding behind a call says that the call does not return.
        is_reached &= !(is_called && PADDING.iter().any(|padding| code.has(*at, padding)));
        is_reached |= targets.contains(at);
        is_called = *effect == Effect::Call;
        let is_kept = is_reached;
        is_reached &= !matches!(effect, Effect::Jump(_) | Effect::Return | Effect::End);
        is_kept
    });
    instructions
}

/// What the reader says at the return addresses of a module that starts at an address, and at each instruction of every tenth function.
/// `code_at` is the code around an address.
fn compared(start: usize, header: usize, bytes: Bytes<'_>, code_at: impl Fn(usize) -> Code) -> [Said; 2] {
    let [mut returns, mut instructions] = [Said::default(), Said::default()];
    let mut number = 0;
    each_described(header, bytes, &mut |frames, offset, (begin, behind)| {
        number += 1;
        let mut code = code_at(begin);
        let described =
            |pc| eh_frame::by_description(frames, offset, pc).flatten().unwrap_or(PackedRule::UNKNOWN).rule();
        let reached = reachable(&mut code, begin, behind);
        for (_, next, _) in reached.iter().filter(|(.., effect)| *effect == Effect::Call) {
            returns.add(next - start, rule::<Host>(&mut code, next - 1, false), described(next - 1), &[]);
        }
        if number % 10 == 0 {
            let all: Vec<Rule> = reached.iter().map(|(at, ..)| described(*at)).collect();
            for ((at, ..), described) in reached.iter().zip(&all) {
                instructions.add(at - start, rule::<Host>(&mut code, *at, true), *described, &all);
            }
        }
    });
    [returns, instructions]
}

/// The C library of most systems has an unwind table, by GCC.
#[test]
fn the_reader_and_an_unwind_table_agree() {
    let module = libc::qsort as *const () as usize;
    let table = unwind_tables::find(module).unwrap();
    let (start, _) = unwind_tables::range(module).unwrap();
    let bytes = |from| table.bytes(from);
    for said in compared(start, table.header, &bytes, |pc| Code::around(pc).unwrap()) {
        assert!(said.wrong.is_empty(), "{:x?}", said.wrong);
        assert!(said.same > 5000 && said.same > 2 * said.nothing, "{said:?}");
    }
}

/// Code by other options of GCC: a library whose file is named by a variable, and in which each byte has its offset in the file as
/// its address.
#[test]
fn the_reader_and_the_table_of_a_file_agree() {
    let Some(file) = std::env::var_os("MEMTRACK_COMPARED_LIBRARY") else { return };
    let file: &'static [u8] = std::fs::read(file).unwrap().leak();
    let start = file.as_ptr() as usize;
    let bytes = |from: usize| file.get(from.wrapping_sub(start)..);
    let header = unwind_header(file);
    for said in compared(start, start + header, &bytes, |_| Code::of(file)) {
        assert!(said.wrong.is_empty(), "{:x?}", said.wrong);
        std::println!("{} rules are the table's, {} places have none", said.same, said.nothing);
        assert!(said.same > 1000 && said.same > 2 * said.nothing, "{said:?}");
    }
}

/// The address of the index in a file of 64 bits, by its program headers.
fn unwind_header(file: &[u8]) -> usize {
    let word = |at: usize| u64::from_le_bytes(*file[at..].first_chunk().unwrap()) as usize;
    let half = |at: usize| usize::from(u16::from_le_bytes(*file[at..].first_chunk().unwrap()));
    let (table, count) = (word(32), half(56));
    let row = |row: usize| table + 56 * row;
    let found = (0..count).map(row).find(|at| file[*at..].starts_with(&libc::PT_GNU_EH_FRAME.to_le_bytes()));
    word(found.unwrap() + 16)
}
