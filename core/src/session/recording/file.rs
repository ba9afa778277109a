//! The file of a recording, and whether a process may take it.
//!
//! Three processes may have the same path: a parent and its child, which inherits the variable; a program before and after
//! it replaces itself by `exec`; and any other that uses the path by chance. A file whose owner runs is not touched, except
//! by that owner.

use crate::Error;
use crate::os::backing_file::BackingFile;
use crate::os::file::{self, FileReader, Named};
use crate::os::path::Path;
use crate::os::process;
use crate::session::owner::Owner;
use crate::table::region::Head;
use memtrack_format::image::header;

/// Creates a file of `len` zero bytes, or replaces the content of the file there.
///
/// # Errors
/// [`Error::RecordingTaken`] when another process that runs records to the file.
pub(super) fn create(path: &Path, len: usize, named: Named) -> Result<BackingFile, Error> {
    if let Some(file) = take(path, len, named)? {
        return Ok(file);
    }
    move_away(path)?;
    create(path, len, named)
}

/// Opens and empties the file. `None` when it has the recording of the program that this process has replaced by `exec`: that recording
/// stays.
fn take(path: &Path, len: usize, named: Named) -> Result<Option<BackingFile>, Error> {
    // The file is locked before it is emptied: a process that has mapped it would lose its memory.
    let file = BackingFile::lock(path, named)?.ok_or(Error::RecordingTaken)?;
    let (owner, this) = (Owner::of(path.as_c_str()), Owner::this());
    if owner == Some(this) && named == Named::ByVariable && has_own_events(path) {
        return Ok(None);
    }
    // A process that has closed all descriptors has lost its lock.
    if owner.is_some_and(|owner| owner != this && owner.is_running()) {
        return Err(Error::RecordingTaken);
    }
    file.reset(len)?;
    Ok(Some(file))
}

/// Returns whether a recording has events of its own process. A child that calls `exec` at once has none: its threads are
/// those that it has inherited.
fn has_own_events(path: &Path) -> bool {
    let read = || {
        let file = FileReader::open(path.as_c_str())?;
        let mut head = [0; Head::INHERITED + size_of::<u32>()];
        let mut used = [0; size_of::<u32>()];
        let all = file.read_at(&mut head, 0) == head.len()
            && file.read_at(&mut used, header::slots_of_any(&head)?) == used.len();
        let inherited = head.last_chunk().map(|bytes| u32::from_ne_bytes(*bytes))?;
        all.then(|| u32::from_ne_bytes(used) > inherited)
    };
    read().unwrap_or(true)
}

/// Renames the file to a path that no recording of this process has: with the process id at its end, once or more often.
fn move_away(path: &Path) -> Result<(), Error> {
    let (this, pid) = (Owner::this(), process::id());
    let mut beside = path.with_pid(pid)?;
    while Owner::of(beside.as_c_str()) == Some(this) {
        beside = beside.with_pid(pid)?;
    }
    file::rename(path.as_c_str(), beside.as_c_str())
}
