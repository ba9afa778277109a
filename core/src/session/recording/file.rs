//! The file of a recording: which one a process may take.

use crate::Error;
use crate::os::backing_file::BackingFile;
use crate::os::file::{self, FileReader, Named};
use crate::os::path::Path;
use crate::os::process;
use crate::session::owner::Owner;
use crate::table::image;
use crate::table::region::Head;

/// Creates or empties a file of `len` bytes, unless another process that runs records to it.
pub(super) fn create(path: &Path, len: usize, named: Named) -> Result<BackingFile, Error> {
    // Not emptied before it is locked: a process that has it mapped would lose its memory.
    let file = BackingFile::lock(path, named)?.ok_or(Error::RecordingTaken)?;
    let (owner, this) = (Owner::of(path.as_c_str()), Owner::this());
    // A process that replaced itself by `exec` continues in a new file.
    if owner == Some(this) && named == Named::ByVariable && has_own_events(path) {
        drop(file);
        move_away(path)?;
        return create(path, len, named);
    }
    // A process that has closed its descriptors holds no lock any more.
    if owner.is_some_and(|owner| owner != this && owner.is_running()) {
        return Err(Error::RecordingTaken);
    }
    file.reset(len)?;
    Ok(file)
}

/// Whether a recording has events of its process's own: a child that replaces itself at once by `exec` has none but those
/// that it has from its parent.
fn has_own_events(path: &Path) -> bool {
    let read = || {
        let file = FileReader::open(path.as_c_str())?;
        let mut head = [0; Head::INHERITED + size_of::<u32>()];
        let mut used = [0; size_of::<u32>()];
        let all = file.read_at(&mut head, 0) == head.len()
            && file.read_at(&mut used, image::thread_count_of_image(&head)?) == used.len();
        let inherited = head.last_chunk().map(|bytes| u32::from_ne_bytes(*bytes))?;
        all.then(|| u32::from_ne_bytes(used) > inherited)
    };
    read().unwrap_or(true)
}

/// Puts what this process has recorded beside the file, under a name that no recording of its has yet.
fn move_away(path: &Path) -> Result<(), Error> {
    let (this, pid) = (Owner::this(), process::id());
    let mut beside = path.with_pid(pid)?;
    while Owner::of(beside.as_c_str()) == Some(this) {
        beside = beside.with_pid(pid)?;
    }
    file::rename(path.as_c_str(), beside.as_c_str())
}
