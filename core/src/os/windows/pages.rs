//! Memory that a file backs: a part of one that was [mapped](super::backing_file) before its first use.

use super::backing_file::{MappedFile, UNIT};
use super::errno::keep_errno;
use super::memory;
use crate::Error;
use crate::sync::*;
use core::ops::Range;
use core::ptr::with_exposed_provenance;

const WORD: usize = size_of::<usize>();

/// Memory that begins at a page.
#[derive(Clone, Copy)]
pub(crate) struct Pages {
    memory: &'static [AtomicUsize],
    /// The file, and the offset of the memory in it; `None` for memory of the process's own.
    file: Option<(&'static MappedFile, usize)>,
}

/// Whether a page may be readable. Here the file cannot be cut off.
pub(crate) fn may_be_readable(_: *const u8) -> bool {
    true
}

impl Pages {
    /// The memory of these bytes of a file, which begin at a page and are whole words.
    pub(crate) fn in_file(file: &'static MappedFile, bytes: Range<usize>) -> Pages {
        let words = &file.memory()[bytes.start / WORD..bytes.end / WORD];
        Pages { memory: words, file: Some((file, bytes.start)) }
    }

    /// Maps zeroed memory of at least `len` bytes that is in no file.
    pub(crate) fn new(len: usize, _: usize) -> Result<Pages, Error> {
        let len = len.next_multiple_of(memory::page_size());
        let start = memory::map_anywhere(len).ok_or(Error::NoMemory)?;
        // SAFETY: the memory is new, zeroed, that long, aligned, and never unmapped. All access to it is atomic.
        let memory = unsafe { core::slice::from_raw_parts(with_exposed_provenance(start), len / WORD) };
        Ok(Pages { memory, file: None })
    }

    /// The size of the memory in bytes.
    pub(crate) fn len(&self) -> usize {
        size_of_val(self.memory)
    }

    /// The address of the first byte.
    pub(crate) fn start(&self) -> *mut u8 {
        self.memory.as_ptr().cast_mut().cast()
    }

    /// Makes room in the file for `len` bytes from `offset` on. An error when there is no room.
    pub(crate) fn reserve(&self, offset: usize, len: usize) -> Result<(), Error> {
        self.file.map_or(Ok(()), |(file, begin)| file.make_room(begin + offset..begin + offset + len))
    }

    /// The number of pages. They are as large as the parts of a file that get room at a time.
    pub(crate) fn pages(&self) -> usize {
        self.len().div_ceil(UNIT)
    }

    /// The numbers of the pages that contain `len` bytes from the address `start` on. Empty when `start` is elsewhere.
    pub(crate) fn numbers(&self, start: usize, len: usize) -> Range<usize> {
        let offset = start.wrapping_sub(self.start().addr());
        if offset < self.len() {
            offset / UNIT..(offset + len).div_ceil(UNIT).min(self.pages())
        } else {
            0..0
        }
    }

    /// Makes room in the file for a page, by its number, and returns whether there is room. Restores the error number.
    pub(crate) fn has_room(&self, number: usize) -> bool {
        keep_errno(|| self.reserve(number * UNIT, UNIT.min(self.len() - number * UNIT))).is_ok()
    }

    /// The memory as words.
    pub(crate) fn words(&self) -> &'static [AtomicUsize] {
        self.memory
    }

    /// Replaces the page that contains an address by zeroed memory of the process's own. Here the system cannot.
    pub(crate) fn clear(&self, _: usize) -> bool {
        false
    }

    /// Replaces the memory by memory of the process's own. Here the system cannot.
    pub(crate) fn make_private(&self, _: bool) -> Result<(), Error> {
        Err(Error::RecordingSystem)
    }
}
