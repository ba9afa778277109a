//! Figures of the program, its threads and its stages.

use crate::hook::Tracker;
use crate::lock::try_lock;
use crate::platform::Platform;
use crate::report::Report;
use crate::stats::{StageStats, Stats, ThreadStats};
use crate::table::account::Held;
use crate::table::peak::Mark;
use crate::table::peak::stage::Stages;
use crate::table::peak::summary::{Moment, Peak};
use crate::table::region::Tables;
use crate::table::slot::ThreadSlot;
use crate::table::timeline::Point;
use crate::totals::{self, add_timeline_point, elapsed, totals};
use crate::unwind::Unwind;
use memtrack_format::LossCause;

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// The program's figures. They are exact when no other thread is in the middle of an event.
    pub fn stats(&self) -> Stats {
        let Some(region) = self.region_of_process() else { return Stats::default() };
        let head = region.head();
        let figures = totals(region, Mark::Program);
        let peak = head.marks.peak(Mark::Program, || region.threads().live_bytes()) as u64;
        Stats::new(&figures, peak, figures.peak_blocks, head.failed.get())
    }

    /// The calling thread's figures: those of the blocks that it allocated, whichever thread frees them.
    pub fn thread_stats(&self) -> Stats {
        let guard = self.guard_without_triggers();
        guard.map_or_else(|_| Stats::default(), |guard| self.thread(guard.thread(), guard.slot).stats)
    }

    /// All threads that had events, including those that have ended.
    pub fn threads(&self) -> impl Iterator<Item = ThreadStats> + '_ {
        let known = self.region_of_process().into_iter();
        known.flat_map(|region| region.threads().iter()).map(|(id, slot)| self.thread(id, slot))
    }

    fn thread(&self, id: u16, slot: &ThreadSlot) -> ThreadStats {
        let marks = &self.region().head().marks;
        let figures = slot.account.figures(&marks.epochs, Mark::Program);
        let Held { bytes, blocks } = slot.peak(&marks.epochs);
        ThreadStats {
            id: u32::from(id),
            os_id: slot.os_id(),
            exited: slot.has_exited(),
            count: slot.count(),
            stats: Stats::new(&figures, bytes as u64, u64::from(blocks), 0),
            at_program_peak: figures.peak,
            name: self.thread_name(slot),
        }
    }

    fn thread_name(&self, slot: &ThreadSlot) -> [u8; 16] {
        let is_running = slot.os_id() != 0 && !slot.has_exited();
        let now = if is_running { self.platform.thread_name(slot.os_id()) } else { [0; 16] };
        // The system has no name for a thread that is about to end.
        if now[0] == 0 { slot.name() } else { now }
    }

    /// Finished stages, then those that are running.
    pub fn stages(&self) -> impl Iterator<Item = StageStats> + '_ {
        let region =
            self.region_of_process().inspect(|region| totals::raise_stage_peaks(*region, &self.platform));
        let now = region.map_or_else(Moment::default, |region| totals::moment(region, &self.platform));
        (0..).map_while(move |index| {
            let stage = try_lock(region?.stages())?.get(index, now)?;
            Some(StageStats::new(stage))
        })
    }

    /// Events that could not be attributed in full, by cause. Causes without an event are left out.
    pub fn losses(&self) -> impl Iterator<Item = (LossCause, u64)> + '_ {
        self.region_of_process().into_iter().flat_map(|region| region.head().losses.iter())
    }

    /// How many bytes the program's peak may be above the true one: 0 when it is exact.
    pub fn peak_error(&self) -> u64 {
        self.region_of_process().map_or(0, |region| region.head().marks.peak_error(region.threads()) as u64)
    }

    /// The time of the program's peak: nanoseconds from the tracker's start until live fell below the peak. The current
    /// time while live is still at the peak; 0 without a clock.
    pub fn peak_time_ns(&self) -> u64 {
        let time = |region: &R| region.head().marks.peak_time(Mark::Program, elapsed(region, &self.platform));
        self.region_of_process().map_or(0, time)
    }

    /// The figures as text: `println!("{}", HEAP.report())`. Losses come first, if there are any; then totals, stages and
    /// threads by peak, and with `std` live bytes over time and allocations by size. Allocates nothing.
    pub fn report(&self) -> Report<'_, A, U, P, R> {
        Report::new(self)
    }

    /// Live bytes over time until now.
    pub(crate) fn timeline(&self) -> impl Iterator<Item = Point> + '_ {
        let region = self
            .region_of_process()
            .inspect(|region| add_timeline_point(*region, elapsed(*region, &self.platform)));
        (0..).map_while(move |index| try_lock(region?.timeline())?.get(index))
    }

    /// The size classes of each thread that have blocks: the class's number, allocations, bytes.
    pub(crate) fn size_classes(&self) -> impl Iterator<Item = (u8, u64, u64)> + '_ {
        let known = self.region_of_process().into_iter();
        known.flat_map(|region| region.threads().iter()).flat_map(|(_, slot)| slot.sizes.iter())
    }

    /// The program's totals now.
    pub(super) fn moment(&self) -> Moment {
        totals::moment(self.region(), &self.platform)
    }

    /// The program's peak since the innermost stage began.
    pub(super) fn stage_peak(&self) -> Peak {
        totals::stage_peak(self.region(), &self.platform)
    }

    pub(super) fn thread_stage_peak(&self, thread: usize) -> usize {
        totals::thread_stage_peak(self.region(), thread)
    }
}
