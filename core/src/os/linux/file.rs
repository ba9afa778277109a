//! Files by bare system calls: nothing here allocates, so a dump does not show up in itself.

use crate::Error;
use crate::os::linux::calls;
use crate::os::linux::open;
use crate::os::linux::open::{Descriptor, Named, errno};
use crate::os::linux::signal_mask;
use core::ffi::CStr;

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

/// A path as the system takes it, without allocating.
pub(crate) struct Path {
    bytes: heapless::Vec<u8, { libc::PATH_MAX as usize }>,
}

impl Path {
    /// `template` with `%p` replaced by the process id, `%t` by the time in seconds since 1970, `%%` by `%`.
    pub(crate) fn expand(template: &[u8], pid: u32, seconds: u64) -> Result<Path, Error> {
        let mut path = Path { bytes: heapless::Vec::new() };
        let mut rest = template.iter();
        while let Some(&byte) = rest.next() {
            match (byte, rest.as_slice().first()) {
                (b'%', Some(b'p')) => path.number(u64::from(pid))?,
                (b'%', Some(b't')) => path.number(seconds)?,
                (b'%', Some(b'%')) => path.push(b'%')?,
                _ => {
                    path.push(byte)?;
                    continue;
                }
            }
            rest.next();
        }
        path.end()
    }

    /// `path` as it is.
    pub(crate) fn new(path: &std::path::Path) -> Result<Path, Error> {
        use std::os::unix::ffi::OsStrExt;
        if path.as_os_str().as_bytes().contains(&0) {
            return Err(Error::File(libc::EINVAL));
        }
        let bytes = heapless::Vec::from_slice(path.as_os_str().as_bytes()).map_err(|_| Error::PathTooLong)?;
        Path { bytes }.end()
    }

    /// The path from the root of the file system, for a program that changes its folder later. As it is when that cannot
    /// be had.
    pub(crate) fn absolute(self) -> Path {
        let mut folder = [0; libc::PATH_MAX as usize];
        // SAFETY: the buffer is valid for its length.
        let mut known = || unsafe { !libc::getcwd(folder.as_mut_ptr().cast(), folder.len()).is_null() };
        if self.bytes.first() == Some(&b'/') || !known() {
            return self;
        }
        let mut path = Path { bytes: heapless::Vec::new() };
        let folder = folder.iter().take_while(|&&byte| byte != 0);
        let joined = folder.chain(b"/").chain(&self.bytes).try_for_each(|&byte| path.push(byte));
        if joined.is_ok() { path } else { self }
    }

    /// A template for [`expand`](Self::expand) from the root of the file system, for a program that changes its folder
    /// or its environment later. As it is when the folder cannot be had.
    pub(crate) fn template(template: &[u8]) -> Result<Path, Error> {
        let mut folder = Path { bytes: heapless::Vec::new() };
        if template.first() != Some(&b'/') {
            folder.push(b'.')?;
            folder = folder.end()?.absolute();
            folder.bytes.pop();
            folder.bytes.pop();
        }
        let mut path = Path { bytes: heapless::Vec::new() };
        for &byte in &folder.bytes {
            path.push(byte)?;
            if byte == b'%' {
                path.push(byte)?;
            }
        }
        template.iter().try_for_each(|&byte| path.push(byte))?;
        path.end()
    }

    /// The path with `.pid` behind it.
    pub(crate) fn with_pid(&self, pid: u32) -> Result<Path, Error> {
        let mut path = Path { bytes: self.bytes.clone() };
        path.bytes.pop();
        path.push(b'.')?;
        path.number(u64::from(pid))?;
        path.end()
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }

    fn push(&mut self, byte: u8) -> Result<(), Error> {
        self.bytes.push(byte).map_err(|_| Error::PathTooLong)
    }

    fn number(&mut self, number: u64) -> Result<(), Error> {
        let mut digits = heapless::String::<20>::new();
        let _ = core::fmt::write(&mut digits, format_args!("{number}"));
        digits.bytes().try_for_each(|digit| self.push(digit))
    }

    fn end(mut self) -> Result<Path, Error> {
        self.push(0)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_expanded() {
        let expand =
            |template: &[u8]| Path::expand(template, 42, 1_700_000_000).unwrap().as_c_str().to_owned();
        assert_eq!(expand(b"run.%p.%t.memtrack"), c"run.42.1700000000.memtrack".to_owned());
        assert_eq!(expand(b"100%% %x %"), c"100% %x %".to_owned());
        assert_eq!(Path::expand(&[b'a'; 5000], 1, 1).err(), Some(Error::PathTooLong));
    }
}
