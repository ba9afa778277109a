//! Files. No function here allocates: a snapshot contains no block of its own making.

use super::errno::errno;
use super::names::with_path;
use super::system::{
    CreateFileW, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_REPARSE_POINT,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_SHARE_ALL, FILE_TYPE_DISK, FileInformation, GENERIC_READ,
    GENERIC_WRITE, GetFileInformationByHandle, GetFileType, LOCKFILE_EXCLUSIVE_LOCK,
    LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, MOVEFILE_REPLACE_EXISTING, MoveFileExW, OPEN_ALWAYS,
    OPEN_EXISTING, Overlapped, Owned, ReadFile, SetEndOfFile, UnlockFileEx, WriteFile,
};
use crate::Error;
use core::ffi::CStr;
use core::ptr::{null, null_mut};

/// The origin of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The program's code. It may name all that the program may open: devices, links, pipes.
    ByCode,
    /// An environment variable. Another user may have put a link, a pipe or a file in that place.
    ByVariable,
}

/// A file that is written from its start or its end. Dropping it unlocks and closes it.
#[derive(Debug)]
pub(crate) struct File(Owned);

/// The fate of a file's content when it is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The content is removed.
    Truncate,
    /// The content stays, and all that is written goes behind it.
    Append,
}

/// The place of the byte that [`File::lock`] locks: behind the end of every file, because nobody can read locked bytes.
const LOCKED: u64 = 1 << 62;
/// `ERROR_LOCK_VIOLATION`.
const LOCKED_BY_OTHERS: i32 = 33;
/// The place that stands for the end of a file in a write.
const END: u64 = u64::MAX;

fn failed<T>() -> Result<T, Error> {
    Err(Error::File(errno()))
}

fn open(path: &CStr, access: u32, share: u32, disposition: u32, flags: u32) -> Result<Owned, Error> {
    // SAFETY: the path ends with a NUL, and the handle is this function's own.
    let file = with_path(path, |path| unsafe {
        Owned::new(CreateFileW(path, access, share, null(), disposition, flags, null_mut()))
    })?;
    file.map_or_else(failed, Ok)
}

/// Opens a file, and creates it where there is none; `share` is what others may do with it meanwhile. A path from a variable
/// is refused ([`Error::Refused`]) unless it names a regular file with a single name.
///
/// A file that belongs to another user is not refused: the folder for temporary files belongs to one user, and a new file
/// has the access rights of its folder.
pub(super) fn create(path: &CStr, access: u32, share: u32, named: Named) -> Result<Owned, Error> {
    let flags = match named {
        Named::ByCode => FILE_ATTRIBUTE_NORMAL,
        // A link itself is opened, and not the file that it leads to.
        Named::ByVariable => FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT,
    };
    let file = open(path, access, share, OPEN_ALWAYS, flags)?;
    if named == Named::ByVariable {
        check(&file)?;
    }
    Ok(file)
}

/// Checks a file that another user may have put there.
fn check(file: &Owned) -> Result<(), Error> {
    let information = information(file).filter(|_| is_regular(file));
    let Some(FileInformation { attributes, links, .. }) = information else {
        return Err(Error::Refused(
            "it is not a regular file: give the name of one, or of one that does not exist",
        ));
    };
    if attributes & (FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY) != 0 {
        return Err(Error::Refused("it is a link: give the name of the file itself"));
    }
    if links > 1 {
        return Err(Error::Refused("it has other names (hard links): remove this one, or give another"));
    }
    Ok(())
}

fn is_regular(file: &Owned) -> bool {
    // SAFETY: the handle is open.
    unsafe { GetFileType(file.handle()) == FILE_TYPE_DISK }
}

/// The system's record about a file.
fn information(file: &Owned) -> Option<FileInformation> {
    let mut information = FileInformation::default();
    // SAFETY: the handle is open, and the call writes the record.
    let is_known = unsafe { GetFileInformationByHandle(file.handle(), &raw mut information) } != 0;
    is_known.then_some(information)
}

impl FileInformation {
    fn size(&self) -> u64 {
        u64::from(self.size_high) << 32 | u64::from(self.size_low)
    }
}

