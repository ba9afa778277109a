//! Recordings: tables whose memory is a file.
//!
//! **Problem.** A process that is killed writes no dump, and a process that runs cannot be asked from outside.
//!
//! **Idea.** The pages of a region become pages of a file (a shared mapping). The tables change as before, and the file
//! always shows them: another program reads it while the process runs, and it remains after the process.
//!
//! - **Recording**: a region and its file. No file descriptor is needed after the beginning, so a program may close all
//!   descriptors that it has not opened.
//! - **Annex** ([`annex`]): the part of the file behind the tables, for facts that the tables do not hold.
//! - **Refresh**: adds to the annex the modules that the process has loaded since, and stores the names of threads.
//! - **End of a recording** ([`memory`]): the disk is full, or the file was cut off or replaced. The pages become the
//!   process's own again, and the program continues.

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
use crate::os::pages::{self, Before, Pages};
use crate::os::path::Path;
use crate::os::patience::Patience;
use crate::os::{fault, fork_gate, modules, process, sandbox, signal_mask, stderr};
use crate::sync::*;
use annex::Annex;
use core::cell::Cell;

struct Recording {
    path: Path,
    /// The value of the variable, if the path comes from it.
    template: Option<&'static [u8]>,
    pages: Pages,
    annex: Annex,
    file: Released,
    refreshed: Refreshed,
}

/// The state of the process at the last refresh.
#[derive(Default)]
struct Refreshed {
    /// Modules that have been seen on a stack.
    modules_seen: usize,
    /// The fingerprint of the loaded modules, `None` when it is unknown.
    modules: Option<u64>,
    /// Thread slots in use.
    threads: u32,
}

// The cells hide the values that no recording can have: so `None` is all-zero, and adds nothing to the binary.
static RECORDINGS: PerRegion<Lock<Option<Cell<Recording>>>> = PerRegion::new([const { Lock::new(None) }; _]);
/// Whether a recording has begun. Read without a lock.
static ANY: AtomicBool = AtomicBool::new(false);

/// Returns whether this process, or a parent that it was forked from, has begun a recording.
pub(crate) fn is_any() -> bool {
    ANY.load(Acquire)
}

/// Called when a tracker has claimed its region: records the first region of the process, if the variable is set.
pub(crate) fn at_claim(number: RegionNumber) {
    let Some(template) = Variable::Record.get().filter(|_| number.is_first()) else { return };
    let path = files::expand(template);
    let result = path.and_then(|path| match begin(number, path, Named::ByVariable) {
        // This process was started by one that records, and has inherited the variable.
        Err(Error::RecordingTaken) => {
            begin(number, files::expand(template)?.with_pid(process::id())?, Named::ByVariable)
        }
        other => other,
    });
    if let Err(error) = result {
        report(template, error);
    }
}

/// Begins to record a region: makes its pages those of a new file.
pub(crate) fn begin(number: RegionNumber, path: Path, named: Named) -> Result<(), Error> {
    pages::check()?;
    let region = registry::get(number).ok_or(Error::TooManyTrackers)?;
    let pages = region.pages()?;
    signal_mask::while_blocked(|| {
        let mut slot =
            try_lock(&RECORDINGS[number]).filter(|slot| slot.is_none()).ok_or(Error::RecordingRuns)?;
        if process::threads() != 1 + triggers::threads() {
            return Err(Error::RecordingThreads);
        }
        fault::handle();
        let (annex, file) = map_to_file(&path, region, pages, named, None)?;
        memory::begin(number, pages, annex.pages(), region.head_copy());
        let template = Variable::Record.get().filter(|_| named == Named::ByVariable);
        let recording = Recording { path, template, pages, annex, file, refreshed: Refreshed::default() };
        let recording = slot.insert(Cell::new(recording));
        ANY.store(true, Release);
        modules_seen::begin();
        recording.get_mut().refresh(region)
    })
}

/// Makes the pages of a region, and of a new annex, those of a new file, with the content that they have. `parents` is the
/// recording of the parent, in a forked child: then they are pages of the parent's file so far.
fn map_to_file(
    path: &Path,
    region: &dyn Registered,
    pages: Pages,
    named: Named,
    parents: Option<&Recording>,
) -> Result<(Annex, Released), Error> {
    let file = file::create(path, pages.len() + Annex::LEN, named)?;
    // The heads of indexes are used in random order, so all of them get room now. Entries get room before their first use.
    for heads in region.heads() {
        file.reserve(heads.start - pages.start().addr(), heads.len())?;
    }
    let annex = Annex::new(pages.len())?;
    if let Some(parents) = parents {
        annex.copy_from(&parents.annex);
    }
    let of_parent = parents.map(|parents| parents.file.reclaim());
    let before = match &of_parent {
        None => Before::Memory,
        Some(Some(file)) => Before::File(file),
        Some(None) => Before::LostFile,
    };
    let result =
        annex.pages().move_to_file(&file, Before::Memory).and_then(|()| pages.move_to_file(&file, before));
    match result.and_then(|()| file.release()) {
        Ok(file) => {
            // The child does not need the parent's file any more.
            drop(of_parent.flatten());
            Ok((annex, file))
        }
        Err(error) => {
            annex.remove();
            Err(error)
        }
    }
}

