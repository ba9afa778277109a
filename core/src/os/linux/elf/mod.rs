//! An executable or library in memory: what its ELF headers say.

mod loaded;

use super::maps::Mapping;
use core::mem::MaybeUninit;
use heapless::Vec;
use libc::{Elf64_Ehdr, Elf64_Phdr};
use memtrack_format::Segment;

pub(crate) use loaded::{Loaded, each_linked, each_mapped};

/// Loaded ranges of one module that are kept; a module of more keeps its first ones.
pub(crate) const MAX_SEGMENTS: usize = 16;
/// Program headers that are read; linkers write up to 14.
const MAX_HEADERS: u16 = 64;
const MAX_NOTES: usize = 4;
/// Of this size and alignment are the ranges that can be mapped.
pub(crate) const PAGE: usize = 4096;

/// What the headers say, by addresses in memory.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Image {
    /// What was added to the file's addresses when it was loaded.
    pub(crate) bias: u64,
    pub(crate) segments: Vec<Segment, MAX_SEGMENTS>,
    /// The index of its unwind table, `.eh_frame_hdr`; 0 for none.
    pub(crate) unwind: usize,
    /// Where it is entered; 0 for nowhere.
    pub(crate) entry: usize,
    /// Begin, length and alignment of its notes.
    pub(crate) notes: Vec<[u64; 3], MAX_NOTES>,
}

/// Reads memory: fills the buffer, or says that it could not.
pub(crate) type Read<'r> = &'r dyn Fn(usize, &mut [u8]) -> bool;

/// Memory that is known to be readable.
pub(crate) fn read_mapped(address: usize, buffer: &mut [u8]) -> bool {
    // SAFETY: used alone for headers and notes of a module that the dynamic linker keeps loaded during the call.
    unsafe { core::ptr::copy_nonoverlapping(address as *const u8, buffer.as_mut_ptr(), buffer.len()) };
    true
}

/// A record of C at an address.
///
/// # Safety
/// Any bytes must be a valid `T`.
unsafe fn record<T>(read: Read<'_>, address: usize) -> Option<T> {
    let mut record = MaybeUninit::<T>::zeroed();
    // SAFETY: the bytes of the record, which are initialised.
    let bytes = unsafe { core::slice::from_raw_parts_mut(record.as_mut_ptr().cast::<u8>(), size_of::<T>()) };
    // SAFETY: the caller says that any bytes serve.
    read(address, bytes).then(|| unsafe { record.assume_init() })
}

impl Image {
    /// The image whose file begins at `start` in memory.
    pub(crate) fn at(start: usize, read: Read<'_>) -> Option<Image> {
        let header = header(start, read)?;
        let table = start.wrapping_add(header.e_phoff as usize);
        let mut image = Image { entry: header.e_entry as usize, ..Image::default() };
        let mut bias = None;
        for header in headers(table, header.e_phnum, read) {
            let header = header?;
            if header.p_type == libc::PT_LOAD && (header.p_offset as usize) < PAGE {
                // In a small file several segments begin on its first page: the first one is where its headers are.
                bias.get_or_insert((start as u64).wrapping_sub(header.p_vaddr.wrapping_sub(header.p_offset)));
            }
            image.take(&header);
        }
        image.moved(bias?)
    }

    /// The image whose `count` program headers are at `table`.
    pub(crate) fn of_headers(bias: Option<u64>, table: usize, count: u16, read: Read<'_>) -> Option<Image> {
        let mut image = Image::default();
        let mut found = bias;
        for header in headers(table, count, read) {
            let header = header?;
            if header.p_type == libc::PT_PHDR {
                found = found.or(Some((table as u64).wrapping_sub(header.p_vaddr)));
            }
            image.take(&header);
        }
        image.moved(found?)
    }

    fn take(&mut self, header: &Elf64_Phdr) {
        match header.p_type {
            libc::PT_LOAD => {
                let _ = self.segments.push(Segment {
                    start: header.p_vaddr,
                    length: header.p_memsz,
                    file_offset: header.p_offset,
                    executable: header.p_flags & libc::PF_X != 0,
                });
            }
            libc::PT_GNU_EH_FRAME => self.unwind = header.p_vaddr as usize,
            libc::PT_NOTE => {
                let _ = self.notes.push([header.p_vaddr, header.p_memsz, header.p_align]);
            }
            _ => {}
        }
    }

    /// From the file's addresses to those in memory.
    fn moved(mut self, bias: u64) -> Option<Image> {
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

    /// Its ranges of addresses, as they are mapped: whole pages.
    fn pages(&self) -> impl Iterator<Item = (&Segment, usize, usize)> {
        self.segments.iter().map(|segment| {
            let (start, end) = (segment.start as usize, segment.start.wrapping_add(segment.length) as usize);
            (segment, start & !(PAGE - 1), end.checked_next_multiple_of(PAGE).unwrap_or(usize::MAX))
        })
    }

    /// Whether some of the mapping is one of its segments.
    pub(crate) fn has(&self, mapping: &Mapping) -> bool {
        self.pages().any(|(_, start, end)| start < mapping.end && mapping.start < end)
    }

    /// Whether some of the mapping is its code.
    pub(crate) fn has_code_in(&self, mapping: &Mapping) -> bool {
        self.pages()
            .any(|(segment, start, end)| segment.executable && start < mapping.end && mapping.start < end)
    }

    /// The segment with that address: where it begins and ends.
    pub(crate) fn segment_of(&self, address: usize) -> Option<(usize, usize)> {
        let ranges = self.segments.iter();
        let mut ranges = ranges
            .map(|segment| (segment.start as usize, segment.start.wrapping_add(segment.length) as usize));
        ranges.find(|&(start, end)| (start..end).contains(&address))
    }
}

fn header(start: usize, read: Read<'_>) -> Option<Elf64_Ehdr> {
    // SAFETY: it is made of integers.
    let header: Elf64_Ehdr = unsafe { record(read, start)? };
    let is_elf = header.e_ident.starts_with(b"\x7fELF")
        && header.e_ident.get(4) == Some(&libc::ELFCLASS64)
        && usize::from(header.e_phentsize) == size_of::<Elf64_Phdr>();
    is_elf.then_some(header)
}

/// Where the image is entered whose file begins at `start`, in a page that is mapped; 0 when that cannot be told.
pub(crate) fn entry(start: usize) -> usize {
    let on_first_page = |address: usize, buffer: &mut [u8]| {
        let end = address.checked_add(buffer.len());
        let is_there = address >= start && end.is_some_and(|end| end - start <= PAGE);
        is_there && read_mapped(address, buffer)
    };
    Image::at(start, &on_first_page).map_or(0, |image| image.entry)
}

/// Program headers; the last item is `None` when they cannot be read.
fn headers(table: usize, count: u16, read: Read<'_>) -> impl Iterator<Item = Option<Elf64_Phdr>> {
    (0..count.min(MAX_HEADERS)).map(move |place| {
        let at = table.wrapping_add(usize::from(place) * size_of::<Elf64_Phdr>());
        // SAFETY: it is made of integers.
        unsafe { record(read, at) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file's first page: a small program of three segments, all of which begin there, as lld makes them.
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
    fn what_is_no_image_is_none() {
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
}
