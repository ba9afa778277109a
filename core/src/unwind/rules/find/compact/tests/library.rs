//! A library in memory.

use std::collections::BTreeMap;
use std::string::String;

use gimli::{BaseAddresses, EhFrame, EhFrameOffset, LittleEndian, UnwindSection};

use super::super::{Machine, word};

/// The files of a library, made by `core/tests/macho/make.sh`.
pub(super) struct Files {
    pub(super) machine: Machine,
    pub(super) library: &'static [u8],
    /// What LLVM says about it: `core/tests/macho/expected.py`.
    pub(super) expected: &'static str,
}

pub(super) const X86_64: Files = Files {
    machine: Machine::X86_64,
    library: include_bytes!("../../../../../../tests/macho/x86_64.dylib"),
    expected: include_str!("../../../../../../tests/macho/x86_64.expected"),
};
pub(super) const AARCH64: Files = Files {
    machine: Machine::Aarch64,
    library: include_bytes!("../../../../../../tests/macho/aarch64.dylib"),
    expected: include_str!("../../../../../../tests/macho/aarch64.expected"),
};

/// A library in memory. Nobody unmaps it.
pub(super) struct Library {
    memory: &'static [u8],
    pub(super) text: &'static [u8],
    pub(super) index: &'static [u8],
    pub(super) frames: &'static [u8],
    /// The places of functions and variables by their names.
    pub(super) symbols: BTreeMap<String, usize>,
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
    pub(super) fn load(file: &'static [u8]) -> Library {
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

    /// The address of a function or variable.
    pub(super) fn address(&self, name: &str) -> usize {
        self.memory.as_ptr().expose_provenance() + self.symbols[name]
    }

    /// The same as a pointer.
    pub(super) fn function(&self, name: &str) -> *const u8 {
        core::ptr::with_exposed_provenance(self.address(name))
    }

    /// Whether an address is in the library's code.
    pub(super) fn contains(&self, address: usize) -> bool {
        self.text.as_ptr_range().contains(&core::ptr::with_exposed_provenance(address))
    }

    /// The addresses at which the function with the description at an offset begins and ends.
    pub(super) fn described(&self, offset: usize) -> (usize, usize) {
        let bases = BaseAddresses::default().set_eh_frame(self.frames.as_ptr() as u64);
        let section = EhFrame::new(self.frames, LittleEndian);
        let entry = section.fde_from_offset(&bases, EhFrameOffset(offset), EhFrame::cie_from_offset).unwrap();
        let begin = entry.initial_address() as usize;
        (begin, begin + entry.len() as usize)
    }
}
