//! Recordings: the pages of a region are those of a file, which stays when the process is killed, and which another
//! process can look at meanwhile. Behind them lies the [annex](crate::session::recording::annex).
//!
//! No descriptor is needed once the memory is laid into the file, so that a program may close all that it did not open.

pub(crate) mod annex;
mod file;
pub(crate) mod memory;

use super::environment::Variable;
use super::registry::{self, PerRegion, RegionNumber, Registered};
use super::{files, modules_seen, triggers};
use crate::Error;
use crate::lock::Lock;
use crate::lock::try_lock;
use crate::os::backing_file::Released;
use crate::os::errno::{self, keep_errno};
use crate::os::file::Named;
use crate::os::pages::{Before, Pages};
use crate::os::path::Path;
use crate::os::patience::Patience;
use crate::os::{fault, fork_gate, modules, process, sandbox, signal_mask, stderr};
use crate::sync::*;
use annex::Annex;
use core::cell::Cell;

struct Recording {
    path: Path,
    /// The variable's value, when the path comes from there.
    template: Option<&'static [u8]>,
    pages: Pages,
    annex: Annex,
    file: Released,
    /// What the annex knows: news of modules, the modules, thread slots.
    known: (usize, Option<u64>, u32),
}

// In cells, for these hide the values which no recording can have: so `None` is all-zero, and adds nothing to the binary.
static RECORDINGS: PerRegion<Lock<Option<Cell<Recording>>>> = PerRegion::new([const { Lock::new(None) }; _]);
/// Whether there are any: asked without taking a lock.
static ANY: AtomicBool = AtomicBool::new(false);

pub(crate) fn is_any() -> bool {
    ANY.load(Acquire)
}

/// A tracker has just claimed its region: the first one's is recorded when the variable says so.
pub(crate) fn at_claim(number: RegionNumber) {
    let Some(template) = Variable::Record.get().filter(|_| number.is_first()) else { return };
    let path = files::expand(template);
    let result = path.and_then(|path| match begin(number, path, Named::ByVariable) {
        // A process that this one has started, with the same variables.
        Err(Error::RecordingTaken) => {
            begin(number, files::expand(template)?.with_pid(process::id())?, Named::ByVariable)
        }
        other => other,
    });
    if let Err(error) = result {
        complain(template, error);
    }
}

/// Moves a region's pages into a file.
pub(crate) fn begin(number: RegionNumber, path: Path, named: Named) -> Result<(), Error> {
    let region = registry::get(number).ok_or(Error::TooManyTrackers)?;
    let pages = region.pages()?;
    signal_mask::while_blocked(|| {
        let mut slot =
            try_lock(&RECORDINGS[number]).filter(|slot| slot.is_none()).ok_or(Error::RecordingRuns)?;
        if process::threads() != 1 + triggers::threads() {
            return Err(Error::RecordingThreads);
        }
        fault::handle();
        let (annex, file) = lay(&path, region, pages, named, None)?;
        memory::begin(number, pages, annex.pages(), region.head_copy());
        let template = Variable::Record.get().filter(|_| named == Named::ByVariable);
        let recording = Recording { path, template, pages, annex, file, known: (0, None, 0) };
        let recording = slot.insert(Cell::new(recording));
        ANY.store(true, Release);
        modules_seen::begin();
        recording.get_mut().refresh(region)
    })
}

/// Lays pages and an annex into a new file: those of a recording in the parent of this process, or pages of no file yet.
fn lay(
    path: &Path,
    region: &dyn Registered,
    pages: Pages,
    named: Named,
    parents: Option<&Recording>,
) -> Result<(Annex, Released), Error> {
    let file = file::create(path, pages.len() + Annex::LEN, named)?;
    // These are used at random, and everything else in order, with room taken ahead of each use.
    for heads in region.heads() {
        file.reserve(heads.start - pages.start().addr(), heads.len())?;
    }
    let annex = Annex::new(pages.len())?;
    if let Some(parents) = parents {
        annex.copy(&parents.annex);
    }
    let of_parent = parents.map(|parents| parents.file.reclaim());
    let before = match &of_parent {
        None => Before::Memory,
        Some(Some(file)) => Before::File(file),
        Some(None) => Before::LostFile,
    };
    let result = annex.pages().share(&file, Before::Memory).and_then(|()| pages.share(&file, before));
    match result.and_then(|()| file.release()) {
        Ok(file) => {
            // The child has no use for it any more.
            drop(of_parent.flatten());
            Ok((annex, file))
        }
        Err(error) => {
            annex.remove();
            Err(error)
        }
    }
}

