//! What changes a tracker while the program runs: resets, slack, pauses, the ends of tasks, a dump.

use crate::error::Error;
use crate::hook::Tracker;
use crate::hook::guard::Guard;
use crate::lock::try_lock;
use crate::platform::{Local, Platform};
use crate::table::peak::stage::{Peak, Stages};
use crate::table::pending;
use crate::table::region::Tables;
use crate::table::threads;
use crate::totals::raise_stage_peaks;
use crate::unwind::Unwind;
use memtrack_format::Cause;

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// The peaks of the program and of every thread become what is live now. Costs the same however many threads
    /// there are: each re-bases its own when it next runs.
    pub fn reset_peak(&self) {
        if self.region_of_process().is_none() {
            return;
        }
        #[cfg(feature = "std")]
        self.before_rebase();
        raise_stage_peaks(self.region(), &self.platform);
        let guard = self.guard_for_credit();
        let share = guard.as_ref().and_then(Guard::share);
        let left = self.region().head().marks.reset(self.region().threads(), share);
        if let Some(mut stages) = try_lock(self.region().stages()) {
            // As where a stage begins.
            stages.fold(Peak { bytes: left, ..Peak::default() }, |_| 0);
        }
    }

    /// The calling thread's peak becomes what it holds now.
    pub fn reset_thread_peak(&self) {
        if let Some(region) = self.region_of_process() {
            raise_stage_peaks(region, &self.platform);
        }
        if let Ok(guard) = self.guard_without_triggers() {
            guard.slot.reset_peak(&self.region().head().marks.epochs);
        }
    }

    /// Trades the exactness of the program's peak for threads that meet less: each may hold `bytes` of credit, which
    /// nobody asks for when live comes near the peak. The peak told is then too high by `bytes` for each thread at most,
    /// which stands in the report and in dumps; live and totals stay exact, and so do threads' own peaks. 0, the
    /// default, is exact. Call it before threads are at work.
    pub fn set_slack(&self, bytes: usize) {
        if self.place_region().is_none() {
            return;
        }
        let guard = self.guard_for_credit();
        let share = guard.as_ref().and_then(Guard::share);
        self.region().head().marks.set_slack(bytes, self.region().threads(), share);
    }

    /// From now on events are booked without thread and stack, and counted as lost to `paused`: live and peak stay
    /// exact.
    pub fn pause(&self) {
        // Events without a thread take their credit from everybody.
        if let Some(region) = self.place_region() {
            region.head().marks.credit.open(region.threads(), || _ = self.platform.barrier());
            region.head().pending.raise(pending::PAUSED);
        }
    }

    /// Ends [`pause`](Self::pause).
    pub fn resume(&self) {
        if let Some(region) = self.region_of_process() {
            region.head().pending.lower(pending::PAUSED);
        }
    }

    /// A thread or task has ended: its figures stay, and its slot may be continued by another of its name. `local`
    /// are its words ([`Platform::local`]), which are not its own from now on. A host's threads are told by the
    /// system; this is for the task hooks of an RTOS.
    pub fn thread_ended(&self, local: &Local, name: &str) {
        let Some(slot) = local.end().filter(|&slot| slot >= threads::FIRST) else { return };
        let mut kept = [0; threads::THREAD_NAME];
        kept.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
        if let Some(region) = self.region_of_process() {
            region.threads().get(slot).exit(kept);
        }
    }

    /// Writes a snapshot of the whole program. `memtrack-fold` reads it.
    ///
    /// # Errors
    /// When the sink fails, or the tracker has no region.
    pub fn dump<W: embedded_io::Write>(&self, to: &mut W) -> Result<(), Error> {
        self.check()?;
        crate::dump::program(self.region(), &self.platform, U::NAME, Cause::Request, crate::dump::Io(to))
    }

    /// The guard for a caller that takes the credit of all threads. A caller that gets none takes it by atomic operations,
    /// so from here on every thread changes its share by atomic operations too.
    pub(super) fn guard_for_credit(&self) -> Option<Guard<'_>> {
        let guard = self.guard_without_triggers().ok();
        if guard.as_ref().and_then(Guard::share).is_none() {
            self.region().head().marks.credit.open(self.region().threads(), || _ = self.platform.barrier());
        }
        guard
    }
}
