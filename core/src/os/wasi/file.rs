//! Files, by the C library.
//!
//! The C library of WASI finds the folder of a path among those that the host has given to the program, and may allocate for
//! that. It does so by its own `malloc`, below the tracker, so a snapshot contains no block of its own making. And nobody is
//! inside `malloc` then: the program has one thread, which nothing interrupts.

use super::errno::errno;
use crate::Error;
use core::ffi::{CStr, c_int};

/// The origin of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The program's code. It may name all that the program may open.
    ByCode,
    /// An environment variable. There may be a link or a file of another name in that place.
    ByVariable,
}

/// The fate of a file's content when it is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The content is removed.
    Truncate,
    /// The content stays, and all that is written goes behind it.
    Append,
}

/// The descriptor of an open file, which is closed when this is dropped.
#[derive(Debug)]
struct Descriptor(c_int);

impl Descriptor {
    fn open(path: &CStr, flags: c_int) -> Result<Descriptor, Error> {
        // SAFETY: the path is a C string.
        let number = unsafe { libc::open(path.as_ptr(), flags) };
        if number < 0 { failed() } else { Ok(Descriptor(number)) }
    }

    fn status(&self) -> Result<libc::stat, Error> {
        // SAFETY: all-zero is a valid record, which the call fills in.
        unsafe {
            let mut status: libc::stat = core::mem::zeroed();
            if libc::fstat(self.0, &raw mut status) == 0 { Ok(status) } else { failed() }
        }
    }

    fn is_regular(&self) -> bool {
        self.status().is_ok_and(|status| is_regular(&status))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the descriptor is open and this value's own.
        unsafe { libc::close(self.0) };
    }
}

fn is_regular(status: &libc::stat) -> bool {
    status.st_mode & libc::S_IFMT == libc::S_IFREG
}

fn failed<T>() -> Result<T, Error> {
    Err(Error::File(errno()))
}

/// Checks that a file which a variable names may be written.
fn check(status: &libc::stat) -> Result<(), Error> {
    if !is_regular(status) {
        return Err(Error::Refused(
            "it is not a regular file: give the name of one, or of one that does not exist",
        ));
    }
    if status.st_nlink > 1 {
        return Err(Error::Refused("it has other names (hard links): remove this one, or give another"));
    }
    Ok(())
}

/// A file that is written from its start or its end. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct File(Descriptor);

impl File {
    /// Opens a file for writing, and creates it where there is none. A path from a variable is refused
    /// ([`Error::Refused`]) unless it names a regular file with a single name.
    pub(crate) fn create(path: &CStr, mode: Mode, named: Named) -> Result<File, Error> {
        let append = if mode == Mode::Append { libc::O_APPEND } else { 0 };
        let follow = if named == Named::ByVariable { libc::O_NOFOLLOW } else { 0 };
        let file = match Descriptor::open(path, libc::O_WRONLY | libc::O_CREAT | append | follow) {
            Err(Error::File(libc::ELOOP)) => {
                return Err(Error::Refused("it is a symbolic link: give the name of the file itself"));
            }
            file => File(file?),
        };
        if named == Named::ByVariable {
            check(&file.0.status()?)?;
        }
        // After the checks. A pipe or a device has no content to remove.
        if mode == Mode::Truncate && file.is_regular() {
            file.empty()?;
        }
        Ok(file)
    }

    /// Whether the file is a regular one, and not a pipe or a device. False when that is unknown.
    pub(crate) fn is_regular(&self) -> bool {
        self.0.is_regular()
    }

    /// The size of the file in bytes; 0 when it is unknown.
    pub(crate) fn len(&self) -> u64 {
        self.0.status().map_or(0, |status| status.st_size as u64)
    }

    /// Locks the file until it is dropped, against other writers. WASI has no locks: it returns true and excludes nobody.
    #[expect(clippy::unused_self, reason = "other systems lock the file")]
    pub(crate) fn lock(&self) -> bool {
        true
    }

    /// Removes the content.
    pub(crate) fn empty(&self) -> Result<(), Error> {
        // SAFETY: the call takes numbers, and the descriptor is open.
        if unsafe { libc::ftruncate(self.0.0, 0) } == 0 { Ok(()) } else { failed() }
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            // SAFETY: the bytes are valid for their length.
            let written = unsafe { libc::write(self.0.0, bytes.as_ptr().cast(), bytes.len()) };
            match usize::try_from(written) {
                Ok(0) => return Err(Error::File(libc::EIO)),
                Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
                Err(_) if errno() == libc::EINTR || errno() == libc::EAGAIN => {}
                Err(_) => return failed(),
            }
        }
        Ok(())
    }
}

impl memtrack_format::Sink for &mut File {
    type Error = Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write_all(bytes)
    }
}

/// A file that is read at any offset.
pub(crate) struct FileReader(Descriptor);

impl FileReader {
    /// Opens a file; `None` when that fails.
    pub(crate) fn open(path: &CStr) -> Option<FileReader> {
        Descriptor::open(path, libc::O_RDONLY).ok().map(FileReader)
    }

    /// Whether the file is a regular one. False when that is unknown.
    pub(crate) fn is_regular(&self) -> bool {
        self.0.is_regular()
    }

    /// Fills `buffer` from `offset` on, and returns the number of bytes that were read: fewer at the end of the file, 0
    /// behind it or when it cannot be read.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        // SAFETY: the buffer is valid for its length, and the call writes no further.
        let n =
            unsafe { libc::pread(self.0.0, buffer.as_mut_ptr().cast(), buffer.len(), offset as libc::off_t) };
        usize::try_from(n).unwrap_or(0)
    }
}

/// Renames a file, and replaces a file that has the new name. Outside the hook.
pub(crate) fn rename(from: &CStr, to: &CStr) -> Result<(), Error> {
    // SAFETY: both paths are C strings.
    let result = unsafe { libc::rename(from.as_ptr(), to.as_ptr()) };
    if result == 0 { Ok(()) } else { failed() }
}
