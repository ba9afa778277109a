//! Files by bare system calls: nothing here allocates, so a dump does not show up in itself.

use super::errno::errno;
use super::open::{self, Descriptor};
use super::{calls, signal_mask};
use crate::Error;
use core::ffi::CStr;

pub(crate) use super::open::Named;

/// A file that is written.
#[derive(Debug)]
pub(crate) struct File(Descriptor);

/// How a file is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What it held is gone.
    Truncate,
    /// What it holds stays in front.
    Append,
}

impl File {
    pub(crate) fn create(path: &CStr, mode: Mode, named: Named) -> Result<File, Error> {
        let how = match (mode, named) {
            (Mode::Append, _) => libc::O_APPEND,
            // Cut off below, behind the checks.
            (Mode::Truncate, Named::ByVariable) => 0,
            (Mode::Truncate, Named::ByCode) => libc::O_TRUNC,
        };
        let file = open::to_write(path, libc::O_WRONLY | how, named)?;
        if how == 0 && calls::ftruncate(file.number(), 0) != 0 {
            return Err(Error::File(errno()));
        }
        Ok(File(file))
    }

    /// Whether it is a plain file, neither a pipe nor a device.
    pub(crate) fn is_regular(&self) -> bool {
        self.0.is_regular()
    }

    /// Bytes that it holds.
    pub(crate) fn len(&self) -> u64 {
        self.0.status().map_or(0, |status| status.st_size as u64)
    }

    /// Keeps other writers of the file out, in this process and in others, until it is closed. False when one of them
    /// has it; a file system without locks keeps nobody out.
    pub(crate) fn lock(&self) -> bool {
        calls::flock(self.0.number(), libc::LOCK_EX | libc::LOCK_NB) == 0 || errno() != libc::EWOULDBLOCK
    }

    /// Removes what it holds.
    pub(crate) fn empty(&self) -> Result<(), Error> {
        if calls::ftruncate(self.0.number(), 0) == 0 { Ok(()) } else { Err(Error::File(errno())) }
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        signal_mask::of_writes_held(|| {
            while !bytes.is_empty() {
                match usize::try_from(calls::write(self.0.number(), bytes)) {
                    Ok(n) => bytes = &bytes[n..],
                    Err(_) if errno() == libc::EINTR => {}
                    Err(_) => return Err(Error::File(errno())),
                }
            }
            Ok(())
        })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A child that was forked meanwhile has the file open too: the lock would stay with it.
        calls::flock(self.0.number(), libc::LOCK_UN);
    }
}

/// A file that is read from any place.
pub(crate) struct Reading(Descriptor);

impl Reading {
    /// Opens a file. A pipe is not waited for.
    pub(crate) fn open(path: &CStr) -> Option<Reading> {
        open::open(path, libc::O_RDONLY | libc::O_NONBLOCK).ok().map(Reading)
    }

    pub(crate) fn is_regular(&self) -> bool {
        self.0.is_regular()
    }

    /// Reads from `offset` on: as many bytes as are there.
    pub(crate) fn at(&self, buffer: &mut [u8], offset: u64) -> usize {
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

/// Reads the start of a small file; 0 when it cannot be read.
pub(crate) fn read(path: &CStr, buffer: &mut [u8]) -> usize {
    let Ok(file) = open::open(path, libc::O_RDONLY) else { return 0 };
    let n = calls::read(file.number(), buffer);
    usize::try_from(n).unwrap_or(0)
}

/// Gives a file another name. Outside the hook.
pub(crate) fn rename(from: &CStr, to: &CStr) -> Result<(), Error> {
    // SAFETY: the paths are C strings.
    let result = unsafe { libc::rename(from.as_ptr(), to.as_ptr()) };
    if result == 0 { Ok(()) } else { Err(Error::File(errno())) }
}
