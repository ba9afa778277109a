//! The pages of a region, and the file that stands in for them.

use super::dump_file::Path;
use super::open::{self, Descriptor, Named, errno};
use super::space::page_size;
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
        let page = page_size();
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

    /// Calls `each` for the pages that are not all zero, last one first. What an entry of a table refers to stands before
    /// it, its index behind it: copied backwards, a table that grows meanwhile still holds together. Pages that were never
    /// used are not even read.
    fn each_used(
        &self,
        known: Known<'_>,
        mut each: impl FnMut(usize, &[AtomicUsize; WORDS]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (number, chunk) in self.0.chunks(CHUNK).enumerate().rev() {
            let first = number * CHUNK;
            let perhaps = known.used(self.0, first);
            for (place, page) in chunk.iter().enumerate().rev().filter(|(place, _)| perhaps[*place]) {
                if page.iter().any(|word| word.load(Relaxed) != 0) {
                    each(first + place, page)?;
                }
            }
        }
        Ok(())
    }

    /// Has another mapping stand in for these pages.
    fn map(&self, file: &PagesFile, kind: libc::c_int) -> Result<(), Error> {
        let (protection, start) = (libc::PROT_READ | libc::PROT_WRITE, self.0.as_ptr().cast_mut());
        // SAFETY: first a mapping at a place of the system's choice, which shows whether the file can be mapped; then one
        // over the region, which holds the same bytes and is never unmapped.
        unsafe {
            let trial = libc::mmap(null_mut(), self.len(), protection, kind, file.0.number(), 0);
            if trial == libc::MAP_FAILED {
                return Err(Error::File(errno()));
            }
            libc::munmap(trial, self.len());
            let mapped = libc::mmap(
                start.cast::<c_void>(),
                self.len(),
                protection,
                kind | libc::MAP_FIXED,
                file.0.number(),
                0,
            );
            if mapped == libc::MAP_FAILED { Err(Error::File(errno())) } else { Ok(()) }
        }
    }

    /// From now on the pages are those of `file`, with the content that they have. `before` is the file that they are of
    /// so far, if any.
    pub(super) fn share(&self, file: &PagesFile, before: Option<&PagesFile>) -> Result<(), Error> {
        let pagemap;
        let known = match before {
            Some(before) => Known::File(before),
            None => {
                pagemap = PagesFile::open(c"/proc/self/pagemap");
                Known::Memory(pagemap.as_ref())
            }
        };
        self.each_used(known, |number, page| {
            let copy: [usize; WORDS] = core::array::from_fn(|place| page[place].load(Relaxed));
            // SAFETY: an array of integers is as many bytes.
            let bytes = unsafe { core::slice::from_raw_parts(copy.as_ptr().cast(), PAGE) };
            file.write_at(bytes, (number * PAGE) as u64)
        })?;
        self.map(file, libc::MAP_SHARED)
    }

    /// From now on changes of the pages, which are those of `file`, don't reach it any more.
    pub(super) fn keep(&self, file: &PagesFile) -> Result<(), Error> {
        self.map(file, libc::MAP_PRIVATE)?;
        // A private page is the file's until it is written.
        self.each_used(Known::File(file), |_, page| {
            page[0].fetch_add(0, Relaxed);
            Ok(())
        })
    }
}

/// Pages that are asked for at a time.
const CHUNK: usize = 512;

/// Who knows which pages have been used.
enum Known<'f> {
    /// The kernel's table of the process's pages, for memory that is nobody's file; it may not be there.
    Memory(Option<&'f PagesFile>),
    /// The file that the pages are of.
    File(&'f PagesFile),
}

impl Known<'_> {
    /// Which pages from the number `first` on may not be all zero: all, when nobody tells.
    fn used(&self, pages: &[[AtomicUsize; WORDS]], first: usize) -> [bool; CHUNK] {
        match self {
            Known::Memory(Some(pagemap)) if PAGE == page_size() => {
                /// Present, or swapped out.
                const USED: u64 = 0b11 << 62;
                let mut entries = [0u64; CHUNK];
                let place = pages.as_ptr().addr() / PAGE + first;
                // SAFETY: the array is as many bytes.
                let bytes = unsafe {
                    core::slice::from_raw_parts_mut(entries.as_mut_ptr().cast(), size_of_val(&entries))
                };
                let wanted = size_of::<u64>() * (pages.len() - first).min(CHUNK);
                match pagemap.read_at(&mut bytes[..wanted], (place * size_of::<u64>()) as u64) {
                    Ok(read) if read == wanted => entries.map(|entry| entry & USED != 0),
                    _ => [true; CHUNK],
                }
            }
            Known::Memory(_) => [true; CHUNK],
            Known::File(file) => {
                let mut used = [false; CHUNK];
                let (mut at, end) = (first, first + CHUNK);
                while let Some((begin, hole)) = file.data(at).filter(|(begin, _)| *begin < end) {
                    used[begin - first..hole.clamp(begin, end) - first].fill(true);
                    at = hole.max(at + 1);
                }
                used
            }
        }
    }
}

/// A file that pages are in. Whoever has it open holds its lock.
pub(super) struct PagesFile(Descriptor);

impl PagesFile {
    /// Makes or empties a file, unless another process has its pages there.
    pub(super) fn create(path: &Path, len: usize, named: Named) -> Result<PagesFile, Error> {
        let file = open::to_write(path.as_c_str(), libc::O_RDWR, named)?;
        let fd = file.number();
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
        Ok(PagesFile(file))
    }

    /// Opens a file to read it.
    fn open(path: &core::ffi::CStr) -> Option<PagesFile> {
        open::open(path, libc::O_RDONLY).ok().map(PagesFile)
    }

    /// The next pages from `at` on that are not a hole: the first, and the one behind them. The file's position, which
    /// this moves, is used for nothing else.
    fn data(&self, at: usize) -> Option<(usize, usize)> {
        let seek = |offset: usize, whence| {
            // SAFETY: a plain call on a descriptor that is open.
            let found = unsafe { libc::lseek(self.0.number(), offset as libc::off_t, whence) };
            usize::try_from(found).ok()
        };
        let begin = seek(at * PAGE, libc::SEEK_DATA)?;
        let end = seek(begin, libc::SEEK_HOLE).unwrap_or(begin + PAGE);
        Some((begin / PAGE, end.div_ceil(PAGE)))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Error> {
        // SAFETY: the buffer is valid for the call.
        let n = unsafe {
            libc::pread(self.0.number(), buffer.as_mut_ptr().cast(), buffer.len(), offset as libc::off_t)
        };
        usize::try_from(n).map_err(|_| Error::File(errno()))
    }

    pub(super) fn write_at(&self, mut bytes: &[u8], mut offset: u64) -> Result<(), Error> {
        while !bytes.is_empty() {
            // SAFETY: the bytes are valid for the call.
            let n = unsafe {
                libc::pwrite(self.0.number(), bytes.as_ptr().cast(), bytes.len(), offset as libc::off_t)
            };
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
            let n = from.read_at(&mut buffer[..wanted], offset)?;
            if n == 0 {
                break;
            }
            self.write_at(&buffer[..n], offset)?;
            offset += n as u64;
        }
        Ok(())
    }
}
