//! The file that backs the memory of a recording.
//!
//! The problem: a recording lies in a file, so that it survives the process. The descriptor of the file holds the lock
//! against other processes, but it is a number that the program may close.
//!
//! The idea: a recording [releases](BackingFile::release) its descriptor without closing it, and remembers which file
//! it was. Later it [claims it back](Released::reclaim) only when the descriptor still is that file.

use super::errno::errno;
use super::memory::PAGE;
use super::open::{self, Descriptor, Named};
use super::{calls, recording_calls, signal_mask};
use crate::Error;
use crate::os::path::Path;

/// An open file that backs memory. An open descriptor from [`lock`](Self::lock) holds the file's lock. Dropping it
/// closes the file.
pub(crate) struct BackingFile(Descriptor);

impl BackingFile {
    /// Opens a file for reading and writing, creates it where there is none, and locks it. The content stays. `None`
    /// when another process or recording holds the lock; does not wait. On a file system without locks it excludes
    /// nobody.
    pub(crate) fn lock(path: &Path, named: Named) -> Result<Option<BackingFile>, Error> {
        let file = open::to_write(path.as_c_str(), libc::O_RDWR, named)?;
        let is_taken =
            calls::flock(file.number(), libc::LOCK_EX | libc::LOCK_NB) != 0 && errno() == libc::EWOULDBLOCK;
        Ok((!is_taken).then_some(BackingFile(file)))
    }

    /// Replaces the content by `len` zero bytes, which take no room yet.
    pub(crate) fn reset(&self, len: usize) -> Result<(), Error> {
        signal_mask::while_write_signals_blocked(|| {
            let set = |len| calls::ftruncate(self.0.number(), len) == 0;
            if set(0) && set(len) { Ok(()) } else { Err(Error::File(errno())) }
        })
    }

    /// Opens a file for reading, without a lock; `None` when that fails.
    pub(crate) fn open(path: &core::ffi::CStr) -> Option<BackingFile> {
        open::open(path, libc::O_RDONLY).ok().map(BackingFile)
    }

    /// The system's number of the descriptor.
    pub(crate) fn number(&self) -> libc::c_int {
        self.0.number()
    }

    /// The next run of pages from page `at` on that are no hole: its first page and the page after its last. `None`
    /// when only holes follow. Moves the file's position, which nothing else uses.
    pub(crate) fn data(&self, at: usize) -> Option<(usize, usize)> {
        let seek = |offset: usize, whence| {
            // SAFETY: the descriptor is open, and the call takes only numbers.
            let found = unsafe { libc::lseek(self.0.number(), offset as libc::off_t, whence) };
            usize::try_from(found).ok()
        };
        let begin = seek(at * PAGE, libc::SEEK_DATA)?;
        let end = seek(begin, libc::SEEK_HOLE).unwrap_or(begin + PAGE);
        Some((begin / PAGE, end.div_ceil(PAGE)))
    }

    /// Reads into `buffer` from `offset` on, and returns the number of bytes that were read: fewer at the end of the
    /// file.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Error> {
        // SAFETY: the buffer is valid for its length, and the call writes no further.
        let n = unsafe {
            libc::pread(self.0.number(), buffer.as_mut_ptr().cast(), buffer.len(), offset as libc::off_t)
        };
        usize::try_from(n).map_err(|_| Error::File(errno()))
    }

    /// Writes all bytes from `offset` on.
    pub(crate) fn write_at(&self, mut bytes: &[u8], mut offset: u64) -> Result<(), Error> {
        while !bytes.is_empty() {
            // SAFETY: the bytes are valid for their length, and the call reads no further.
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

    /// Leaves the descriptor open and forgets all but its number: the file stays locked unless the program closes it.
    pub(crate) fn release(self) -> Result<Released, Error> {
        let status = self.0.status()?;
        let file = core::mem::ManuallyDrop::new(self);
        Ok(Released { number: file.0.number(), file: recording_calls::identity(&status) })
    }
}

/// A descriptor that the program may have closed, and may have reused for a file of its own.
pub(crate) struct Released {
    number: libc::c_int,
    /// The file's device and inode.
    file: (u64, u64),
}

impl Released {
    /// The file, if the descriptor still refers to it; `None` otherwise. Only where no other thread can close the
    /// descriptor at the same time: in a forked child.
    pub(crate) fn reclaim(&self) -> Option<BackingFile> {
        // SAFETY: only a descriptor of the same file is dropped later. Any other one is forgotten, and so not closed.
        let file = core::mem::ManuallyDrop::new(BackingFile(unsafe { Descriptor::from_number(self.number) }));
        let is_same = file.0.status().is_ok_and(|status| recording_calls::identity(&status) == self.file);
        is_same.then(|| core::mem::ManuallyDrop::into_inner(file))
    }
}
