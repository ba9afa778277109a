//! Recordings: tables whose memory is a file.
//!
//! **Problem.** A process that is killed writes no dump, and a process that runs cannot be asked from outside.
//!
//! **Idea.** The pages of a region are pages of a file (a shared mapping). The tables change as before, and the file
//! always shows them: another program reads it while the process runs, and it remains after the process.
//!
//! - **Recording**: a region and its file.
//! - **Beginning**: a system may be able to put a file in the place of memory in use (`moved`). Otherwise the region has the
//!   file's memory from its first event on (`placed`).
//! - **Annex** ([`annex`]): the part of the file behind the tables, for facts that the tables do not hold.
//! - **Refresh**: adds to the annex the modules that the process has loaded since, and stores the names of threads.
//! - **End of a recording** ([`memory`]): the disk is full, or the file was cut off or replaced. The pages become the
//!   process's own again, and the program continues.

pub(crate) mod annex;
mod bits;
mod file;
pub(crate) mod memory;
#[cfg(not(recorded_from_start))]
mod moved;
#[cfg(recorded_from_start)]
mod placed;

use super::environment::Variable;
use super::registry::{self, PerRegion, Registered};
use super::{files, modules_seen, triggers};
use crate::Error;
use crate::lock::Lock;
use crate::lock::try_lock;
use crate::os::errno::{self, keep_errno};
use crate::os::path::Path;
use crate::os::patience::Patience;
#[cfg(not(recorded_from_start))]
use crate::os::signal_mask;
use crate::os::{fork_gate, modules, process, sandbox, stderr};
use crate::sync::*;
use annex::Annex;
use core::cell::Cell;
#[cfg(not(recorded_from_start))]
pub(crate) use moved::{at_claim, begin};
#[cfg(recorded_from_start)]
pub(crate) use placed::{at_claim, begin, place};

struct Recording {
    annex: Annex,
    refreshed: Refreshed,
    /// What a forked child needs to continue it.
    #[cfg(not(recorded_from_start))]
    backed: moved::Backed,
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

/// If the variable is set, calls `begin` with the path in it. Reports an error.
fn by_variable(mut begin: impl FnMut(Path) -> Result<(), Error>) {
    let Some(template) = Variable::Record.get() else { return };
    let result = files::expand(template).and_then(|path| match begin(path) {
        // This process was started by one that records, and has inherited the variable.
        Err(Error::RecordingTaken) => begin(files::expand(template)?.with_pid(process::id())?),
        other => other,
    });
    if let Err(error) = result {
        report(template, error);
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
    /// Puts a new recording into its slot, and adds to it what the tables do not hold.
    fn run(self, region: &dyn Registered, slot: &mut Option<Cell<Recording>>) -> Result<(), Error> {
        let recording = slot.insert(Cell::new(self));
        ANY.store(true, Release);
        modules_seen::begin();
        recording.get_mut().refresh(region)
    }

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
        #[cfg(not(recorded_from_start))]
        if is_any() {
            signal_mask::while_blocked(|| {
                registry::all().for_each(|(number, region)| moved::continue_in_child(number, region));
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

/// Writes the error to standard error: inside a first event, or a fork, there is no caller who could take it.
fn report(path: &[u8], error: Error) {
    stderr::line(format_args!("not recorded: {error}: {}", stderr::Text(path)));
}