/// Called outside the hook, after libraries were unloaded: lists the modules that are loaded in their place.
pub(super) fn unloaded() {
    modules_seen::forget();
    refresh();
}

/// Refreshes all recordings, except one that stays locked. It waits for no lock of other code.
pub(crate) fn refresh() {
    if !is_any() || !sandbox::allows_all() {
        return;
    }
    triggers::on_stack(Patience::None, || {
        for (number, region) in registry::all() {
            let Some(mut slot) = try_lock(&RECORDINGS[number]) else { continue };
            let recording = slot.as_mut().map(Cell::get_mut);
            let Some(recording) = recording.filter(|_| memory::is_running(number)) else { continue };
            // After another error, as an annex that is full, the next refresh tries again.
            if keep_errno(|| recording.refresh(region)) == Err(Error::File(errno::NO_SPACE)) {
                memory::end(number, region);
            }
        }
    });
}

impl Recording {
    fn refresh(&mut self, region: &dyn Registered) -> Result<(), Error> {
        let (modules_seen, threads) = (modules_seen::count(), region.threads_used());
        if threads != self.refreshed.threads {
            region.update_names();
            self.refreshed.threads = threads;
        }
        if modules_seen != self.refreshed.modules_seen {
            let modules = modules::fingerprint();
            if modules.is_none() || modules != self.refreshed.modules {
                self.append(region, true)?;
            }
            self.refreshed.modules_seen = modules_seen;
            self.refreshed.modules = modules;
        }
        Ok(())
    }

    /// Adds a fragment to the annex. After an error the annex is as before.
    fn append(&mut self, region: &dyn Registered, modules: bool) -> Result<(), Error> {
        self.annex.write(modules, |to| region.write_annex(to, modules))
    }

    /// In a forked child: moves the recording to a file of the child's own.
    fn move_to_childs_file(&mut self, region: &dyn Registered) -> Result<(), Error> {
        let path = match self.template {
            Some(template) => files::expand_in_child(template),
            None => self.path.with_pid(process::id()),
        }?;
        let (annex, file) = map_to_file(&path, region, self.pages, Named::ByVariable, Some(self))?;
        (self.path, self.file) = (path, file);
        core::mem::replace(&mut self.annex, annex).remove();
        // The child has the modules of its parent, which the annex already holds.
        self.append(region, false)
    }
}

/// Before a fork, in the parent: closes the gate, at which the parent waits while the child copies the tables.
pub(super) fn before_fork() {
    if is_any() {
        fork_gate::close();
    }
}

/// After a fork, or after its failure, in the parent: waits until the child has its own tables.
pub(super) fn after_fork() {
    fork_gate::wait();
}

/// After a fork, in the child, before its first event: moves all recordings to files of the child's own.
pub(crate) fn in_child() {
    fork_gate::open_after(|| {
        if is_any() {
            signal_mask::while_blocked(|| {
                registry::all().for_each(|(number, region)| continue_in_child(number, region));
            });
        }
    });
}

/// In a forked child, after its tables have marked their figures as inherited: adds the record of that to the annexes.
pub(crate) fn forked() {
    if is_any() {
        for (number, region) in registry::all() {
            if let Some(mut slot) = RECORDINGS[number].try_lock()
                && let Some(recording) = slot.as_mut().map(Cell::get_mut)
            {
                // Without that record, the reader counts the inherited figures as the child's own.
                let _ = recording.append(region, false);
            }
        }
    }
}

/// In a forked child: continues a recording of the parent in a file of the child's own, or ends it.
fn continue_in_child(number: RegionNumber, region: &dyn Registered) {
    let Some(mut slot) = RECORDINGS[number].try_lock() else { return };
    // A recording that has ended in the parent does not continue.
    let recording = slot.as_mut().map(Cell::get_mut);
    let Some(recording) = recording.filter(|_| memory::forked(number)) else { return };
    match recording.move_to_childs_file(region) {
        Ok(()) => memory::begin(number, recording.pages, recording.annex.pages(), region.head_copy()),
        Err(error) => {
            report(recording.path.as_c_str().to_bytes(), error);
            memory::detach_in_child(number);
            *slot = None;
        }
    }
}

/// Writes the error to standard error: inside a first event, or a fork, there is no caller who could take it.
fn report(path: &[u8], error: Error) {
    stderr::line(format_args!("not recorded: {error}: {}", stderr::Text(path)));
}
