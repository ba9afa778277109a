//! Executables and libraries in memory.
//!
//! - *Image*: a file in the ELF format that is loaded, as its program headers describe it.
//! - *Bias*: the number that was added to all addresses of the file when it was loaded.
//! - *Segment*: a loaded range of addresses.
//! - *Reader* ([`Read`]): the function that copies memory, because the image may be unmapped meanwhile.

mod loaded;

use super::kernel_headers::{ELFCLASS32, ELFCLASS64, PF_X};
use super::maps::Mapping;
use core::mem::MaybeUninit;
use heapless::Vec;
use memtrack_format::Segment;

pub(crate) use super::memory::PAGE;
#[cfg(any(unseen_unloading, test))]
pub(crate) use loaded::mapped_at;
pub(crate) use loaded::{Loaded, each_linked, each_mapped};

/// The most segments of an image. Of a file with more, the first ones count.
pub(crate) const MAX_SEGMENTS: usize = 16;
/// The most program headers that are read. Linkers write up to 14.
const MAX_HEADERS: u16 = 64;
/// The most note segments of an image.
const MAX_NOTES: usize = 4;

/// A program header, as the machine's files have them.
#[cfg(target_pointer_width = "32")]
pub(crate) use libc::Elf32_Phdr as ProgramHeader;
#[cfg(target_pointer_width = "64")]
pub(crate) use libc::Elf64_Phdr as ProgramHeader;

/// The header of a file, with the names of `linux/elf.h`: the libc crate does not declare it for Android.
#[repr(C)]
pub(crate) struct FileHeader {
    e_ident: [u8; 16],
    e_type: u16,
    e_machine: u16,
    e_version: u32,
    e_entry: usize,
    pub(crate) e_phoff: usize,
    e_shoff: usize,
    e_flags: u32,
    e_ehsize: u16,
    e_phentsize: u16,
    e_phnum: u16,
    e_shentsize: u16,
    e_shnum: u16,
    e_shstrndx: u16,
}

/// The program header of the index of an unwind table: `.eh_frame_hdr`, on ARM `.ARM.exidx`.
const UNWIND_INDEX: u32 = if cfg!(ehabi) { 0x7000_0001 } else { libc::PT_GNU_EH_FRAME };

const CLASS: u8 = if size_of::<usize>() == 8 { ELFCLASS64 } else { ELFCLASS32 };

/// A number of a header, which has as many bits as an address.
fn wide(number: impl Into<u64>) -> u64 {
    number.into()
}

/// An image. All addresses are those in memory.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Image {
    pub(crate) bias: u64,
    pub(crate) segments: Vec<Segment, MAX_SEGMENTS>,
    /// The address of the index of its unwind table; 0 for none.
    pub(crate) unwind: usize,
    /// Bytes of this index.
    pub(crate) unwind_length: usize,
    /// The address of its first instruction; 0 for none.
    pub(crate) entry: usize,
    /// Address, length and alignment of each note segment.
    pub(crate) notes: Vec<[u64; 3], MAX_NOTES>,
}

/// A reader of memory: fills the buffer from an address on, or returns false.
pub(crate) type Read<'r> = &'r dyn Fn(usize, &mut [u8]) -> bool;

/// The reader for memory that is known to stay mapped.
pub(crate) fn read_mapped(address: usize, buffer: &mut [u8]) -> bool {
    // SAFETY: all callers read headers and notes of a module that stays loaded during the call: code of it is on the
    // stack, or the dynamic linker holds its lock.
    unsafe { core::ptr::copy_nonoverlapping(address as *const u8, buffer.as_mut_ptr(), buffer.len()) };
    true
}

/// Reads a record of C at an address.
///
/// # Safety
/// Any bytes must be a valid `T`.
unsafe fn record<T>(read: Read<'_>, address: usize) -> Option<T> {
    // SAFETY: the caller upholds it.
    let [record] = unsafe { records(read, address, 1) }?;
    Some(record)
}

