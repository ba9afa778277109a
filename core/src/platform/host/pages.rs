//! The pages of a region, and the file that stands in for them.

use super::dump_file::{Path, errno};
use crate::Error;
use crate::sync::*;
use core::ffi::c_void;
use core::ptr::null_mut;

/// What is copied at a time: no page of a system is smaller.
const PAGE: usize = 4096;
const WORDS: usize = PAGE / size_of::<usize>();

/// The memory of a region.
#[derive(Clone, Copy)]
pub(crate) struct Pages(&'static [[AtomicUsize; WORDS]]);

impl Pages {
    /// Those of `region`. `None` when it does not begin and end with a page of this system.
    pub(crate) fn of<R: 'static>(region: &R) -> Option<Pages> {
        let start = core::ptr::from_ref(region);
        // SAFETY: the call only returns a number.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?.max(PAGE);
        if !start.addr().is_multiple_of(page) || !size_of::<R>().is_multiple_of(page) {
            return None;
        }
        // SAFETY: a region is a static of that size and alignment, and all of it is integers, which others change by
        // atomic operations or under locks. What is read under others' locks is only copied.
        Some(Pages(unsafe { core::slice::from_raw_parts(start.cast(), size_of::<R>() / PAGE) }))
    }

    pub(super) fn len(&self) -> usize {
        size_of_val(self.0)
    }

    /// The pages that are not all zero, last one first. What an entry of a table refers to stands before it, its index
    /// behind it: copied backwards, a table that grows meanwhile still holds together.
    fn used(&self) -> impl Iterator<Item = (usize, &'static [AtomicUsize; WORDS])> {
        let used = |page: &[AtomicUsize; WORDS]| page.iter().any(|word| word.load(Relaxed) != 0);
        self.0.iter().enumerate().rev().filter(move |(_, page)| used(page))
    }

    /// Has another mapping stand in for these pages.
    fn map(&self, file: &PagesFile, kind: libc::c_int) -> Result<(), Error> {
        let (protection, start) = (libc::PROT_READ | libc::PROT_WRITE, self.0.as_ptr().cast_mut());
        // SAFETY: first a mapping at a place of the system's choice, which shows whether the file can be mapped; then one
        // over the region, which holds the same bytes and is never unmapped.
        unsafe {
            let trial = libc::mmap(null_mut(), self.len(), protection, kind, file.0, 0);
            if trial == libc::MAP_FAILED {
                return Err(Error::File(errno()));
            }
            libc::munmap(trial, self.len());
            let mapped =
                libc::mmap(start.cast::<c_void>(), self.len(), protection, kind | libc::MAP_FIXED, file.0, 0);
            if mapped == libc::MAP_FAILED { Err(Error::File(errno())) } else { Ok(()) }
        }
    }

    /// From now on the pages are those of `file`, with the content that they have.
    pub(super) fn share(&self, file: &PagesFile) -> Result<(), Error> {
        for (number, page) in self.used() {
            let copy: [usize; WORDS] = core::array::from_fn(|place| page[place].load(Relaxed));
            // SAFETY: an array of integers is as many bytes.
            let bytes = unsafe { core::slice::from_raw_parts(copy.as_ptr().cast(), PAGE) };
            file.write_at(bytes, (number * PAGE) as u64)?;
        }
        self.map(file, libc::MAP_SHARED)
    }

    /// From now on changes of the pages, which are those of `file`, don't reach it any more.
    pub(super) fn keep(&self, file: &PagesFile) -> Result<(), Error> {
        self.map(file, libc::MAP_PRIVATE)?;
        // A private page is the file's until it is written.
        self.used().for_each(|(_, page)| _ = page[0].fetch_add(0, Relaxed));
        Ok(())
    }
}

/// A file that pages are in. Whoever has it open holds its lock.
pub(super) struct PagesFile(libc::c_int);

impl PagesFile {
    /// Makes or empties a file, unless another process has its pages there.
    pub(super) fn create(path: &Path, len: usize) -> Result<PagesFile, Error> {
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_CLOEXEC;
        // SAFETY: the path is a C string.
        let fd = unsafe { libc::open(path.as_c_str().as_ptr(), flags, 0o644) };
        if fd < 0 {
            return Err(Error::File(errno()));
        }
        let file = PagesFile(fd);
        // SAFETY: plain calls on a descriptor that is open. Not truncated before it is locked: whoever has it mapped
        // would lose its memory.
        unsafe {
            if libc::flock(fd, libc::LOCK_EX | libc::LOCK_NB) != 0 && errno() == libc::EWOULDBLOCK {
                return Err(Error::RecordingTaken);
            }
            if libc::ftruncate(fd, 0) != 0 || libc::ftruncate(fd, len as libc::off_t) != 0 {
                return Err(Error::File(errno()));
            }
        }
        Ok(file)
    }

    pub(super) fn write_at(&self, mut bytes: &[u8], mut offset: u64) -> Result<(), Error> {
        while !bytes.is_empty() {
            // SAFETY: the bytes are valid for the call.
            let n =
                unsafe { libc::pwrite(self.0, bytes.as_ptr().cast(), bytes.len(), offset as libc::off_t) };
            match usize::try_from(n) {
                Ok(n) => (bytes, offset) = (&bytes[n..], offset + n as u64),
                Err(_) if errno() == libc::EINTR => {}
                Err(_) => return Err(Error::File(errno())),
            }
        }
        Ok(())
    }

    /// Copies what `from` holds from `offset` to `end`.
    pub(super) fn copy(&self, from: &PagesFile, mut offset: u64, end: u64) -> Result<(), Error> {
        let mut buffer = [0; PAGE];
        while offset < end {
            let wanted = buffer.len().min((end - offset) as usize);
            // SAFETY: the buffer is valid for as much.
            let n = unsafe { libc::pread(from.0, buffer.as_mut_ptr().cast(), wanted, offset as libc::off_t) };
            let n = usize::try_from(n).map_err(|_| Error::File(errno()))?;
            if n == 0 {
                break;
            }
            self.write_at(&buffer[..n], offset)?;
            offset += n as u64;
        }
        Ok(())
    }
}

impl Drop for PagesFile {
    fn drop(&mut self) {
        // SAFETY: the descriptor is this value's own.
        unsafe { libc::close(self.0) };
    }
}
