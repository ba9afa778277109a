//! Memory that a file can back, on a system that cannot put a file in the place of memory in use. There are no [`Pages`]: a
//! recording fails before it would need them.

use super::backing_file::BackingFile;
use crate::Error;
use crate::sync::*;
use core::ops::Range;

/// Whether a file can back memory here: it cannot.
pub(crate) fn check() -> Result<(), Error> {
    Err(Error::RecordingSystem)
}

/// Memory that a file can back. No value exists.
#[derive(Clone, Copy)]
pub(crate) struct Pages(Never);

#[derive(Clone, Copy)]
enum Never {}

/// What backs the pages before they move to a file.
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "no pages move to a file")]
pub(crate) enum Before<'f> {
    /// No file: private memory.
    Memory,
    /// Another file, which is open.
    File(&'f BackingFile),
    /// Another file, whose descriptor the program has closed.
    LostFile,
}

/// Whether a page may be readable: there is no page.
pub(crate) fn may_be_readable(_: *const u8) -> bool {
    false
}

impl Pages {
    /// The memory of `region`: none that a file can back.
    pub(crate) fn of<R: 'static>(_: &R, _: Range<usize>) -> Option<Pages> {
        None
    }

    /// Maps memory that a file can back: there is none.
    pub(crate) fn new(_: usize, _: usize) -> Result<Pages, Error> {
        Err(Error::RecordingSystem)
    }

    /// # Safety
    /// None: there are no pages.
    pub(crate) unsafe fn unmap(self) {
        match self.0 {}
    }

    pub(crate) fn len(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn start(&self) -> *mut u8 {
        match self.0 {}
    }

    pub(crate) fn reserve(&self, _: usize, _: usize) -> Result<(), Error> {
        match self.0 {}
    }

    pub(crate) fn pages(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn numbers(&self, _: usize, _: usize) -> Range<usize> {
        match self.0 {}
    }

    pub(crate) fn has_room(&self, _: usize) -> bool {
        match self.0 {}
    }

    pub(crate) fn words(&self) -> &'static [AtomicUsize] {
        match self.0 {}
    }

    pub(crate) fn move_to_file(&self, _: &BackingFile, _: Before<'_>) -> Result<(), Error> {
        match self.0 {}
    }

    pub(crate) fn clear(&self, _: usize) -> bool {
        match self.0 {}
    }

    pub(crate) fn make_private(&self, _: bool) -> Result<(), Error> {
        match self.0 {}
    }
}
