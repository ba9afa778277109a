//! The file that backs the memory of a recording, on a system where no file can. No value of these types exists.

use crate::Error;
use crate::os::file::Named;
use crate::os::path::Path;

/// An open file that backs memory.
pub(crate) struct BackingFile(Never);

/// A file that backs memory, and that the program may have closed.
pub(crate) struct Released(Never);

enum Never {}

impl BackingFile {
    /// Opens a file to back memory: the system cannot.
    pub(crate) fn lock(_: &Path, _: Named) -> Result<Option<BackingFile>, Error> {
        Err(Error::RecordingSystem)
    }

    pub(crate) fn reset(&self, _: usize) -> Result<(), Error> {
        match self.0 {}
    }

    pub(crate) fn release(self) -> Result<Released, Error> {
        match self.0 {}
    }
}

impl Released {
    pub(crate) fn reclaim(&self) -> Option<BackingFile> {
        match self.0 {}
    }
}
