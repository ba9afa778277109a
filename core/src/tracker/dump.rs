//! Dumps to files: when the program asks for one, on signals, intervals and peaks, and of each stage that ends.

use crate::dump;
use crate::error::Error;
use crate::hook::Tracker;
use crate::hook::guard::Guard;
use crate::lock::try_lock;
use crate::os::file::{File, Mode, Named};
use crate::os::path::Path;
use crate::os::patience::Patience;
use crate::os::signals;
use crate::platform::Platform;
use crate::session::{forks, recording, registry, snapshot_file, triggers};
use crate::table::peak::Mark;
use crate::table::peak::stage::{Ended, Stages};
use crate::table::peak::summary::{Peak, Summary};
use crate::table::region::Tables;
use crate::unwind::Unwind;
use memtrack_format::Cause;

/// Runs `f` on the stack for dumps, which the program's own stack may be too small for.
fn on_stack<T>(f: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    forks::notice();
    triggers::on_stack(Patience::Seconds, f).unwrap_or(Err(Error::DumpRunning))
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Writes a snapshot of the whole program to a file, and replaces the file's contents.
    ///
    /// # Errors
    /// When the file cannot be written, or the tracker has no region.
    pub fn dump_to_path(&self, path: impl AsRef<std::path::Path>) -> Result<(), Error> {
        self.check()?;
        on_stack(|| {
            let path = Path::new(path.as_ref())?;
            let mut file = File::create(path.as_c_str(), Mode::Truncate, Named::ByCode)?;
            dump::program(self.region(), &self.platform, U::NAME, Cause::Request, &mut file)
        })
    }

    /// From now on each stage that ends appends its own snapshot to a file: its figures, and the live bytes of every cell
    /// at the stage's peak. The file's contents are replaced. `MEMTRACK_DUMP=path` implies it.
    ///
    /// # Errors
    /// When the file cannot be written, or the tracker has no region.
    pub fn dump_stages_to(&self, path: impl AsRef<std::path::Path>) -> Result<(), Error> {
        self.check()?;
        on_stack(|| snapshot_file::open(Path::new(path.as_ref())?, Named::ByCode))
    }

    /// From now on each `signal` to the process appends a snapshot to the file of
    /// [`dump_stages_to`](Self::dump_stages_to) or of `MEMTRACK_DUMP`. After that the signal has its previous effect: it
    /// calls the handler that it had, or ends or stops the process. USR1, USR2 and real-time signals without a handler have
    /// no other effect. `MEMTRACK_DUMP_SIGNAL=USR1` does the same. On Windows the signals are INT (2) and BREAK (21), the keys
    /// Ctrl-C and Ctrl-Break of a console.
    ///
    /// # Errors
    /// When there is no such file; when the system refuses; when the signal means that the program is damaged (ABRT, BUS,
    /// FPE, ILL, SEGV, SYS, TRAP).
    pub fn dump_on_signal(&self, signal: i32) -> Result<(), Error> {
        self.check_file()?;
        signals::dump_on(signal)
    }

    /// From now on a snapshot is appended to that file at each interval. `MEMTRACK_DUMP_INTERVAL=seconds` does the same. A
    /// thread of the tracker waits for the time. Where there can be no thread, and in a forked child, the first event after
    /// the time writes the snapshot.
    ///
    /// # Errors
    /// When there is no such file; when the thread cannot be started.
    pub fn dump_every(&self, interval: core::time::Duration) -> Result<(), Error> {
        self.check_file()?;
        triggers::dump_every(interval.as_nanos().try_into().unwrap_or(u64::MAX))
    }

    /// From now on a snapshot is appended to that file when a peak rises above `bytes`, and again each time it has risen by
    /// an eighth. `MEMTRACK_DUMP_PEAK=64MiB` does the same.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn dump_peaks_above(&self, bytes: usize) -> Result<(), Error> {
        self.check_file()?;
        self.set_limit_of_peaks(bytes);
        Ok(())
    }

    /// Makes each new peak above `bytes` write a dump. A peak that was raised in advance may be above them already.
    fn set_limit_of_peaks(&self, bytes: usize) {
        let region = self.region();
        region.head().pending.dump_above(bytes);
        let guard = self.guard_for_credit();
        let share = guard.as_ref().and_then(Guard::share);
        region.head().marks.take_back_advance(share, region.threads());
    }

    fn check_file(&self) -> Result<(), Error> {
        self.check()?;
        if snapshot_file::is_set() { Ok(()) } else { Err(Error::NoFile) }
    }

    /// Moves the tables into a file, and replaces its contents: from now on the file shows the allocations of this process,
    /// while it runs and after its end, even if it is killed. `memtrack-fold` reads the file like a dump. Only used pages
    /// take space in it. When the disk is full the recording ends, which later dumps count as a loss. `MEMTRACK_RECORD=path`
    /// does the same at the first event.
    ///
    /// A forked child gets a file of its own, whose name ends in the child's process id.
    ///
    /// # Errors
    /// When the process already has other threads, whose allocations would be missing: so call it at the beginning of
    /// `main`. When the file cannot be created, or another process records to it; when this tracker is already recorded or
    /// has no region; when its region is not a whole number of this system's pages.
    pub fn record_to(&self, path: impl AsRef<std::path::Path>) -> Result<(), Error> {
        self.check()?;
        match registry::number_of(self.region()) {
            Some(number) => on_stack(|| recording::begin(number, Path::new(path.as_ref())?, Named::ByCode)),
            // Another thread is claiming the region.
            None => Err(Error::RecordingThreads),
        }
    }

    /// Called before the current peak starts anew: writes the running stages that have this peak, while the cells at the
    /// peak are known.
    pub(super) fn before_rebase(&self) {
        recording::refresh();
        if !snapshot_file::is_set() {
            return;
        }
        let (now, peak) = (self.moment(), self.stage_peak());
        for index in 0.. {
            let Some(mut stages) = try_lock(self.region().stages()) else { break };
            stages.fold(peak, |thread| self.thread_stage_peak(thread));
            let Some(stage) = stages.get(index, now) else { break };
            drop(stages);
            if stage.running && stage.peak.bytes == peak.bytes {
                self.write_stage(&stage);
            }
        }
    }

    /// Called after a stage has ended: writes it if it has the current peak, and no earlier run had a higher one.
    pub(super) fn after_stage(&self, ended: &Ended, peak: Peak) {
        recording::refresh();
        if snapshot_file::is_set() && ended.is_highest && ended.run.peak.bytes == peak.bytes {
            self.write_stage(&ended.run);
        }
    }

    fn write_stage(&self, stage: &Summary) {
        self.append_stage(|first_node, file| {
            let at = dump::At::Mark(Mark::Stage);
            dump::stage(self.region(), &self.platform, U::NAME, at, stage, first_node, file)
        });
    }

    /// Appends a snapshot. `write` gets the first stack node that the file does not have yet.
    pub(super) fn append_stage(&self, write: impl FnOnce(u32, &mut File) -> Result<(), Error>) {
        // The host tool reports that a snapshot is missing from the file; the message at exit gives the reason.
        let Some(number) = registry::number_of(self.region()) else { return };
        // Two threads may end stages at the same time: the second one waits, so that both are written.
        forks::notice();
        triggers::on_stack(Patience::Seconds, || {
            let _ = snapshot_file::append_stage(number, Patience::Seconds, |first_node, file| {
                let next = memtrack_format::Node::FIRST + self.region().stacks().usage().0;
                write(first_node, file)?;
                Ok(next)
            });
        });
    }
}
