//! Memory that a file can back.
//!
//! The problem: a recording moves the memory of a running tracker into a file, while other threads use it, and gets it
//! back when the file is lost.
//!
//! The idea: the kernel can replace the pages at an address by those of a file. Before that the file gets the same
//! content.
//!
//! - *Pages*: the memory, in units of [`PAGE`] bytes, and its offset in the file.
//! - *Excluded pages*: pages of the memory that the file never backs, because pointers and flags of the process are
//!   there. The file has zeros in their place.
//! - *Used pages*: pages that may not be all zero. Only they are copied. The kernel says which they are.

use super::backing_file::BackingFile;
use super::errno::{errno, keep_errno};
use super::memory::{PAGE, page_size};
use super::{private, recording_calls};
use crate::Error;
use crate::sync::*;
use core::ops::Range;
use core::ptr::null_mut;

pub(crate) use super::private::may_be_readable;

const WORDS: usize = PAGE / size_of::<usize>();

/// Whether a file can back memory here: the error says why not.
pub(crate) fn check() -> Result<(), Error> {
    Ok(())
}

/// Memory that a file can back.
#[derive(Clone, Copy)]
pub(crate) struct Pages {
    memory: &'static [[AtomicUsize; WORDS]],
    /// The offset of the memory in the file, in bytes.
    offset: usize,
    /// The numbers of the first excluded page and of the page after the last one.
    excluded: (usize, usize),
}

