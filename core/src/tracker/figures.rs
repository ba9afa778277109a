//! What a program asks of its tracker. None of it allocates.

use super::Tracker;
use crate::hook::attend::sample;
use crate::hook::guard::{Entered, Entry};
use crate::lock::try_lock;
use crate::platform::{Local, Platform};
use crate::stats::{StageStats, Stats, ThreadStats};
use crate::table::account::Held;
use crate::table::peak::Mark;
use crate::table::peak::stage::{Moment, Peak, Stages};
use crate::table::pending;
use crate::table::region::Tables;
use crate::table::threads::{self, ThreadSlot};
use crate::table::timeline::Point;
use crate::unwind::Unwind;
use crate::{Error, LossCause, Report};
use memtrack_format::{Cause, Figures};

/// Sums over all threads: the program's figures, `peak` of the mark asked for.
pub(crate) fn totals<R: Tables>(region: &R, mark: Mark) -> Figures {
    let marks = &region.head().marks;
    let figures = region.threads().iter().map(|(_, slot)| slot.account.figures(&marks.epochs, mark));
    figures.fold(Figures::default(), Figures::wrapping_add)
}

/// Nanoseconds since the tracker started.
pub(crate) fn elapsed<R: Tables, P: Platform>(region: &R, platform: &P) -> u64 {
    platform.now_ns().saturating_sub(region.head().start.get())
}

/// The program's totals now.
pub(crate) fn moment<R: Tables, P: Platform>(region: &R, platform: &P) -> Moment {
    let head = region.head();
    let figures = totals(region, Mark::Stage);
    Moment {
        time_ns: elapsed(region, platform),
        allocs: figures.allocs,
        bytes: figures.bytes,
        live: figures.live as usize,
        lost: head.losses.total(),
    }
}

/// The peak of the innermost stage's mark.
fn stage_peak<R: Tables, P: Platform>(region: &R, platform: &P) -> Peak {
    let marks = &region.head().marks;
    Peak {
        bytes: marks.peak(Mark::Stage),
        blocks: totals(region, Mark::Stage).peak_blocks as usize,
        time_ns: marks.peak_time(Mark::Stage, elapsed(region, platform)),
    }
}

fn thread_stage_peak<R: Tables>(region: &R, thread: usize) -> usize {
    let slot = region.threads().find(thread as u16);
    slot.map_or(0, |slot| slot.stage_peak(&&region.head().marks.epochs).bytes)
}

