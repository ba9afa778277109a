//! The file that stands in for a region's pages.

use crate::Error;
use crate::os::linux::file::{Path, Reading};
use crate::os::linux::open;
use crate::os::linux::open::{Descriptor, Named, errno};
use crate::os::linux::pages::PAGE;
use crate::os::linux::signal_mask;
use crate::platform::Host;
use crate::platform::Platform;
use crate::session::owner::Owner;
use crate::table::image;
use crate::table::region::Head;

/// A file that pages are in. Whoever has it open holds its lock.
pub(crate) struct PagesFile(Descriptor);

impl PagesFile {
    /// Makes or empties a file, unless another process has its pages there.
    pub(crate) fn create(path: &Path, len: usize, named: Named) -> Result<PagesFile, Error> {
        signal_mask::of_writes_held(|| Self::create_held(path, len, named))
    }

    fn create_held(path: &Path, len: usize, named: Named) -> Result<PagesFile, Error> {
        let file = open::to_write(path.as_c_str(), libc::O_RDWR, named)?;
        let fd = file.number();
        // SAFETY: plain calls on a descriptor that is open. Not truncated before it is locked: whoever has it mapped
        // would lose its memory.
        unsafe {
            if libc::flock(fd, libc::LOCK_EX | libc::LOCK_NB) != 0 && errno() == libc::EWOULDBLOCK {
                return Err(Error::RecordingTaken);
            }
            let (owner, this) = (Owner::of(path.as_c_str()), Owner::this());
            // A process that replaced itself by `exec` goes on in a new file.
            if owner == Some(this) && named == Named::ByVariable && has_own_events(path) {
                drop(file);
                move_away(path)?;
                return Self::create_held(path, len, named);
            }
            // One that has closed its descriptors holds no lock any more.
            if owner.is_some_and(|owner| owner != this && owner.is_running()) {
                return Err(Error::RecordingTaken);
            }
            if libc::ftruncate(fd, 0) != 0 || libc::ftruncate(fd, len as libc::off_t) != 0 {
                return Err(Error::File(errno()));
            }
        }
        Ok(PagesFile(file))
    }

    /// Opens a file to read it.
    pub(crate) fn open(path: &core::ffi::CStr) -> Option<PagesFile> {
        open::open(path, libc::O_RDONLY).ok().map(PagesFile)
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

/// Whether a recording has events of its process's own: a child that replaces itself at once by `exec` has none but those
/// that it has from its parent.
fn has_own_events(path: &Path) -> bool {
    let read = || {
        let file = Reading::open(path.as_c_str())?;
        let mut head = [0; Head::INHERITED + size_of::<u32>()];
        let mut used = [0; size_of::<u32>()];
        let all = file.at(&mut head, 0) == head.len()
            && file.at(&mut used, image::thread_count_of_image(&head)?) == used.len();
        let inherited = head.last_chunk().map(|bytes| u32::from_ne_bytes(*bytes))?;
        all.then(|| u32::from_ne_bytes(used) > inherited)
    };
    read().unwrap_or(true)
}

/// Puts what this process has recorded beside the file, under a name that no recording of its has yet.
fn move_away(path: &Path) -> Result<(), Error> {
    let (this, pid) = (Owner::this(), Host.process().pid);
    let mut beside = path.with_pid(pid)?;
    while Owner::of(beside.as_c_str()) == Some(this) {
        beside = beside.with_pid(pid)?;
    }
    // SAFETY: the paths are C strings.
    let result = unsafe { libc::rename(path.as_c_str().as_ptr(), beside.as_c_str().as_ptr()) };
    if result == 0 { Ok(()) } else { Err(Error::File(errno())) }
}

/// A descriptor that the program may have closed, and may have used anew for a file of its own.
pub(crate) struct Released {
    number: libc::c_int,
    /// The file's device and number.
    file: (libc::dev_t, libc::ino_t),
}

impl Released {
    /// The file, if the descriptor still is its. Only where no other thread can close it meanwhile.
    pub(crate) fn again(&self) -> Option<PagesFile> {
        // SAFETY: should it be another file's, it is forgotten and so not closed.
        let file = core::mem::ManuallyDrop::new(PagesFile(unsafe { Descriptor::from_number(self.number) }));
        let is_same = file.0.status().is_ok_and(|status| (status.st_dev, status.st_ino) == self.file);
        is_same.then(|| core::mem::ManuallyDrop::into_inner(file))
    }
}