impl Pages {
    /// The memory of `region`, which begins the file. The bytes `excluded` of it are never backed by the file. `None`
    /// when the region or the excluded bytes are not whole pages of this system.
    pub(crate) fn of<R: 'static>(region: &R, excluded: Range<usize>) -> Option<Pages> {
        let start = core::ptr::from_ref(region);
        let page = page_size();
        if ![start.addr(), size_of::<R>(), excluded.start, excluded.end]
            .iter()
            .all(|place| place.is_multiple_of(page))
        {
            return None;
        }
        // SAFETY: a region lives as long as the program, has that size and alignment, and consists of integers, which
        // other threads change by atomic operations or under locks. Words under locks are only copied here.
        let memory = unsafe { core::slice::from_raw_parts(start.cast(), size_of::<R>() / PAGE) };
        Some(Pages { memory, offset: 0, excluded: (excluded.start / PAGE, excluded.end / PAGE) })
    }

    /// Maps zeroed memory of at least `len` bytes, for the part of the file that begins at `offset`.
    pub(crate) fn new(len: usize, offset: usize) -> Result<Pages, Error> {
        let len = len.next_multiple_of(page_size());
        // SAFETY: a new mapping at a place of the system's choice, which is zero and never unmapped before `unmap`.
        unsafe {
            let start = private::map(null_mut(), len)?;
            let memory = core::slice::from_raw_parts(start.cast(), len / PAGE);
            Ok(Pages { memory, offset, excluded: (0, 0) })
        }
    }

    /// Unmaps memory from [`new`](Self::new).
    ///
    /// # Safety
    /// The memory must come from `new`, and nobody may use it any more.
    pub(crate) unsafe fn unmap(self) {
        // SAFETY: the caller upholds that the mapping is from `new` and unused.
        unsafe { libc::munmap(self.start().cast(), self.len()) };
    }

    /// The size of the memory in bytes.
    pub(crate) fn len(&self) -> usize {
        size_of_val(self.memory)
    }

    /// The address of the first byte.
    pub(crate) fn start(&self) -> *mut u8 {
        self.memory.as_ptr().cast_mut().cast()
    }

    /// The ranges of bytes that a file backs: those before and after the excluded ones.
    fn backed(&self) -> impl Iterator<Item = Range<usize>> {
        let excluded = self.excluded.0 * PAGE..self.excluded.1 * PAGE;
        [0..excluded.start, excluded.end..self.len()].into_iter().filter(|bytes| !bytes.is_empty())
    }

    fn is_excluded(&self, page: usize) -> bool {
        (self.excluded.0..self.excluded.1).contains(&page)
    }

    /// Allocates room in the file for the pages with `len` bytes from `offset` on: without room the first access
    /// faults. An error only when there is no room; a system that cannot allocate ahead (macOS, Linux before 5.14)
    /// returns none.
    pub(crate) fn reserve(&self, offset: usize, len: usize) -> Result<(), Error> {
        let first = offset / page_size() * page_size();
        let len = (offset + len).min(self.len()).saturating_sub(first);
        // The range is within the pages.
        let has_room = recording_calls::has_room(self.start().wrapping_add(first).cast(), len);
        if has_room { Ok(()) } else { Err(Error::File(libc::ENOSPC)) }
    }

    /// The number of pages, in pages of this system.
    pub(crate) fn pages(&self) -> usize {
        self.len() / page_size()
    }

    /// The numbers of the pages, in pages of this system, that contain `len` bytes from the address `start` on. Empty
    /// when `start` is elsewhere.
    pub(crate) fn numbers(&self, start: usize, len: usize) -> Range<usize> {
        let offset = start.wrapping_sub(self.start().addr());
        if offset < self.len() {
            offset / page_size()..(offset + len).div_ceil(page_size()).min(self.pages())
        } else {
            0..0
        }
    }

    /// Allocates room in the file for a page, by its number, and returns whether there is room. Restores `errno`.
    pub(crate) fn has_room(&self, number: usize) -> bool {
        keep_errno(|| self.reserve(number * page_size(), 1)).is_ok()
    }

    /// The memory as words.
    pub(crate) fn words(&self) -> &'static [AtomicUsize] {
        self.memory.as_flattened()
    }

    /// Calls `each` with the number and the content of each page that is not all zero, from the last page to the first.
    ///
    /// The order matters for a table that grows meanwhile. The data that an entry refers to lies before the entry, and
    /// the index of the entry lies behind it. Copied backwards, no copied word refers to one that is missing. Unused
    /// pages are not read: that would make them resident.
    fn each_used(
        &self,
        known: Known<'_>,
        mut each: impl FnMut(usize, &[AtomicUsize; WORDS]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (number, chunk) in self.memory.chunks(CHUNK).enumerate().rev() {
            let first = number * CHUNK;
            let may_be_used = known.used(self, first);
            for (place, page) in chunk.iter().enumerate().rev().filter(|(place, _)| may_be_used[*place]) {
                let number = first + place;
                if !self.is_excluded(number) && page.iter().any(|word| word.load(Relaxed) != 0) {
                    each(number, page)?;
                }
            }
        }
        Ok(())
    }

    /// Replaces the memory by the pages of the file, which have the same content. After an error all memory
    /// is as before, or all of it is private.
    fn map(&self, file: &BackingFile) -> Result<(), Error> {
        let map = |place: *mut u8, bytes: &Range<usize>, flags| {
            let (protection, offset) = (libc::PROT_READ | libc::PROT_WRITE, self.offset + bytes.start);
            let (fd, offset) = (file.number(), offset as libc::off_t);
            // SAFETY: the closure is called with null, for a place of the system's choice, and with addresses of these
            // pages, where the file has the same bytes. The mapping over the pages is never unmapped.
            let mapped = unsafe { libc::mmap(place.cast(), bytes.len(), protection, flags, fd, offset) };
            if mapped == libc::MAP_FAILED { Err(Error::File(errno())) } else { Ok(mapped) }
        };
        // A trial at another address shows whether the system can map the file, before any page is replaced.
        let all = 0..self.len();
        let trial = map(null_mut(), &all, libc::MAP_SHARED)?;
        // SAFETY: the mapping is the one above, which nobody uses.
        unsafe { libc::munmap(trial, all.len()) };
        for bytes in self.backed() {
            let place = self.start().wrapping_add(bytes.start);
            if let Err(error) = map(place, &bytes, libc::MAP_SHARED | libc::MAP_FIXED) {
                // The file backs all parts or none.
                let _ = self.make_private(true);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Copies the content to `file` and makes the file back the memory, at the same addresses. `file` must be all zero
    /// and long enough. A change that another thread makes during the copy may be missing afterwards. After an error
    /// the memory has its content, and is backed as before or private.
    pub(crate) fn move_to_file(&self, file: &BackingFile, before: Before<'_>) -> Result<(), Error> {
        let pagemap;
        let known = match before {
            Before::File(file) => Known::File(file),
            Before::LostFile => Known::Nothing,
            Before::Memory => {
                pagemap = recording_calls::PAGEMAP.and_then(BackingFile::open);
                pagemap.as_ref().map_or(Known::Nothing, Known::Memory)
            }
        };
        self.each_used(known, |number, page| {
            let copy: [usize; WORDS] = core::array::from_fn(|place| page[place].load(Relaxed));
            // SAFETY: an array of integers without padding is as many initialised bytes.
            let bytes = unsafe { core::slice::from_raw_parts(copy.as_ptr().cast(), PAGE) };
            file.write_at(bytes, (self.offset + number * PAGE) as u64)
        })?;
        self.map(file)
    }

    /// Replaces the page that contains `address` by zeroed private memory, and returns whether that worked. `address`
    /// must be in the memory. For a page that cannot be read any more: can run in the handler of its fault.
    pub(crate) fn clear(&self, address: usize) -> bool {
        let offset = (address - self.start().addr()) / page_size() * page_size();
        // SAFETY: the page is within the memory, which holds integers that may have any value.
        unsafe { private::map(self.start().add(offset), page_size()) }.is_ok()
    }

    /// Replaces memory that a file backs by private memory, at the same addresses: later changes do not reach the file.
    /// With `content`, the memory holds all that could be read; without, it is zero. Can run in a fault's handler. A
    /// change that another thread makes meanwhile may be lost.
    pub(crate) fn make_private(&self, content: bool) -> Result<(), Error> {
        self.backed().try_for_each(|bytes| {
            // SAFETY: the bytes are whole pages within the memory, which holds integers that may have any value.
            unsafe { private::make_private(self.start().add(bytes.start), bytes.len(), content) }
        })
    }
}

/// What backs the pages before they move to a file.
#[derive(Clone, Copy)]
pub(crate) enum Before<'f> {
    /// No file: private memory.
    Memory,
    /// Another file, which is open.
    File(&'f BackingFile),
    /// Another file, whose descriptor the program has closed.
    LostFile,
}

/// The pages about which the kernel is asked at a time.
const CHUNK: usize = 512;

/// The source that knows which pages are used.
enum Known<'f> {
    /// The kernel's table of the process's pages, for private memory.
    Memory(&'f BackingFile),
    /// The holes of the file that backs the pages.
    File(&'f BackingFile),
    /// No source: all pages may be used.
    Nothing,
}

impl Known<'_> {
    /// Whether each page from the number `first` on may be used. True when it is unknown.
    fn used(&self, pages: &Pages, first: usize) -> [bool; CHUNK] {
        match self {
            Known::Memory(pagemap) if PAGE == page_size() => {
                /// The page is present or swapped out.
                const USED: u64 = 0b11 << 62;
                let mut entries = [0u64; CHUNK];
                let place = pages.start().addr() / PAGE + first;
                // SAFETY: an array of integers without padding is as many initialised bytes, and any bytes are
                // integers.
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
