//! Files, by bare system calls. No function here allocates: a snapshot contains no block of its own making.

use super::calls;
use super::errno::errno;
use super::open::{self, Descriptor};
use super::write_signals::WriteSignalsBlocked;
use crate::Error;
use core::ffi::CStr;

pub(crate) use super::open::Named;

/// A file that is written from its start or its end. Dropping it unlocks and closes it. A full disk, a limit of the file's size and a
/// pipe without a reader are errors, not signals: as long as this lives, the thread blocks these.
#[derive(Debug)]
pub(crate) struct File {
    file: Descriptor,
    signals: WriteSignalsBlocked,
}

/// The fate of a file's content when it is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The content is removed.
    Truncate,
    /// The content stays, and all that is written goes behind it.
    Append,
}

impl File {
    /// Opens a file for writing, and creates it, readable for its owner alone, where there is none. A path from a
    /// variable is refused ([`Error::Refused`]) unless it names a regular file of this user with a single name.
    pub(crate) fn create(path: &CStr, mode: Mode, named: Named) -> Result<File, Error> {
        let how = match (mode, named) {
            (Mode::Append, _) => libc::O_APPEND,
            // The content is removed below, after the checks.
            (Mode::Truncate, Named::ByVariable) => 0,
            (Mode::Truncate, Named::ByCode) => libc::O_TRUNC,
        };
        let signals = WriteSignalsBlocked::new();
        let file = open::to_write(path, libc::O_WRONLY | how, named)?;
        let file = File { file, signals };
        if how == 0 {
            file.empty()?;
        }
        Ok(file)
    }

    /// Whether the file is a regular one, and not a pipe or a device. False when that is unknown.
    pub(crate) fn is_regular(&self) -> bool {
        self.file.is_regular()
    }

    /// The size of the file in bytes; 0 when it is unknown.
    pub(crate) fn len(&self) -> u64 {
        self.file.status().map_or(0, |status| status.st_size as u64)
    }

    /// Locks the file until it is dropped, against other writers in this process and in others. False when another
    /// writer has the lock; does not wait. On a file system without locks it returns true and excludes nobody.
    pub(crate) fn lock(&self) -> bool {
        calls::flock(self.file.number(), libc::LOCK_EX | libc::LOCK_NB) == 0 || errno() != libc::EWOULDBLOCK
    }

    /// Removes the content.
    pub(crate) fn empty(&self) -> Result<(), Error> {
        // An empty file stays as it is: some file systems write a file to the disk at once when it was cut off before.
        if self.len() == 0 || calls::ftruncate(self.file.number(), 0) == 0 {
            Ok(())
        } else {
            Err(Error::File(errno()))
        }
    }

    /// Writes all bytes.
    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            match usize::try_from(calls::write(self.file.number(), bytes)) {
                Ok(n) => bytes = &bytes[n..],
                Err(_) if errno() == libc::EINTR => {}
                Err(_) => {
                    self.signals.take();
                    return Err(Error::File(errno()));
                }
            }
        }
        Ok(())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A child that was forked meanwhile has the file open too. Without this call it would keep the lock.
        calls::flock(self.file.number(), libc::LOCK_UN);
    }
}

/// A file that is read at any offset.
pub(crate) struct FileReader(Descriptor);

impl FileReader {
    /// Opens a file; `None` when that fails. Does not wait for the writer of a pipe.
    pub(crate) fn open(path: &CStr) -> Option<FileReader> {
        open::open(path, libc::O_RDONLY | libc::O_NONBLOCK).ok().map(FileReader)
    }

    /// Whether the file is a regular one. False when that is unknown.
    pub(crate) fn is_regular(&self) -> bool {
        self.0.is_regular()
    }

    /// Fills `buffer` from `offset` on, and returns the number of bytes that were read: fewer at the end of the file, 0
    /// behind it or when it cannot be read.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let n = calls::pread(self.0.number(), buffer, offset as usize);
        usize::try_from(n).unwrap_or(0)
    }
}

impl memtrack_format::Sink for &mut File {
    type Error = Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write_all(bytes)
    }
}

/// Fills `buffer` with the start of a file, and returns the number of bytes that were read; 0 when it cannot be read. Linux has
/// its facts about processes in such files.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn read(path: &CStr, buffer: &mut [u8]) -> usize {
    let Ok(file) = open::open(path, libc::O_RDONLY) else { return 0 };
    let n = calls::read(file.number(), buffer);
    usize::try_from(n).unwrap_or(0)
}

/// Renames a file, and replaces a file that has the new name. Outside the hook.
pub(crate) fn rename(from: &CStr, to: &CStr) -> Result<(), Error> {
    // SAFETY: both paths are C strings.
    let result = unsafe { libc::rename(from.as_ptr(), to.as_ptr()) };
    if result == 0 { Ok(()) } else { Err(Error::File(errno())) }
}