impl File {
    /// [Opens](create) a file for writing.
    pub(crate) fn create(path: &CStr, mode: Mode, named: Named) -> Result<File, Error> {
        let file = File(create(path, GENERIC_WRITE, FILE_SHARE_ALL, named)?);
        if mode == Mode::Truncate && file.is_regular() {
            file.empty()?;
        }
        Ok(file)
    }

    /// Whether the file is a regular one, and not a pipe or a device. False when that is unknown.
    pub(crate) fn is_regular(&self) -> bool {
        is_regular(&self.0)
    }

    /// The size of the file in bytes; 0 when it is unknown.
    pub(crate) fn len(&self) -> u64 {
        information(&self.0).map_or(0, |information| information.size())
    }

    /// Locks the file until it is dropped, against other writers in this process and in others. False when another
    /// writer has the lock; does not wait. On a file system without locks it returns true and excludes nobody.
    pub(crate) fn lock(&self) -> bool {
        let flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
        // SAFETY: the handle is open, and the call does not keep the place.
        let is_locked =
            unsafe { LockFileEx(self.0.handle(), flags, 0, 1, 0, &mut Overlapped::at(LOCKED)) != 0 };
        is_locked || errno() != LOCKED_BY_OTHERS
    }

    /// Removes the content.
    pub(crate) fn empty(&self) -> Result<(), Error> {
        // SAFETY: the handle is open. Nothing moves its position, which is the start: all writes say their place.
        if unsafe { SetEndOfFile(self.0.handle()) } != 0 { Ok(()) } else { failed() }
    }

    /// Writes all bytes behind the content.
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Error> {
        const MOST: usize = 1 << 30;
        bytes.chunks(MOST).try_for_each(|bytes| {
            let mut rest = bytes;
            while !rest.is_empty() {
                let mut written = 0;
                let mut place = Overlapped::at(END);
                // SAFETY: the handle is open for calls that wait, so the call does not keep what it is given. The bytes
                // are valid for their length. Pipes and devices ignore the place.
                let result = unsafe {
                    let length = rest.len() as u32;
                    WriteFile(self.0.handle(), rest.as_ptr(), length, &raw mut written, &raw mut place)
                };
                rest = rest.get(written as usize..).unwrap_or_default();
                if result == 0 || written == 0 {
                    return failed();
                }
            }
            Ok(())
        })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // The system removes the lock of a closed file some time later.
        // SAFETY: the handle is open. A file that is not locked refuses the call.
        unsafe { UnlockFileEx(self.0.handle(), 0, 1, 0, &mut Overlapped::at(LOCKED)) };
    }
}

impl memtrack_format::Sink for &mut File {
    type Error = Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write_all(bytes)
    }
}

/// A file that is read at any offset.
pub(crate) struct FileReader(Owned);

impl FileReader {
    /// Opens a file; `None` when that fails.
    pub(crate) fn open(path: &CStr) -> Option<FileReader> {
        open(path, GENERIC_READ, FILE_SHARE_ALL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL).ok().map(FileReader)
    }

    /// Whether the file is a regular one. False when that is unknown.
    pub(crate) fn is_regular(&self) -> bool {
        is_regular(&self.0)
    }

    /// Fills `buffer` from `offset` on, and returns the number of bytes that were read: fewer at the end of the file, 0
    /// behind it or when it cannot be read.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let mut read = 0;
        let mut place = Overlapped::at(offset);
        // SAFETY: the handle is open for calls that wait, and the buffer is valid for the length.
        unsafe {
            let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
            ReadFile(self.0.handle(), buffer.as_mut_ptr(), length, &raw mut read, &raw mut place);
        }
        read as usize
    }

    /// The size of the file in bytes, and the time of its last change in nanoseconds since 1970.
    pub(super) fn stamp(&self) -> Option<(u64, u64)> {
        let information = information(&self.0)?;
        let [low, high] = information.written.map(u64::from);
        Some((information.size(), super::clock::from_system(high << 32 | low)))
    }
}

/// Renames a file, and replaces a file that has the new name. Outside the hook.
pub(crate) fn rename(from: &CStr, to: &CStr) -> Result<(), Error> {
    let result = with_path(from, |from| {
        // SAFETY: `with_path` passes paths that are valid for the call, and end with a NUL.
        with_path(to, |to| unsafe { MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING) })
    })??;
    if result != 0 { Ok(()) } else { failed() }
}
