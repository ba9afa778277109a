//! Requests to a tracker while the program runs: resets of peaks, slack, pauses, the end of a task, a dump.

use crate::error::Error;
use crate::hook::Tracker;
use crate::hook::guard::Guard;
use crate::lock::try_lock;
use crate::platform::{Local, Platform};
use crate::table::peak::stage::Stages;
use crate::table::peak::summary::Peak;
use crate::table::pending;
use crate::table::region::Tables;
use crate::table::slot::{self, ThreadSlot};
use crate::table::threads;
use crate::totals::raise_stage_peaks;
use crate::unwind::Unwind;
use memtrack_format::Cause;

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Sets the peaks of the program and of every thread to their live bytes. The cost does not depend on the number of
    /// threads: each thread resets its own peak at its next event.
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
            // Other threads may have raised the peak since it was read above: the running stages had that peak.
            stages.fold(Peak { bytes: left, ..Peak::default() }, |_| 0);
        }
    }

    /// Sets the calling thread's peak to its live bytes.
    pub fn reset_thread_peak(&self) {
        if let Some(region) = self.region_of_process() {
            raise_stage_peaks(region, &self.platform);
        }
        if let Ok(guard) = self.guard_without_triggers() {
            guard.slot.reset_peak(&self.region().head().marks.epochs);
        }
    }

    /// Makes threads touch shared memory less, and the program's peak less exact: each thread may hold `bytes` of credit,
    /// which no other thread takes when live comes near the peak. The peak is then too high by at most `bytes` for each
    /// thread; the report and dumps state this error. Live, totals and the threads' own peaks stay exact. The default is 0:
    /// an exact peak. Call this before the program starts threads.
    pub fn set_slack(&self, bytes: usize) {
        if self.place_region().is_none() {
            return;
        }
        let guard = self.guard_for_credit();
        let share = guard.as_ref().and_then(Guard::share);
        self.region().head().marks.set_slack(bytes, self.region().threads(), share);
    }

    /// From now on events are counted without thread and stack, as losses of the cause `paused`. Live and peak stay exact.
    pub fn pause(&self) {
        // Unattributed events take the credit of all threads.
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

    /// Names a thread that has no name yet, by the number that [`Platform::thread_id`] returned for it. For a platform whose
    /// [`thread_name`](Platform::thread_name) knows the running context alone: it may call this in
    /// [`thread_started`](Platform::thread_started).
    pub fn name_thread(&self, thread_id: u64, name: &[u8; 16]) {
        let Some(region) = self.region_of_process() else { return };
        let is_nameless =
            |slot: &ThreadSlot| slot.os_id() == thread_id && !slot.has_exited() && slot.name()[0] == 0;
        let slots =
            region.threads().iter().filter(|(number, slot)| *number >= threads::FIRST && is_nameless(slot));
        slots.for_each(|(_, slot)| slot.set_name(*name));
    }

    /// A thread or task has ended. Its figures stay, and another thread of the same name may continue its slot. `local` are
    /// its words ([`Platform::local`]), which it must not use from now on. On a host the system reports the ends of threads;
    /// this is for the task hooks of an RTOS.
    pub fn thread_ended(&self, local: &Local, name: &str) {
        let Some(slot) = local.end().filter(|&slot| slot >= threads::FIRST) else { return };
        let mut padded = [0; slot::THREAD_NAME];
        padded.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
        if let Some(region) = self.region_of_process() {
            region.threads().get(slot).exit(padded);
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
