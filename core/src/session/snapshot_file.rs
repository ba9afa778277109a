//! The file that collects snapshots while the program runs: of stages as they end, and of the program.
//!
//! **Problem.** Two writers may have the same path: two trackers of a process, as that of a plugin; a parent and its child,
//! which inherits the variable; a program before and after it replaces itself by `exec`. None may destroy the snapshots
//! of a process that still runs.
//!
//! **Idea.** A file begins with a mark: a dump without figures, which names a process.
//!
//! - **Owner** ([`Owner`]): the process that the mark names. Its trackers append to the file. A process that finds another
//!   owner writes to a file of its own if that owner still runs, and empties the file if it has ended.
//! - **File beside**: the same path with the process id at its end.
//! - **Lock**: excludes other writers while a snapshot is appended, so that none is in the middle of another.
//! - **First node**: the first stack node that the file does not hold. Snapshots of stages continue from it, so that the
//!   file has each stack once.

use super::files;
use super::owner::Owner;
use super::registry::{PerRegion, RegionNumber};
use crate::Error;
use crate::dump;
use crate::lock::try_lock;
use crate::lock::{self, Guard, Lock};
use crate::os::file::{File, Mode, Named};
use crate::os::path::Path;
use crate::os::patience::Patience;
use crate::os::process;
use crate::platform::Host;
use crate::sync::*;
use core::cell::Cell;

struct SnapshotFile {
    path: Path,
    named: Named,
    /// The value of the variable, if the path comes from it.
    template: Option<Path>,
    /// The first node of each tracker.
    first_nodes: PerRegion<u32>,
    /// The [generation](lock::generation) of the process that opened the file. A forked child has another one.
    generation: u32,
}

// The cell hides the values that no file can have: so `None` is all-zero, and adds nothing to the binary.
static FILE: Lock<Option<Cell<SnapshotFile>>> = Lock::new(None);
/// Whether there is a file. Read at every stage, without the lock.
static IS_SET: AtomicBool = AtomicBool::new(false);

/// Returns whether a file collects snapshots.
pub(crate) fn is_set() -> bool {
    IS_SET.load(Acquire)
}

/// The process that writes its snapshot at exit, or has written it.
static FINAL: AtomicU32 = AtomicU32::new(0);

/// Announces the snapshot at exit: no other one may come after it.
pub(super) fn begin_final() {
    FINAL.store(process::id(), Release);
}

/// Returns whether this process writes its snapshot at exit, or has written it.
pub(super) fn is_final() -> bool {
    FINAL.load(Acquire) == process::id()
}

/// Creates the file at `path`, or empties the file there. Snapshots go to it from now on.
pub(crate) fn open(path: Path, named: Named) -> Result<(), Error> {
    begin(path, named, None)
}

/// Like [`open`], for the path that `template` expands to.
pub(crate) fn open_template(template: Path) -> Result<(), Error> {
    let path = files::expand(template.as_c_str().to_bytes())?;
    begin(path, Named::ByVariable, Some(template))
}

fn begin(path: Path, named: Named, template: Option<Path>) -> Result<(), Error> {
    let (path, named) = claim(path, named)?;
    let mut file = try_lock(&FILE).ok_or(Error::DumpRunning)?;
    let (first_nodes, generation) = (PerRegion::ZERO, lock::generation());
    *file = Some(Cell::new(SnapshotFile { path, named, template, first_nodes, generation }));
    IS_SET.store(true, Release);
    Ok(())
}

/// Makes this process the owner of the file at `path`, or of the file beside it if a process that runs owns the first one.
/// Returns the path.
fn claim(path: Path, named: Named) -> Result<(Path, Named), Error> {
    let file = File::create(path.as_c_str(), Mode::Append, named)?;
    // A pipe or device cannot be emptied, and its reader does not expect a mark.
    if !file.is_regular() {
        return Ok((path, named));
    }
    let is_locked = lock_file(&file, Patience::Seconds);
    let owner = if file.len() == 0 { None } else { Owner::of(path.as_c_str()) };
    match owner {
        Some(owner) if owner == Owner::this() => Ok((path, named)),
        Some(owner) if owner.is_running() => claim_beside(&path),
        _ if !is_locked => claim_beside(&path),
        _ => {
            file.empty()?;
            write_mark(file);
            Ok((path, named))
        }
    }
}

