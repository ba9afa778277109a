//! Real libraries for macOS (`core/tests/macho`), mapped into this process as dyld would map them.

use super::*;
use crate::platform::{Host, Local, Platform};
use crate::unwind::rules::find;
use crate::unwind::rules::rule::{State, Untraced};
use crate::unwind::rules::walk::walk;
use crate::unwind::{End, Generations, Memory};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

const X86_64: &[u8] = include_bytes!("../../../../../tests/macho/x86_64.dylib");
const AARCH64: &[u8] = include_bytes!("../../../../../tests/macho/aarch64.dylib");

/// A library in memory. Nobody unmaps it.
struct Library {
    memory: &'static [u8],
    text: &'static [u8],
    index: &'static [u8],
    frames: &'static [u8],
    /// The places of functions and variables by their names.
    symbols: BTreeMap<String, usize>,
}

fn long(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(*bytes[at..].first_chunk().unwrap()) as usize
}

fn small(bytes: &[u8], at: usize) -> usize {
    word(bytes, at).unwrap() as usize
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|&byte| byte == 0).next().unwrap()).into_owned()
}

impl Library {
    /// Maps a file in the Mach-O format: its segments, its sections, its symbols.
    fn load(file: &'static [u8]) -> Library {
        const SIZE: usize = 1 << 20;
        let protection = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        // SAFETY: a new mapping, which nobody unmaps.
        let memory = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let memory = libc::mmap(core::ptr::null_mut(), SIZE, protection, flags, -1, 0);
            assert_ne!(memory, libc::MAP_FAILED);
            core::slice::from_raw_parts_mut(memory.cast::<u8>(), SIZE)
        };
        let (mut sections, mut symbols) = (BTreeMap::new(), BTreeMap::new());
        let mut command = 32;
        for _ in 0..small(file, 16) {
            let at = command;
            command += small(file, at + 4);
            match small(file, at) {
                0x19 => {
                    let [address, size, offset, length] =
                        [24, 32, 40, 48].map(|field| long(file, at + field));
                    if name(&file[at + 8..][..16]) != "__LINKEDIT" {
                        memory[address..][..length].copy_from_slice(&file[offset..][..length]);
                    }
                    sections.insert(name(&file[at + 8..][..16]), (address, size));
                    for section in 0..small(file, at + 64) {
                        let at = at + 72 + 80 * section;
                        sections.insert(name(&file[at..][..16]), (long(file, at + 32), long(file, at + 40)));
                    }
                }
                2 => {
                    let [entries, count, names] = [8, 12, 16].map(|field| small(file, at + field));
                    for entry in (0..count).map(|entry| entries + 16 * entry) {
                        symbols.insert(name(&file[names + small(file, entry)..]), long(file, entry + 8));
                    }
                }
                _ => {}
            }
        }
        let memory: &'static [u8] = memory;
        let part = |name: &str| {
            let (start, length) = sections[name];
            &memory[start..][..length]
        };
        let (text, index, frames) = (part("__TEXT"), part("__unwind_info"), part("__eh_frame"));
        Library { memory, text, index, frames, symbols }
    }

    fn address(&self, name: &str) -> usize {
        self.memory.as_ptr().expose_provenance() + self.symbols[name]
    }
}

/// What a walk finds: its frames and how it ends; and the calls of the library that run, the innermost first.
struct Found {
    frames: Vec<usize>,
    end: End,
    calls: Vec<usize>,
}

/// What the walks of one run need and find.
struct Run {
    library: &'static Library,
    walks: Vec<Found>,
}

