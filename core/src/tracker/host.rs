//! On a host: dumps to files, and what happens to them at the end of stages, threads and the program.

use super::Tracker;
use crate::Error;
use crate::dump;
use crate::platform::host::dump_file::{File, Path};
use crate::platform::host::{registry, sink};
use crate::platform::{Host, Platform};
use crate::table::region::Tables;
use crate::table::stages::{Ended, Peak, Stages};
use crate::table::try_lock;
use crate::unwind::Unwind;
use memtrack_format::Cause;

impl<R: Tables> registry::Registered for R {
    fn thread_ended(&self, slot: u16, name: [u8; 16]) {
        // The slots that threads share don't end.
        if slot >= crate::table::threads::FIRST {
            self.threads().get(slot).exit(name);
        }
    }

    fn forked(&self, slot: Option<u16>, os_id: u64) {
        self.head().marks.room.unlock_after_fork();
        self.threads().forked(slot, os_id);
        self.tags().unlock_after_fork();
        if self.stages().is_locked() {
            // SAFETY: the child has one thread, this one, and it is in `fork`, not in a stage's begin or end.
            unsafe { self.stages().force_unlock() };
        }
    }

    fn dump(&self, to: &mut File, cause: Cause) -> Result<(), Error> {
        let unwinder = self.head().unwinder.get().map_or("", |name| name.as_str());
        dump::program(self, &Host, unwinder, cause, to)
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Makes the region known to what happens outside of the tracker.
    pub(super) fn register(&self, number: usize) {
        self.region.head().unwinder.call_once(|| crate::table::name::Name::new(U::NAME));
        registry::register(number, self.region);
    }

    /// Writes a snapshot of the whole program to a file; what the file held is gone.
    ///
    /// # Errors
    /// When the file cannot be written, or the tracker has no region.
    pub fn dump_to_path(&self, path: impl AsRef<std::path::Path>) -> Result<(), Error> {
        self.check()?;
        let path = Path::new(path.as_ref())?;
        let mut file = File::create(path.as_c_str(), crate::platform::host::dump_file::Mode::Truncate)?;
        dump::program(self.region, &self.platform, U::NAME, Cause::Request, &mut file)
    }

    /// From now on each stage that ends appends its own snapshot to a file: its figures, and what every cell held
    /// at the stage's peak. What the file held is gone. `MEMTRACK_DUMP=path` implies it.
    ///
    /// # Errors
    /// When the file cannot be written, or the tracker has no region.
    pub fn dump_stages_to(&self, path: impl AsRef<std::path::Path>) -> Result<(), Error> {
        self.check()?;
        sink::open(Path::new(path.as_ref())?)
    }

    /// The mark is about to be re-based: stages whose peak it holds are written while it stands.
    pub(super) fn before_rebase(&self) {
        if !sink::is_set() {
            return;
        }
        let (now, peak) = (self.moment(), self.stage_peak());
        for place in 0.. {
            let Some(mut stages) = try_lock(self.region.stages()) else { break };
            stages.fold(peak, |thread| self.thread_stage_peak(thread));
            let Some(stage) = stages.get(place, now) else { break };
            drop(stages);
            if stage.running && stage.peak.bytes == peak.bytes {
                self.write_stage(&stage);
            }
        }
    }

    /// A stage has ended: it is written when its peak is what the mark holds and no run before was higher.
    pub(super) fn after_stage(&self, ended: &Ended, peak: Peak) {
        if sink::is_set() && ended.is_highest && ended.run.peak.bytes == peak.bytes {
            self.write_stage(&ended.run);
        }
    }

    fn write_stage(&self, stage: &crate::table::stages::Summary) {
        // A snapshot that cannot be written is missing from the file, which the host tool says; the exit tells why.
        let _ = sink::append(|first_node, file| {
            let next = memtrack_format::Node::FIRST + self.region.stacks().usage().0;
            dump::stage(self.region, &self.platform, U::NAME, stage, first_node, file)?;
            Ok(next)
        });
    }
}
