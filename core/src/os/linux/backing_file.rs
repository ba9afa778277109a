//! The file that stands in for memory.

use super::errno::errno;
use super::memory::PAGE;
use super::open::{self, Descriptor, Named};
use super::path::Path;
use super::{calls, signal_mask};
use crate::Error;

/// A file that memory lies in. Whoever has it open holds its lock.
pub(crate) struct BackingFile(Descriptor);

impl BackingFile {
    /// Opens or creates a file to write it, and leaves its content alone. `None` when somebody else holds its lock.
    pub(crate) fn lock(path: &Path, named: Named) -> Result<Option<BackingFile>, Error> {
        let file = open::to_write(path.as_c_str(), libc::O_RDWR, named)?;
        let is_taken =
            calls::flock(file.number(), libc::LOCK_EX | libc::LOCK_NB) != 0 && errno() == libc::EWOULDBLOCK;
        Ok((!is_taken).then_some(BackingFile(file)))
    }

    /// Gives the file that many bytes of zero.
    pub(crate) fn reset(&self, len: usize) -> Result<(), Error> {
        signal_mask::of_writes_held(|| {
            let set = |len| calls::ftruncate(self.0.number(), len) == 0;
            if set(0) && set(len) { Ok(()) } else { Err(Error::File(errno())) }
        })
    }

    /// Opens a file to read it.
    pub(crate) fn open(path: &core::ffi::CStr) -> Option<BackingFile> {
        open::open(path, libc::O_RDONLY).ok().map(BackingFile)
    }

    pub(crate) fn number(&self) -> libc::c_int {
        self.0.number()
    }

    /// Takes room for what lies at `offset`, without using it, where the file system can do that.
    pub(crate) fn reserve(&self, offset: usize, len: usize) -> Result<(), Error> {
        signal_mask::of_writes_held(|| {
            // SAFETY: a plain call on a descriptor that is open.
            let result =
                unsafe { libc::fallocate(self.0.number(), 0, offset as libc::off_t, len as libc::off_t) };
            match errno() {
                code @ (libc::ENOSPC | libc::EDQUOT | libc::EFBIG) if result != 0 => Err(Error::File(code)),
                _ => Ok(()),
            }
        })
    }

    /// The next pages from `at` on that are not a hole: the first, and the one behind them. The file's position, which
    /// this moves, is used for nothing else.
    pub(crate) fn data(&self, at: usize) -> Option<(usize, usize)> {
        let seek = |offset: usize, whence| {
            // SAFETY: a plain call on a descriptor that is open.
            let found = unsafe { libc::lseek(self.0.number(), offset as libc::off_t, whence) };
            usize::try_from(found).ok()
        };
        let begin = seek(at * PAGE, libc::SEEK_DATA)?;
        let end = seek(begin, libc::SEEK_HOLE).unwrap_or(begin + PAGE);
        Some((begin / PAGE, end.div_ceil(PAGE)))
    }

    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Error> {
        // SAFETY: the buffer is valid for the call.
        let n = unsafe {
            libc::pread(self.0.number(), buffer.as_mut_ptr().cast(), buffer.len(), offset as libc::off_t)
        };
        usize::try_from(n).map_err(|_| Error::File(errno()))
    }

    pub(crate) fn write_at(&self, mut bytes: &[u8], mut offset: u64) -> Result<(), Error> {
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

    /// Gives up the descriptor but for its number: the file stays open, and locked, unless the program closes it.
    pub(crate) fn release(self) -> Result<Released, Error> {
        let status = self.0.status()?;
        let file = core::mem::ManuallyDrop::new(self);
        Ok(Released { number: file.0.number(), file: (status.st_dev, status.st_ino) })
    }
}

/// A descriptor that the program may have closed, and may have used anew for a file of its own.
pub(crate) struct Released {
    number: libc::c_int,
    /// The file's device and number.
    file: (libc::dev_t, libc::ino_t),
}

impl Released {
    /// The file, if the descriptor still is its. Only where no other thread can close it meanwhile.
    pub(crate) fn again(&self) -> Option<BackingFile> {
        // SAFETY: should it be another file's, it is forgotten and so not closed.
        let file = core::mem::ManuallyDrop::new(BackingFile(unsafe { Descriptor::from_number(self.number) }));
        let is_same = file.0.status().is_ok_and(|status| (status.st_dev, status.st_ino) == self.file);
        is_same.then(|| core::mem::ManuallyDrop::into_inner(file))
    }
}
