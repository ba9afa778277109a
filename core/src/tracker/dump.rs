//! Dumps to files: when the program asks for one, on signals, intervals and peaks, and of each stage that ends.

use crate::dump;
use crate::error::Error;
use crate::hook::Tracker;
use crate::lock::try_lock;
use crate::os::dump_stack::Patience;
use crate::os::file::{File, Mode, Named};
use crate::os::path::Path;
use crate::os::signals;
use crate::platform::Platform;
use crate::session::{forks, recording, registry, snapshot_file, triggers};
use crate::table::peak::Mark;
use crate::table::peak::stage::{Ended, Peak, Stages, Summary};
use crate::table::region::Tables;
use crate::unwind::Unwind;
use memtrack_format::Cause;

/// Runs what a program asks for on the stack for dumps.
fn on_stack<T>(f: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    forks::notice();
    triggers::on_stack(Patience::Seconds, f).unwrap_or(Err(Error::DumpRunning))
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Writes a snapshot of the whole program to a file; what the file held is gone.
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

    /// From now on each stage that ends appends its own snapshot to a file: its figures, and what every cell held
    /// at the stage's peak. What the file held is gone. `MEMTRACK_DUMP=path` implies it.
    ///
    /// # Errors
    /// When the file cannot be written, or the tracker has no region.
    pub fn dump_stages_to(&self, path: impl AsRef<std::path::Path>) -> Result<(), Error> {
        self.check()?;
        on_stack(|| snapshot_file::open(Path::new(path.as_ref())?, Named::ByCode))
    }

    /// From now on each time the process gets `signal` a snapshot is appended to the file of
    /// [`dump_stages_to`](Self::dump_stages_to) or of `MEMTRACK_DUMP`. Behind it the signal does what
    /// it did before this call: it calls the handler that it had, or ends or stops the process. USR1, USR2 and real-time
    /// signals without a handler do nothing else. `MEMTRACK_DUMP_SIGNAL=USR1` does the same.
    ///
    /// # Errors
    /// When there is no such file; when the system refuses; when the signal says that the program is damaged (ABRT, BUS,
    /// FPE, ILL, SEGV, SYS, TRAP).
    pub fn dump_on_signal(&self, signal: i32) -> Result<(), Error> {
        self.with_file()?;
        signals::dump_on(signal)
    }

    /// From now on a snapshot is appended to that file every so often. `MEMTRACK_DUMP_INTERVAL=seconds` does the same. A thread
    /// of the tracker's own waits for it; where there can be none, and in a forked child, the next event after the time
    /// writes the snapshot.
    ///
    /// # Errors
    /// When there is no such file; when the thread cannot be started.
    pub fn dump_every(&self, interval: core::time::Duration) -> Result<(), Error> {
        self.with_file()?;
        triggers::dump_every(interval.as_nanos().try_into().unwrap_or(u64::MAX))
    }

    /// From now on a snapshot is appended to that file whenever a peak rises above `bytes`, and then again each time it
    /// has risen by an eighth. `MEMTRACK_DUMP_PEAK=64MiB` does the same.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn dump_peaks_above(&self, bytes: usize) -> Result<(), Error> {
        self.with_file()?;
        self.region().head().pending.dump_above(bytes);
        Ok(())
    }

    fn with_file(&self) -> Result<(), Error> {
        self.check()?;
        if snapshot_file::is_set() { Ok(()) } else { Err(Error::NoFile) }
    }

    /// Lays the tables into a file: from now on it shows what this process allocates, live and after its end, however that
    /// comes; `memtrack-fold` reads it like a dump. What the file held is gone. Only pages that are used take space there;
    /// when that runs out the recording ends, which later dumps count as a loss. `MEMTRACK_RECORD=path` does it at the first
    /// event.
    ///
    /// A forked child gets a file of its own, with its process id behind the name.
    ///
    /// # Errors
    /// When the process has other threads already: what they allocate meanwhile would be missing. So call it first thing in
    /// `main`. When the file cannot be made, or another process records to it; when this tracker is recorded already or has
    /// no region; when its region is not whole pages of this system.
    pub fn record_to(&self, path: impl AsRef<std::path::Path>) -> Result<(), Error> {
        self.check()?;
        match registry::place_of(self.region()) {
            Some(place) => on_stack(|| recording::begin(place, Path::new(path.as_ref())?, Named::ByCode)),
            // Another thread is claiming the region.
            None => Err(Error::RecordingThreads),
        }
    }

    /// The mark is about to be re-based: stages whose peak it holds are written while it stands.
    pub(super) fn before_rebase(&self) {
        recording::refresh();
        if !snapshot_file::is_set() {
            return;
        }
        let (now, peak) = (self.moment(), self.stage_peak());
        for place in 0.. {
            let Some(mut stages) = try_lock(self.region().stages()) else { break };
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

    /// Appends a snapshot, which `write` writes with the stack nodes from the one on that it is told.
    pub(super) fn append_stage(&self, write: impl FnOnce(u32, &mut File) -> Result<(), Error>) {
        // A snapshot that cannot be written is missing from the file, which the host tool says; the exit tells why.
        let Some(place) = registry::place_of(self.region()) else { return };
        // Two threads may end stages at the same time: both are written.
        forks::notice();
        triggers::on_stack(Patience::Seconds, || {
            let _ = snapshot_file::append_of(place, snapshot_file::Patience::Last, |first_node, file| {
                let next = memtrack_format::Node::FIRST + self.region().stacks().usage().0;
                write(first_node, file)?;
                Ok(next)
            });
        });
    }
}