/// Reads the first `count` of `N` records of C at an address. The others are zeros.
///
/// # Safety
/// Any bytes must be a valid `T`.
unsafe fn records<T, const N: usize>(read: Read<'_>, address: usize, count: usize) -> Option<[T; N]> {
    let mut records = MaybeUninit::<[T; N]>::zeroed();
    let length = count.min(N) * size_of::<T>();
    // SAFETY: the bytes are those of the records, which are zeroed and so initialised.
    let bytes = unsafe { core::slice::from_raw_parts_mut(records.as_mut_ptr().cast::<u8>(), length) };
    // SAFETY: the caller upholds that any bytes are valid records.
    read(address, bytes).then(|| unsafe { records.assume_init() })
}

impl Image {
    /// The image whose ELF header is at `start`; `None` when there is no valid header.
    pub(crate) fn at(start: usize, read: Read<'_>) -> Option<Image> {
        let header = header(start, read)?;
        let table = start.wrapping_add(header.e_phoff);
        let mut image = Image { entry: header.e_entry, ..Image::default() };
        let mut bias = None;
        for header in headers(table, header.e_phnum, read) {
            let header = header?;
            if header.p_type == libc::PT_LOAD && (header.p_offset as usize) < PAGE {
                // In a small file several segments begin on the first page. The first of them contains the headers.
                let before = wide(header.p_vaddr).wrapping_sub(wide(header.p_offset));
                bias.get_or_insert((start as u64).wrapping_sub(before));
            }
            image.add(&header);
        }
        image.with_bias(bias?)
    }

    /// The image whose `count` program headers are at `table`. Where `bias` is `None`, the headers must contain their
    /// own address.
    pub(crate) fn of_headers(bias: Option<u64>, table: usize, count: u16, read: Read<'_>) -> Option<Image> {
        let mut image = Image::default();
        let mut found = bias;
        for header in headers(table, count, read) {
            let header = header?;
            if header.p_type == libc::PT_PHDR {
                found = found.or(Some((table as u64).wrapping_sub(wide(header.p_vaddr))));
            }
            image.add(&header);
        }
        image.with_bias(found?)
    }

    /// Adds the content of a program header, with addresses of the file.
    fn add(&mut self, header: &ProgramHeader) {
        match header.p_type {
            libc::PT_LOAD => {
                let _ = self.segments.push(Segment {
                    start: wide(header.p_vaddr),
                    length: wide(header.p_memsz),
                    file_offset: wide(header.p_offset),
                    executable: header.p_flags & PF_X != 0,
                });
            }
            UNWIND_INDEX => {
                (self.unwind, self.unwind_length) = (header.p_vaddr as usize, header.p_memsz as usize)
            }
            libc::PT_NOTE => {
                let _ = self.notes.push([header.p_vaddr, header.p_memsz, header.p_align].map(wide));
            }
            _ => {}
        }
    }

    /// Adds the bias to all addresses. `None` for an image without segments.
    fn with_bias(mut self, bias: u64) -> Option<Image> {
        self.bias = bias;
        for segment in &mut self.segments {
            segment.start = segment.start.wrapping_add(bias);
        }
        for [start, ..] in &mut self.notes {
            *start = start.wrapping_add(bias);
        }
        for address in [&mut self.unwind, &mut self.entry] {
            if *address != 0 {
                *address = address.wrapping_add(bias as usize);
            }
        }
        (!self.segments.is_empty()).then_some(self)
    }

    /// The segments, each with the range of whole pages in which it is mapped.
    fn pages(&self) -> impl Iterator<Item = (&Segment, usize, usize)> {
        self.segments.iter().map(|segment| {
            let (start, end) = (segment.start as usize, segment.start.wrapping_add(segment.length) as usize);
            (segment, start & !(PAGE - 1), end.checked_next_multiple_of(PAGE).unwrap_or(usize::MAX))
        })
    }