thread_local! {
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

/// Called at the end of the chain, with the registers of its innermost frame: walks the whole stack.
extern "C" fn walk_here(pc: usize, sp: usize, fp: usize) -> i32 {
    RUN.with_borrow_mut(|run| {
        let run = run.as_mut().unwrap();
        let library = run.library;
        let local = Local::new();
        let prove = |sp| Host.stack(&local, sp);
        let memory = Memory::at(sp, &prove).unwrap();
        let rule =
            |pc: usize| match library.text.as_ptr_range().contains(&core::ptr::with_exposed_provenance(pc)) {
                true => rule(library.text, library.index, library.frames, pc).unwrap_or(PackedRule::UNKNOWN),
                false => find::rule(pc),
            };
        let mut frames = heapless::Vec::<usize, 4096>::new();
        let from = State { pc, sp, fp };
        let end = walk(from, memory, rule, &mut Untraced, &mut Generations::default(), &mut frames);
        // SAFETY: both are variables of the library, of these types, and only this thread runs its code.
        let truth = unsafe {
            let depth = core::ptr::with_exposed_provenance::<u32>(library.address("_depth")).read() as usize;
            let truth = core::ptr::with_exposed_provenance::<usize>(library.address("_truth"));
            core::slice::from_raw_parts(truth, depth)
        };
        let calls = truth.iter().rev().map(|address| address - 1).collect();
        run.walks.push(Found { frames: frames.to_vec(), end, calls });
    });
    1
}

#[test]
fn whole_stacks_through_a_library_for_macos_are_walked() {
    let file = if HOST == Machine::X86_64 { X86_64 } else { AARCH64 };
    let library: &'static Library = std::boxed::Box::leak(std::boxed::Box::new(Library::load(file)));
    RUN.set(Some(Run { library, walks: Vec::new() }));
    type Start = extern "C" fn(extern "C" fn(usize, usize, usize) -> i32) -> i32;
    // SAFETY: the function has this type, and the library is mapped whole.
    let start = unsafe {
        core::mem::transmute::<*const u8, Start>(core::ptr::with_exposed_provenance(
            library.address("_start"),
        ))
    };
    start(walk_here);
    let walks = RUN.take().unwrap().walks;
    // `saving` calls `large` and itself, which calls `large` once more.
    assert_eq!(walks.iter().map(|walk| walk.calls.len()).collect::<Vec<_>>(), [11, 12]);
    for Found { frames, end, calls } in walks {
        assert_eq!((&frames[..calls.len().min(frames.len())], end), (&calls[..], End::Complete));
        assert!(frames.len() > calls.len() + 2, "the callers of this test follow");
    }
}

/// For each function its mode, as the compiler and the linker have chosen it.
#[test]
fn all_functions_are_found() {
    let modes = |file: &'static [u8]| {
        let library = Library::load(file);
        let functions = ["_hook", "_leaf", "_large", "_saving", "_variable", "_floating", "_start"];
        functions.map(|name| {
            let begin = library.symbols[name] as u32;
            let [first, inside] = [begin, begin + 12].map(|place| look_up(library.index, place).unwrap());
            assert_eq!((first, first.begin), (inside, begin), "{name}");
            first.bits(24, 4)
        })
    };
    assert_eq!(modes(X86_64), [2, 2, 3, 2, 1, 2, 2]);
    assert_eq!(modes(AARCH64), [3; 7]);
}

#[test]
fn descriptions_are_at_the_offsets_of_their_encodings() {
    use gimli::{BaseAddresses, EhFrame, EhFrameOffset, LittleEndian, UnwindSection};
    for (file, machine) in [(X86_64, Machine::X86_64), (AARCH64, Machine::Aarch64)] {
        let library = Library::load(file);
        let bases = BaseAddresses::default().set_eh_frame(library.frames.as_ptr() as u64);
        let section = EhFrame::new(library.frames, LittleEndian);
        let mut described = 0;
        for (name, place) in library.symbols.iter().filter(|(_, place)| **place < library.text.len()) {
            let Some(function) = look_up(library.index, *place as u32) else { continue };
            if let Some(Meaning::Described(offset)) = function.meaning(machine, library.text) {
                let offset = EhFrameOffset(offset);
                let entry = section.fde_from_offset(&bases, offset, EhFrame::cie_from_offset).unwrap();
                assert_eq!(entry.initial_address() as usize, library.address(name), "{name}");
                described += 1;
            }
        }
        assert_eq!(described, if machine == Machine::X86_64 { 2 } else { 8 });
    }
}

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
    for file in [X86_64, AARCH64] {
        let library = Library::load(file);
        for at in 0..library.index.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = library.index.to_vec();
                damaged[at] = value;
                for place in (0..library.text.len() as u32).step_by(256).chain([u32::MAX]) {
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
