//! The file that collects snapshots while the program runs: of stages as they end, of the program at its exit.
//!
//! Several trackers may write to one file: those of a plugin that brings its own, and those of a program that replaced
//! itself by `exec`. So the file begins with a mark that says which process has it. Whoever opens it appends when that
//! is its own process, writes beside it when that is another one that runs, and replaces what an ended one left.

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

/// A file and what of the stack tables it already holds.
struct Sink {
    path: Path,
    named: Named,
    /// Where the path comes from, when that is the variable.
    template: Option<Path>,
    /// Of each tracker the first stack node that the file does not hold.
    next_nodes: PerRegion<u32>,
    /// The process that has the file, by its [generation](lock::generation): a forked child begins its own.
    generation: u32,
}

// In a cell, for that hides the values which no sink can have: so `None` is all-zero, and adds nothing to the binary.
static SINK: Lock<Option<Cell<Sink>>> = Lock::new(None);
/// Whether there is one: asked at every stage without taking the lock.
static IS_SET: AtomicBool = AtomicBool::new(false);

pub(crate) fn is_set() -> bool {
    IS_SET.load(Acquire)
}

/// The process that writes its last snapshot, or has written it.
static FINAL: AtomicU32 = AtomicU32::new(0);

/// The process is about to write its snapshot at exit: no other one comes behind it.
pub(super) fn begin_final() {
    FINAL.store(process::id(), Release);
}

/// Whether the snapshot at exit is written, or about to be.
pub(super) fn is_final() -> bool {
    FINAL.load(Acquire) == process::id()
}

/// Snapshots go to `path` from now on. It is made here, and what a process that has ended left in it is removed.
pub(crate) fn open(path: Path, named: Named) -> Result<(), Error> {
    begin(path, named, None)
}

/// The same for the path that `template` gives.
pub(crate) fn open_template(template: Path) -> Result<(), Error> {
    let path = files::path(template.as_c_str().to_bytes())?;
    begin(path, Named::ByVariable, Some(template))
}

fn begin(path: Path, named: Named, template: Option<Path>) -> Result<(), Error> {
    let (path, named) = claim(path, named)?;
    let mut sink = try_lock(&SINK).ok_or(Error::DumpRunning)?;
    let (next_nodes, generation) = (PerRegion::ZERO, lock::generation());
    *sink = Some(Cell::new(Sink { path, named, template, next_nodes, generation }));
    IS_SET.store(true, Release);
    Ok(())
}

/// Makes the file at `path` this process's, or one beside it when another process that runs has that.
fn claim(path: Path, named: Named) -> Result<(Path, Named), Error> {
    let file = File::create(path.as_c_str(), Mode::Append, named)?;
    // Nothing can be removed from a pipe or device, and whoever reads it expects snapshots alone.
    if !file.is_regular() {
        return Ok((path, named));
    }
    let is_locked = lock_file(&file, Patience::Seconds);
    match Owner::of(path.as_c_str()) {
        Some(owner) if owner == Owner::this() => Ok((path, named)),
        Some(owner) if owner.is_running() => beside(&path),
        _ if !is_locked => beside(&path),
        _ => {
            file.empty()?;
            mark(file);
            Ok((path, named))
        }
    }
}

fn beside(path: &Path) -> Result<(Path, Named), Error> {
    // Nobody chose this very name, wherever the other one comes from.
    let (path, named) = (path.with_pid(process::id())?, Named::ByVariable);
    let file = File::create(path.as_c_str(), Mode::Append, named)?;
    // By its name nobody else's: what another one left there has ended.
    if Owner::of(path.as_c_str()) != Some(Owner::this()) {
        file.empty()?;
        mark(file);
    }
    Ok((path, named))
}

/// Writes the mark into an empty file. One that cannot be written is missing: the next snapshot says why.
fn mark(mut file: File) {
    if dump::mark(&Host, &mut file).is_err() {
        let _ = file.empty();
    }
}

/// Appends snapshots of programs. One that fails leaves what stands before it readable.
///
/// # Errors
/// When the file could not be written, or another snapshot is being written.
pub(crate) fn append(
    patience: Patience,
    write: impl FnOnce(u32, &mut File) -> Result<u32, Error>,
) -> Result<(), Error> {
    append_to(patience, |_, file| write(0, file).map(|_| ()))
}

/// Appends a snapshot of the tracker whose region has that number. `write` gets the first stack node to write and returns
/// the first one that is left for the next time.
///
/// # Errors
/// As of [`append`].
pub(crate) fn append_of(
    number: RegionNumber,
    patience: Patience,
    write: impl FnOnce(u32, &mut File) -> Result<u32, Error>,
) -> Result<(), Error> {
    append_to(patience, |next_nodes, file| {
        next_nodes[number] = write(next_nodes[number], file)?;
        Ok(())
    })
}

fn append_to(
    patience: Patience,
    write: impl FnOnce(&mut PerRegion<u32>, &mut File) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut guard = lock(patience).ok_or(Error::DumpRunning)?;
    let Some(sink) = guard.as_mut().map(Cell::get_mut) else { return Ok(()) };
    let result = sink.own().and_then(|()| {
        let mut file = File::create(sink.path.as_c_str(), Mode::Append, sink.named)?;
        if file.is_regular() {
            if !lock_file(&file, patience) {
                return Err(Error::DumpRunning);
            }
            if file.len() == 0 {
                // Somebody moved the file away, or emptied it.
                sink.next_nodes = PerRegion::ZERO;
            }
        }
        write(&mut sink.next_nodes, &mut file)
    });
    if result.is_err() {
        // The whole tables again next time: parts of them may be missing.
        sink.next_nodes = PerRegion::ZERO;
    }
    result
}

fn lock(patience: Patience) -> Option<Guard<'static, Option<Cell<Sink>>>> {
    match try_lock(&SINK) {
        None if patience == Patience::Seconds => patience.wait(|| SINK.try_lock()),
        lock => lock,
    }
}

/// Keeps other trackers' snapshots out of the file, so that none stands in the middle of another.
fn lock_file(file: &File, patience: Patience) -> bool {
    patience.wait(|| file.lock().then_some(())).is_some()
}

impl Sink {
    /// In a forked child the parent's file is not touched: the child gets its own.
    fn own(&mut self) -> Result<(), Error> {
        if self.generation != lock::generation() {
            let path = match &self.template {
                Some(template) => files::path_in_child(template.as_c_str().to_bytes())?,
                None => self.path.with_pid(process::id())?,
            };
            // Nobody chose this very name, wherever the parent's comes from.
            (self.path, self.named) = claim(path, Named::ByVariable)?;
            self.next_nodes = PerRegion::ZERO;
            self.generation = lock::generation();
        }
        Ok(())
    }
}