    /// Whether a segment lies in the mapping.
    pub(crate) fn has(&self, mapping: &Mapping) -> bool {
        self.pages().any(|(_, start, end)| start < mapping.end && mapping.start < end)
    }

    /// Whether a segment with code lies in the mapping.
    pub(crate) fn has_code_in(&self, mapping: &Mapping) -> bool {
        self.pages()
            .any(|(segment, start, end)| segment.executable && start < mapping.end && mapping.start < end)
    }

    /// Whether a segment with code begins where the mapping does.
    pub(crate) fn has_code_from(&self, mapping: &Mapping) -> bool {
        self.pages().any(|(segment, start, _)| segment.executable && start == mapping.start)
    }

    /// Forgets the unwind table if the first or the last word of its segment is unreadable. Some loaders map a file's code
    /// alone, and a walk would read the table without a check.
    fn forget_unmapped_table(&mut self, is_unreadable: impl Fn(usize) -> bool) {
        let last = |end: usize| end.wrapping_sub(1) & !(size_of::<u64>() - 1);
        let is_missing = |(start, end)| is_unreadable(start) || is_unreadable(last(end));
        if self.segment_of(self.unwind).is_none_or(is_missing) {
            self.unwind = 0;
        }
    }

    /// Start and end of the segment that contains an address.
    pub(crate) fn segment_of(&self, address: usize) -> Option<(usize, usize)> {
        let ranges = self.segments.iter();
        let mut ranges = ranges
            .map(|segment| (segment.start as usize, segment.start.wrapping_add(segment.length) as usize));
        ranges.find(|&(start, end)| (start..end).contains(&address))
    }
}

/// The ELF header at an address; `None` when it cannot be read or is not one of this machine's files.
fn header(start: usize, read: Read<'_>) -> Option<FileHeader> {
    // SAFETY: the record consists of integers.
    let header: FileHeader = unsafe { record(read, start)? };
    let is_elf = header.e_ident.starts_with(b"\x7fELF")
        && header.e_ident.get(4) == Some(&CLASS)
        && usize::from(header.e_phentsize) == size_of::<ProgramHeader>();
    is_elf.then_some(header)
}

/// The entry of the image whose ELF header is at `start`, the first byte of a page that stays mapped; 0 when it is
/// unknown.
pub(crate) fn entry(start: usize) -> usize {
    let on_first_page = |address: usize, buffer: &mut [u8]| {
        let end = address.checked_add(buffer.len());
        let is_there = address >= start && end.is_some_and(|end| end - start <= PAGE);
        is_there && read_mapped(address, buffer)
    };
    Image::at(start, &on_first_page).map_or(0, |image| image.entry)
}

/// The program headers of a table. An item is `None` when it cannot be read. They are read several at a time, for each read is a
/// system call; and few, because an event may read them on a small stack.
fn headers(table: usize, count: u16, read: Read<'_>) -> impl Iterator<Item = Option<ProgramHeader>> {
    const AT_ONCE: usize = 8;
    let count = usize::from(count.min(MAX_HEADERS));
    (0..count).step_by(AT_ONCE).flat_map(move |first| {
        let at = table.wrapping_add(first * size_of::<ProgramHeader>());
        let several = AT_ONCE.min(count - first);
        // SAFETY: the records consist of integers.
        let headers = unsafe { records::<ProgramHeader, AT_ONCE>(read, at, several) };
        (0..several).map(move |place| headers.as_ref()?.get(place).copied())
    })
}

