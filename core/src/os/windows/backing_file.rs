//! The file whose memory a recording has from its start.
//!
//! The problem: a new file has no room on the disk for its content, so that a small program takes little of it. When the disk
//! is full, the system cannot store a page, and nobody hears of it.
//!
//! The idea: the program writes zeros into a part of the file before it uses the memory there. That makes room, or fails.
//! One thread at a time does so, because zeros must not replace what another one has stored.
//!
//! - *Unit*: the part of the file that gets room at a time. Where a file has no room, the system stores nothing in units of
//!   the same size.
//! - *Sharing*: other processes may read the file. Nobody else can open it to write or to replace it as long as the process
//!   has it open, and a file with mapped memory cannot be cut off.

use super::errno::{self, errno};
use super::file::{self, Named};
use super::memory;
use super::system::{
    CreateFileMappingW, DeviceIoControl, END_OF_FILE_INFORMATION, FILE_MAP_WRITE, FILE_SHARE_READ,
    FSCTL_SET_SPARSE, GENERIC_READ, GENERIC_WRITE, MapViewOfFile, Overlapped, Owned, PAGE_READWRITE,
    SetFileInformationByHandle, WriteFile,
};
use crate::Error;
use crate::lock::Lock;
use crate::os::path::Path;
use crate::os::patience::Patience;
use crate::sync::*;
use core::ops::Range;
use core::ptr::{null, null_mut, with_exposed_provenance, with_exposed_provenance_mut};

/// The size of a unit, in bytes.
pub(super) const UNIT: usize = 64 << 10;
/// `ERROR_SHARING_VIOLATION`.
const TAKEN: i32 = 32;
const BITS: usize = usize::BITS as usize;

fn failed<T>() -> Result<T, Error> {
    Err(Error::File(errno()))
}

/// An open file that is to be mapped. Dropping it closes the file.
pub(crate) struct BackingFile(Owned);

impl BackingFile {
    /// Opens a file for reading and writing, creates it where there is none, and keeps others from writing. The content
    /// stays. `None` when another process has it open to write.
    pub(crate) fn lock(path: &Path, named: Named) -> Result<Option<BackingFile>, Error> {
        match file::create(path.as_c_str(), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, named) {
            Ok(file) => Ok(Some(BackingFile(file))),
            Err(Error::File(TAKEN)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the content by `len` zero bytes, which take no room yet. A file system that always makes room does it here.
    pub(crate) fn reset(&self, len: usize) -> Result<(), Error> {
        let set = |len: usize| {
            let len = len as u64;
            // SAFETY: the handle is open. The information is the length, a number of 64 bits.
            unsafe {
                let to = (&raw const len).cast();
                SetFileInformationByHandle(
                    self.0.handle(),
                    END_OF_FILE_INFORMATION,
                    to,
                    size_of_val(&len) as u32,
                ) != 0
            }
        };
        if !set(0) {
            return failed();
        }
        let mut returned = 0;
        // SAFETY: the handle is open for calls that wait, and the call takes and returns no data.
        unsafe {
            DeviceIoControl(
                self.0.handle(),
                FSCTL_SET_SPARSE,
                null(),
                0,
                null_mut(),
                0,
                &raw mut returned,
                null_mut(),
            )
        };
        if set(len) { Ok(()) } else { failed() }
    }

    /// Maps the file, which has `len` bytes, whole words, for as long as the process lives.
    pub(crate) fn map(self, len: usize) -> Result<&'static MappedFile, Error> {
        let units = len.div_ceil(UNIT);
        let words = units.div_ceil(BITS);
        let record = memory::map_anywhere(size_of::<MappedFile>()).ok_or(Error::NoMemory)?;
        let other = memory::map_anywhere(UNIT + words * size_of::<usize>()).ok_or(Error::NoMemory)?;
        // SAFETY: the handles are open where they are used; the mapping's own is closed at the end, and the view stays without
        // it. The view and the new memory are zeroed, aligned, large enough and never unmapped. Nobody else knows them. The
        // view holds integers, which other threads change by atomic operations or under locks.
        unsafe {
            let mapping =
                Owned::new(CreateFileMappingW(self.0.handle(), null(), PAGE_READWRITE, 0, 0, null()));
            let Some(mapping) = mapping else { return failed() };
            let start = MapViewOfFile(mapping.handle(), FILE_MAP_WRITE, 0, 0, len).cast::<AtomicUsize>();
            if start.is_null() {
                return failed();
            }
            start.expose_provenance();
            let memory = core::slice::from_raw_parts(start, len / size_of::<usize>());
            let zeros = core::slice::from_raw_parts(with_exposed_provenance(other), UNIT);
            let with_room = core::slice::from_raw_parts(with_exposed_provenance(other + UNIT), words);
            let place = with_exposed_provenance_mut::<MappedFile>(record);
            place.write(MappedFile { file: self.0, memory, room: Lock::new(()), zeros, with_room });
            Ok(&*place)
        }
    }
}

/// A file that is mapped for as long as the process lives.
pub(crate) struct MappedFile {
    file: Owned,
    memory: &'static [AtomicUsize],
    /// Taken while a unit gets room.
    room: Lock<()>,
    /// A unit of zeros.
    zeros: &'static [u8],
    /// One bit for each unit: whether it has room.
    with_room: &'static [AtomicUsize],
}

// SAFETY: the handle, the only pointer, is that of a file that stays open, and the system takes calls on it from all threads.
unsafe impl Sync for MappedFile {}

impl MappedFile {
    /// Its memory. Words under locks are written through pointers.
    pub(super) fn memory(&self) -> &'static [AtomicUsize] {
        self.memory
    }

    fn len(&self) -> usize {
        size_of_val(self.memory)
    }

    /// The word with the bit of a unit, and the bit's mask.
    fn place_of_bit(&self, unit: usize) -> (&AtomicUsize, usize) {
        (&self.with_room[unit / BITS], 1 << (unit % BITS))
    }

    fn has_room(&self, unit: usize) -> bool {
        let (word, bit) = self.place_of_bit(unit);
        word.load(Acquire) & bit != 0
    }

    /// Makes room on the disk for these bytes of the file, which stay as they are. An error when there is no room, or another
    /// thread cannot end doing so.
    pub(crate) fn make_room(&self, bytes: Range<usize>) -> Result<(), Error> {
        for unit in bytes.start / UNIT..bytes.end.min(self.len()).div_ceil(UNIT) {
            if !self.has_room(unit) {
                let lock = Patience::Seconds.wait(|| self.room.try_lock());
                let _lock = lock.ok_or(Error::File(errno::NO_SPACE))?;
                if !self.has_room(unit) {
                    self.write_zeros(unit * UNIT)?;
                    let (word, bit) = self.place_of_bit(unit);
                    // Release: a thread that finds the bit stores behind the zeros.
                    word.fetch_or(bit, Release);
                }
            }
        }
        Ok(())
    }

    /// Writes zeros into the unit at an offset.
    fn write_zeros(&self, offset: usize) -> Result<(), Error> {
        let (len, mut written) = (UNIT.min(self.len() - offset) as u32, 0);
        // SAFETY: the handle is open for calls that wait, and the zeros are valid for the length.
        let result = unsafe {
            let mut place = Overlapped::at(offset as u64);
            WriteFile(self.file.handle(), self.zeros.as_ptr(), len, &raw mut written, &raw mut place)
        };
        match result {
            0 => failed(),
            _ if written < len => Err(Error::File(errno::NO_SPACE)),
            _ => Ok(()),
        }
    }
}