/// Outside the hook: something was unloaded, and a recording has to list what is loaded in its place.
pub(super) fn unloaded() {
    modules_seen::forget();
    refresh();
}

/// Tells the recordings of modules and threads that are new. No lock of others is waited for.
pub(crate) fn refresh() {
    if !is_any() || !sandbox::allows_all() {
        return;
    }
    triggers::on_stack(Patience::None, || {
        for (number, region) in registry::all() {
            let Some(mut slot) = try_lock(&RECORDINGS[number]) else { continue };
            let recording = slot.as_mut().map(Cell::get_mut);
            let Some(recording) = recording.filter(|_| memory::is_running(number)) else { continue };
            // A fragment that does not fit is missing from the file; the next refresh tries again.
            if keep_errno(|| recording.refresh(region)) == Err(Error::File(errno::NO_SPACE)) {
                memory::end(number, region);
            }
        }
    });
}

impl Recording {
    fn refresh(&mut self, region: &dyn Registered) -> Result<(), Error> {
        let (news, threads) = (modules_seen::count(), region.threads_used());
        if threads != self.known.2 {
            region.update_names();
            self.known.2 = threads;
        }
        if news != self.known.0 {
            let modules = modules::fingerprint();
            if modules.is_none() || modules != self.known.1 {
                self.append(region, true)?;
            }
            (self.known.0, self.known.1) = (news, modules);
        }
        Ok(())
    }

    /// Adds a fragment to the annex. One that fails half-way counts for nothing.
    fn append(&mut self, region: &dyn Registered, modules: bool) -> Result<(), Error> {
        self.annex.write(modules, |to| region.write_annex(to, modules))
    }

    /// In a forked child: a file of its own.
    fn divide(&mut self, region: &dyn Registered) -> Result<(), Error> {
        let path = match self.template {
            Some(template) => files::expand_in_child(template),
            None => self.path.with_pid(process::id()),
        }?;
        let (annex, file) = lay(&path, region, self.pages, Named::ByVariable, Some(self))?;
        (self.path, self.file) = (path, file);
        core::mem::replace(&mut self.annex, annex).remove();
        // The modules are those of the parent.
        self.append(region, false)
    }
}

/// Before a fork, in the parent.
pub(super) fn before_fork() {
    if is_any() {
        fork_gate::close();
    }
}

/// After a fork, or when it failed, in the parent.
pub(super) fn after_fork() {
    fork_gate::wait();
}

/// After a fork, in the child, before its first event.
pub(crate) fn in_child() {
    fork_gate::open_after(|| {
        if is_any() {
            signal_mask::while_blocked(|| {
                registry::all().for_each(|(number, region)| divide(number, region))
            });
        }
    });
}

/// In a forked child, once its tables say what it inherited: so does its recording.
pub(crate) fn forked() {
    if is_any() {
        for (number, region) in registry::all() {
            if let Some(mut slot) = RECORDINGS[number].try_lock()
                && let Some(recording) = slot.as_mut().map(Cell::get_mut)
            {
                // One that cannot be written is missing: then all of the child counts as its own.
                let _ = recording.append(region, false);
            }
        }
    }
}

fn divide(number: RegionNumber, region: &dyn Registered) {
    let Some(mut slot) = RECORDINGS[number].try_lock() else { return };
    // What has ended in the parent has ended here.
    let recording = slot.as_mut().map(Cell::get_mut);
    let Some(recording) = recording.filter(|_| memory::forked(number)) else { return };
    match recording.divide(region) {
        Ok(()) => memory::begin(number, recording.pages, recording.annex.pages(), region.head_copy()),
        Err(error) => {
            complain(recording.path.as_c_str().to_bytes(), error);
            // From now on its pages are its own and nobody's file.
            memory::keep(number);
            *slot = None;
        }
    }
}

/// Nobody can be given the error. Inside the first event, or a fork.
fn complain(path: &[u8], error: Error) {
    stderr::line(format_args!("not recorded: {error}: {}", stderr::Text(path)));
}