// The files that the tests make have 64 bits.
#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    /// The first page of a small program. All of its three segments begin there, as lld places them.
    fn small_file(kind: u16, base: u64) -> std::vec::Vec<u8> {
        let mut page = vec![0u8; PAGE];
        page[..5].copy_from_slice(b"\x7fELF\x02");
        page[16..18].copy_from_slice(&kind.to_ne_bytes());
        page[24..32].copy_from_slice(&(base + 0x1234).to_ne_bytes());
        page[32..40].copy_from_slice(&64u64.to_ne_bytes());
        page[54..56].copy_from_slice(&56u16.to_ne_bytes());
        page[56..58].copy_from_slice(&4u16.to_ne_bytes());
        let rows: [(u32, u32, [u64; 2], u64); 4] = [
            (libc::PT_LOAD, libc::PF_R, [0, base], 0x200),
            (libc::PT_LOAD, libc::PF_R | libc::PF_X, [0x200, base + 0x1200], 0x100),
            (libc::PT_LOAD, libc::PF_R | libc::PF_W, [0x300, base + 0x2300], 0x100),
            (libc::PT_GNU_EH_FRAME, libc::PF_R, [0x180, base + 0x180], 0x40),
        ];
        for (row, (kind, flags, [offset, address], size)) in rows.into_iter().enumerate() {
            let at = 64 + row * 56;
            page[at..at + 4].copy_from_slice(&kind.to_ne_bytes());
            page[at + 4..at + 8].copy_from_slice(&flags.to_ne_bytes());
            for (field, value) in [offset, address, address, size, size, 0x1000].into_iter().enumerate() {
                page[at + 8 + field * 8..at + 16 + field * 8].copy_from_slice(&value.to_ne_bytes());
            }
        }
        page
    }

    #[test]
    fn headers_say_where_segments_and_tables_are() {
        for (kind, base) in [(libc::ET_DYN, 0), (libc::ET_EXEC, 0x40_0000)] {
            let page = small_file(kind, base);
            let start = page.as_ptr() as usize;
            let image = Image::at(start, &read_mapped).unwrap();
            assert_eq!(image.bias, start as u64 - base);
            let starts: std::vec::Vec<usize> =
                image.segments.iter().map(|s| s.start as usize - start).collect();
            assert_eq!(starts, [0, 0x1200, 0x2300]);
            assert_eq!(image.unwind, start + 0x180);
            assert_eq!(image.segment_of(start + 0x180), Some((start, start + 0x200)));
            assert_eq!(image.segment_of(start + 0x200), None);
        }
        let page = small_file(libc::ET_DYN, 0);
        assert_eq!(entry(page.as_ptr() as usize), page.as_ptr() as usize + 0x1234);
    }

    #[test]
    fn memory_without_a_file_has_the_code_that_begins_where_it_does() {
        let image = Image {
            segments: Vec::from_slice(&[
                Segment { start: 0x10000, length: 0x800, file_offset: 0, executable: false },
                Segment { start: 0x20480, length: 0x3000, file_offset: 0x480, executable: true },
            ])
            .unwrap(),
            ..Image::default()
        };
        let at = |start| Mapping { start, end: start + PAGE, ..Mapping::default() };
        let has = [0x10000, 0x20000, 0x21000]
            .map(|start| (image.has_code_in(&at(start)), image.has_code_from(&at(start))));
        assert_eq!(has, [(false, false), (true, true), (true, false)]);
    }

    #[test]
    fn other_memory_is_no_image() {
        let nothing = vec![0u8; PAGE];
        assert_eq!(Image::at(nothing.as_ptr() as usize, &read_mapped), None);
        assert_eq!(entry(nothing.as_ptr() as usize), 0);
        let page = small_file(libc::ET_DYN, 0);
        let start = page.as_ptr() as usize;
        let cut = |address: usize, buffer: &mut [u8]| {
            address + buffer.len() <= start + 200 && read_mapped(address, buffer)
        };
        assert_eq!(Image::at(start, &cut), None);
    }

    #[test]
    fn a_table_that_cannot_be_read_is_forgotten() {
        let page = small_file(libc::ET_DYN, 0);
        let start = page.as_ptr() as usize;
        let mut image = Image::at(start, &read_mapped).unwrap();
        image.forget_unmapped_table(|address| !(start..start + 0x200).contains(&address));
        assert_eq!(image.unwind, start + 0x180);
        image.forget_unmapped_table(|address| !(start..start + 0x1f8).contains(&address));
        assert_eq!(image.unwind, 0);
    }
}