fn claim_beside(path: &Path) -> Result<(Path, Named), Error> {
    // The program did not choose this name, even if it chose the other one.
    let (path, named) = (path.with_pid(process::id())?, Named::ByVariable);
    let file = File::create(path.as_c_str(), Mode::Append, named)?;
    // Only a process with this id has this path, so another owner has ended.
    if Owner::of(path.as_c_str()) != Some(Owner::this()) {
        file.empty()?;
        write_mark(file);
    }
    Ok((path, named))
}

/// Writes the mark into an empty file. After an error the file has none: the next snapshot fails too, and says why.
fn write_mark(mut file: File) {
    if dump::mark(&Host, &mut file).is_err() {
        let _ = file.empty();
    }
}

/// Appends snapshots of the whole program. After an error, the snapshots before them can still be read.
///
/// # Errors
/// When the file cannot be written, or another snapshot is being written.
pub(crate) fn append(
    patience: Patience,
    write: impl FnOnce(&mut File) -> Result<(), Error>,
) -> Result<(), Error> {
    append_from(patience, |_, file| write(file))
}

/// Appends the snapshot of a stage, of the tracker whose region has this number. `write` gets the first node, and returns
/// the first node of the next snapshot.
///
/// # Errors
/// As of [`append`].
pub(crate) fn append_stage(
    number: RegionNumber,
    patience: Patience,
    write: impl FnOnce(u32, &mut File) -> Result<u32, Error>,
) -> Result<(), Error> {
    append_from(patience, |first_nodes, file| {
        first_nodes[number] = write(first_nodes[number], file)?;
        Ok(())
    })
}

fn append_from(
    patience: Patience,
    write: impl FnOnce(&mut PerRegion<u32>, &mut File) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut guard = lock(patience).ok_or(Error::DumpRunning)?;
    let Some(this) = guard.as_mut().map(Cell::get_mut) else { return Ok(()) };
    let result = this.leave_parents_file().and_then(|()| {
        let mut file = File::create(this.path.as_c_str(), Mode::Append, this.named)?;
        if file.is_regular() {
            if !lock_file(&file, patience) {
                return Err(Error::DumpRunning);
            }
            if file.len() == 0 {
                // Another program has emptied the file or moved it away, so it holds no nodes.
                this.first_nodes = PerRegion::ZERO;
            }
        }
        write(&mut this.first_nodes, &mut file)
    });
    if result.is_err() {
        // Some nodes may be missing from the file: the next snapshot writes all of them.
        this.first_nodes = PerRegion::ZERO;
    }
    result
}

fn lock(patience: Patience) -> Option<Guard<'static, Option<Cell<SnapshotFile>>>> {
    match try_lock(&FILE) {
        None if patience == Patience::Seconds => patience.wait(|| FILE.try_lock()),
        lock => lock,
    }
}

/// Locks the file against other writers. Returns whether that worked.
fn lock_file(file: &File, patience: Patience) -> bool {
    patience.wait(|| file.lock().then_some(())).is_some()
}

impl SnapshotFile {
    /// In a forked child: claims a file of its own, and leaves the parent's as it is.
    fn leave_parents_file(&mut self) -> Result<(), Error> {
        if self.generation != lock::generation() {
            let path = match &self.template {
                Some(template) => files::expand_in_child(template.as_c_str().to_bytes())?,
                None => self.path.with_pid(process::id())?,
            };
            // The program did not choose this name, even if it chose the parent's.
            (self.path, self.named) = claim(path, Named::ByVariable)?;
            self.first_nodes = PerRegion::ZERO;
            self.generation = lock::generation();
        }
        Ok(())
    }
}
