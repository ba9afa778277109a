//! The pages of a region, for which a file can stand in.

use super::backing_file::BackingFile;
use super::errno::{errno, keep_errno};
use super::memory::{PAGE, page_size};
use super::private;
use crate::Error;
use crate::sync::*;
use core::ops::Range;
use core::ptr::null_mut;

pub(crate) use super::private::is_readable;

const WORDS: usize = PAGE / size_of::<usize>();

/// Memory that a file can stand in for.
#[derive(Clone, Copy)]
pub(crate) struct Pages {
    memory: &'static [[AtomicUsize; WORDS]],
    /// Where it lies in the file.
    offset: usize,
    /// The pages, by number, that no file stands in for: where the region has its pointers and its flags. The file has zeros
    /// there.
    own: (usize, usize),
}

impl Pages {
    /// The memory of `region`, of which the bytes `own` stay as they are. `None` when it, or they, do not begin and end with
    /// a page of this system.
    pub(crate) fn of<R: 'static>(region: &R, own: Range<usize>) -> Option<Pages> {
        let start = core::ptr::from_ref(region);
        let page = page_size();
        if ![start.addr(), size_of::<R>(), own.start, own.end].iter().all(|place| place.is_multiple_of(page))
        {
            return None;
        }
        // SAFETY: a region is a static of that size and alignment, and all of it is integers, which others change by
        // atomic operations or under locks. What is read under others' locks is only copied.
        let memory = unsafe { core::slice::from_raw_parts(start.cast(), size_of::<R>() / PAGE) };
        Some(Pages { memory, offset: 0, own: (own.start / PAGE, own.end / PAGE) })
    }

    /// Fresh memory for what lies at `offset` in the file.
    pub(crate) fn new(len: usize, offset: usize) -> Result<Pages, Error> {
        let len = len.next_multiple_of(page_size());
        // SAFETY: a mapping at a place of the system's choice, of integers that are zero.
        unsafe {
            let start = private::map(null_mut(), len)?;
            let memory = core::slice::from_raw_parts(start.cast(), len / PAGE);
            Ok(Pages { memory, offset, own: (0, 0) })
        }
    }

    /// Gives back what [`new`](Self::new) made.
    ///
    /// # Safety
    /// Nobody may use it any more.
    pub(crate) unsafe fn remove(self) {
        // SAFETY: the caller upholds it.
        unsafe { libc::munmap(self.start().cast(), self.len()) };
    }

    pub(crate) fn len(&self) -> usize {
        size_of_val(self.memory)
    }

    pub(crate) fn start(&self) -> *mut u8 {
        self.memory.as_ptr().cast_mut().cast()
    }

    /// The bytes that a file stands in for.
    fn of_file(&self) -> impl Iterator<Item = Range<usize>> {
        let own = self.own.0 * PAGE..self.own.1 * PAGE;
        [0..own.start, own.end..self.len()].into_iter().filter(|bytes| !bytes.is_empty())
    }

    fn is_own(&self, page: usize) -> bool {
        (self.own.0..self.own.1).contains(&page)
    }

    /// Has the file system make room for `len` bytes from `offset` on, where the system can be asked for that (Linux
    /// 5.14): without room the first access would be a fault.
    pub(crate) fn reserve(&self, offset: usize, len: usize) -> Result<(), Error> {
        let first = offset / page_size() * page_size();
        let len = (offset + len).min(self.len()).saturating_sub(first);
        // SAFETY: within the pages; the call changes none of their bytes.
        let result = unsafe { libc::madvise(self.start().add(first).cast(), len, libc::MADV_POPULATE_WRITE) };
        if result != 0 && errno() == libc::EFAULT { Err(Error::File(libc::ENOSPC)) } else { Ok(()) }
    }

    /// How many pages these are.
    pub(crate) fn pages(&self) -> usize {
        self.len() / page_size()
    }

    /// The numbers of the pages that memory lies in; none for memory elsewhere.
    pub(crate) fn numbers(&self, start: usize, len: usize) -> Range<usize> {
        let offset = start.wrapping_sub(self.start().addr());
        if offset < self.len() {
            offset / page_size()..(offset + len).div_ceil(page_size()).min(self.pages())
        } else {
            0..0
        }
    }

    /// Whether the file system has room for a page.
    pub(crate) fn has_room(&self, number: usize) -> bool {
        keep_errno(|| self.reserve(number * page_size(), 1)).is_ok()
    }

    /// The word of a bit, and the bit in it.
    fn place_of_bit(&self, number: usize) -> Option<(&AtomicUsize, usize)> {
        const BITS: usize = usize::BITS as usize;
        Some((self.memory.as_flattened().get(number / BITS)?, 1 << (number % BITS)))
    }

    /// A bit of memory that is used as bits.
    pub(crate) fn bit(&self, number: usize) -> bool {
        self.place_of_bit(number).is_some_and(|(word, bit)| word.load(Relaxed) & bit != 0)
    }

    pub(crate) fn set_bit(&self, number: usize) {
        if let Some((word, bit)) = self.place_of_bit(number) {
            word.fetch_or(bit, Relaxed);
        }
    }

    /// Calls `each` for the pages that are not all zero, last one first. What an entry of a table refers to stands before
    /// it, its index behind it: copied backwards, a table that grows meanwhile still holds together. Pages that were never
    /// used are not even read.
    fn each_used(
        &self,
        known: Known<'_>,
        mut each: impl FnMut(usize, &[AtomicUsize; WORDS]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (number, chunk) in self.memory.chunks(CHUNK).enumerate().rev() {
            let first = number * CHUNK;
            let perhaps = known.used(self, first);
            for (place, page) in chunk.iter().enumerate().rev().filter(|(place, _)| perhaps[*place]) {
                let number = first + place;
                if !self.is_own(number) && page.iter().any(|word| word.load(Relaxed) != 0) {
                    each(number, page)?;
                }
            }
        }
        Ok(())
    }

    /// Has the file stand in for these pages.
    fn map(&self, file: &BackingFile) -> Result<(), Error> {
        let map = |place: *mut u8, bytes: &Range<usize>, flags| {
            let (protection, offset) = (libc::PROT_READ | libc::PROT_WRITE, self.offset + bytes.start);
            let (fd, offset) = (file.number(), offset as libc::off_t);
            // SAFETY: the closure is called for a place of the system's choice, and for one of the region, where the file
            // holds the same bytes and is never unmapped.
            let mapped = unsafe { libc::mmap(place.cast(), bytes.len(), protection, flags, fd, offset) };
            if mapped == libc::MAP_FAILED { Err(Error::File(errno())) } else { Ok(mapped) }
        };
        // Shows whether the file can be mapped.
        let all = 0..self.len();
        let trial = map(null_mut(), &all, libc::MAP_SHARED)?;
        // SAFETY: it was just mapped.
        unsafe { libc::munmap(trial, all.len()) };
        for bytes in self.of_file() {
            let place = self.start().wrapping_add(bytes.start);
            if let Err(error) = map(place, &bytes, libc::MAP_SHARED | libc::MAP_FIXED) {
                // No part of them is the file's without the other.
                let _ = self.keep(true);
                return Err(error);
            }
        }
        Ok(())
    }

    /// From now on the pages are those of `file`, with the content that they have.
    pub(crate) fn share(&self, file: &BackingFile, before: Before<'_>) -> Result<(), Error> {
        let pagemap;
        let known = match before {
            Before::File(file) => Known::File(file),
            Before::LostFile => Known::Nothing,
            Before::Memory => {
                pagemap = BackingFile::open(c"/proc/self/pagemap");
                pagemap.as_ref().map_or(Known::Nothing, Known::Memory)
            }
        };
        self.each_used(known, |number, page| {
            let copy: [usize; WORDS] = core::array::from_fn(|place| page[place].load(Relaxed));
            // SAFETY: an array of integers is as many bytes.
            let bytes = unsafe { core::slice::from_raw_parts(copy.as_ptr().cast(), PAGE) };
            file.write_at(bytes, (self.offset + number * PAGE) as u64)
        })?;
        self.map(file)
    }

    /// Puts zeros in the place of the page with `address`.
    pub(crate) fn clear(&self, address: usize) -> bool {
        let offset = (address - self.start().addr()) / page_size() * page_size();
        // SAFETY: the page is integers that may have any value.
        unsafe { private::map(self.start().add(offset), page_size()) }.is_ok()
    }

    /// From now on changes of the pages, which are a file's, don't reach it any more. They hold what could be read there,
    /// or nothing at all.
    pub(crate) fn keep(&self, content: bool) -> Result<(), Error> {
        self.of_file().try_for_each(|bytes| {
            // SAFETY: within the pages, which are integers that may have any value.
            unsafe { private::take(self.start().add(bytes.start), bytes.len(), content) }
        })
    }
}