/// Tells the stages that are active what the mark has seen so far.
pub(crate) fn fold<R: Tables, P: Platform>(region: &R, platform: &P) {
    if let Some(mut stages) = try_lock(region.stages()) {
        stages.fold(stage_peak(region, platform), |thread| thread_stage_peak(region, thread));
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// The program's figures. Exact at any moment when no other thread is in the middle of an event.
    pub fn stats(&self) -> Stats {
        let Some(region) = self.known() else { return Stats::default() };
        let head = region.head();
        let figures = totals(region, Mark::Program);
        let peak = head.marks.peak(Mark::Program) as u64;
        Stats::new(&figures, peak, figures.peak_blocks, head.failed.get())
    }

    /// The calling thread's figures: of the blocks that it allocated, whoever frees them.
    pub fn thread_stats(&self) -> Stats {
        match self.enter_always() {
            Entry::Ready(entered) => {
                self.thread(entered.slot, self.region().threads().get(entered.slot)).stats
            }
            _ => Stats::default(),
        }
    }

    /// All threads that had events, exited ones too.
    pub fn threads(&self) -> impl Iterator<Item = ThreadStats> + '_ {
        let known = self.known().into_iter();
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
        // The system no longer names a thread that is about to end.
        if now[0] == 0 { slot.name() } else { now }
    }

    /// Finished stages and, behind them, those that are running.
    pub fn stages(&self) -> impl Iterator<Item = StageStats> + '_ {
        let region = self.known().inspect(|region| fold(*region, &self.platform));
        let now = region.map_or_else(Moment::default, |region| moment(region, &self.platform));
        (0..).map_while(move |place| {
            let stage = try_lock(region?.stages())?.get(place, now)?;
            Some(StageStats::new(stage))
        })
    }

    /// Events that could not be attributed in full, by cause; causes that did not occur are left out.
    pub fn losses(&self) -> impl Iterator<Item = (LossCause, u64)> + '_ {
        self.known().into_iter().flat_map(|region| region.head().losses.iter())
    }

    /// The peaks of the program and of every thread become what is live now. Costs the same however many threads
    /// there are: each re-bases its own when it next runs.
    pub fn reset_peak(&self) {
        if self.known().is_none() {
            return;
        }
        #[cfg(feature = "std")]
        self.before_rebase();
        fold(self.region(), &self.platform);
        let entry = self.enter_for_marks();
        let own = self.own_share(&entry);
        let left = self.region().head().marks.reset(self.region().threads(), own);
        if let Some(mut stages) = try_lock(self.region().stages()) {
            // As where a stage begins.
            stages.fold(Peak { bytes: left, ..Peak::default() }, |_| 0);
        }
    }

    /// The calling thread's peak becomes what it holds now.
    pub fn reset_thread_peak(&self) {
        if let Some(region) = self.known() {
            fold(region, &self.platform);
        }
        if let Entry::Ready(entered) = self.enter_always() {
            self.region().threads().get(entered.slot).reset_peak(&self.region().head().marks.epochs);
        }
    }

    /// Trades the exactness of the program's peak for threads that meet less: each may hold `bytes` of credit, which
    /// nobody asks for when live comes near the peak. The peak told is then too high by `bytes` for each thread at most,
    /// which stands in the report and in dumps; live and totals stay exact, and so do threads' own peaks. 0, the
    /// default, is exact. Call it before threads are at work.
    pub fn set_slack(&self, bytes: usize) {
        if self.found().is_none() {
            return;
        }
        let entry = self.enter_for_marks();
        self.region().head().marks.set_slack(bytes, self.region().threads(), self.own_share(&entry));
    }

    /// Most bytes by which the program's peak told may exceed the true one: 0 when it is exact.
    pub fn peak_error(&self) -> u64 {
        self.known().map_or(0, |region| region.head().marks.peak_error(region.threads()) as u64)
    }

    /// When the program's peak was: nanoseconds from the tracker's start until live fell from it; now while it stands. 0
    /// without a clock.
    pub fn peak_time_ns(&self) -> u64 {
        let time = |region: &R| region.head().marks.peak_time(Mark::Program, elapsed(region, &self.platform));
        self.known().map_or(0, time)
    }

    /// From now on events are booked without thread and stack, and counted as lost to `paused`: live and peak stay
    /// exact.
    pub fn pause(&self) {
        // Events without a thread take their credit from everybody.
        if let Some(region) = self.found() {
            region.head().marks.credit.open(region.threads(), || _ = self.platform.barrier());
            region.head().pending.raise(pending::PAUSED);
        }
    }

    /// Ends [`pause`](Self::pause).
    pub fn resume(&self) {
        if let Some(region) = self.known() {
            region.head().pending.lower(pending::PAUSED);
        }
    }

    /// The figures in a form one wants to read: `println!("{}", HEAP.report())`. Losses first, where there are any; then
    /// totals, stages and threads by peak, and with `std` live bytes over time and allocations by size. Allocates nothing.
    pub fn report(&self) -> Report<'_, A, U, P, R> {
        Report::new(self)
    }

    /// Live bytes over time until now.
    pub(crate) fn timeline(&self) -> impl Iterator<Item = Point> + '_ {
        let region = self.known().inspect(|region| sample(*region, elapsed(*region, &self.platform)));
        (0..).map_while(move |place| try_lock(region?.timeline())?.get(place))
    }

    /// Of each thread the classes of sizes that it has blocks of: number, allocations, bytes.
    pub(crate) fn size_classes(&self) -> impl Iterator<Item = (u8, u64, u64)> + '_ {
        let known = self.known().into_iter();
        known.flat_map(|region| region.threads().iter()).flat_map(|(_, slot)| slot.sizes.iter())
    }

    /// A thread or task has ended: its figures stay, and its slot may be continued by another of its name. `local`
    /// are its words ([`Platform::local`]), which are not its own from now on. A host's threads are told by the
    /// system; this is for the task hooks of an RTOS.
    pub fn thread_ended(&self, local: &Local, name: &str) {
        let Some(slot) = local.end().filter(|&slot| slot >= threads::FIRST) else { return };
        let mut kept = [0; threads::THREAD_NAME];
        kept.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
        if let Some(region) = self.known() {
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

    /// Enters the hook to re-base the marks. A context that cannot be entered has the others' shares changed by
    /// atomic operations from here on, so that it may take them.
    pub(super) fn enter_for_marks(&self) -> Entry<Entered<'_>> {
        let entry = self.enter_always();
        if self.own_share(&entry).is_none() {
            self.region().head().marks.credit.open(self.region().threads(), || _ = self.platform.barrier());
        }
        entry
    }

    /// The program's totals now.
    pub(super) fn moment(&self) -> Moment {
        moment(self.region(), &self.platform)
    }

    /// The peak of the innermost stage's mark.
    pub(super) fn stage_peak(&self) -> Peak {
        stage_peak(self.region(), &self.platform)
    }

    pub(super) fn thread_stage_peak(&self, thread: usize) -> usize {
        thread_stage_peak(self.region(), thread)
    }
}