/// What the pages are before a file stands in for them.
#[derive(Clone, Copy)]
pub(crate) enum Before<'f> {
    /// Nobody's file.
    Memory,
    /// Another file.
    File(&'f BackingFile),
    /// Another file, whose descriptor the program has closed.
    LostFile,
}

/// Pages that are asked for at a time.
const CHUNK: usize = 512;

/// Who knows which pages have been used.
enum Known<'f> {
    /// The kernel's table of the process's pages, for memory that is nobody's file.
    Memory(&'f BackingFile),
    /// The file that the pages are of.
    File(&'f BackingFile),
    /// Nobody.
    Nothing,
}

impl Known<'_> {
    /// Which pages from the number `first` on may not be all zero: all, when nobody knows.
    fn used(&self, pages: &Pages, first: usize) -> [bool; CHUNK] {
        match self {
            Known::Memory(pagemap) if PAGE == page_size() => {
                /// Present, or swapped out.
                const USED: u64 = 0b11 << 62;
                let mut entries = [0u64; CHUNK];
                let place = pages.start().addr() / PAGE + first;
                // SAFETY: the array is as many bytes.
                let bytes = unsafe {
                    core::slice::from_raw_parts_mut(entries.as_mut_ptr().cast(), size_of_val(&entries))
                };
                let wanted = size_of::<u64>() * (pages.memory.len() - first).min(CHUNK);
                match pagemap.read_at(&mut bytes[..wanted], (place * size_of::<u64>()) as u64) {
                    Ok(read) if read == wanted => entries.map(|entry| entry & USED != 0),
                    _ => [true; CHUNK],
                }
            }
            Known::Memory(_) | Known::Nothing => [true; CHUNK],
            Known::File(file) => {
                let mut used = [false; CHUNK];
                let base = pages.offset / PAGE;
                let (mut at, end) = (first, first + CHUNK);
                while let Some((begin, hole)) = file.data(base + at).filter(|(begin, _)| *begin < base + end)
                {
                    let (begin, hole) = (begin - base, hole - base);
                    used[begin - first..hole.clamp(begin, end) - first].fill(true);
                    at = hole.max(at + 1);
                }
                used
            }
        }
    }
}
