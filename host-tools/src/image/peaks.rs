//! Computes how much each account held at a peak, by the [rules] that a tracker reads its own tables by.

use super::tables::Tables;
use memtrack_format::Figures;
use memtrack_format::image::Machine;
use memtrack_format::image::records::{Account, Credit, Head, High, Noted, Part, Slot};
use memtrack_format::image::rules::{self, Held, ImageWord, Mark, Totals, Word};

/// The rules, for one image.
#[derive(Clone, Copy)]
pub(super) struct Peaks<'t> {
    machine: Machine,
    head: &'t Head,
    /// The stage's peak.
    stage: u64,
}

impl<'t> Peaks<'t> {
    pub(super) fn new(machine: Machine, tables: &'t Tables) -> Self {
        let mut peaks = Peaks { machine, head: &tables.head, stage: tables.head.peak };
        if tables.credit.shares & rules::ADVANCED != 0 {
            // The peak was raised in advance: it is what is live.
            let live = |slot: &Slot| peaks.figures(&slot.account, Mark::Stage).live;
            peaks.stage = tables.slots.iter().map(|(_, slot)| live(slot)).fold(0, u64::wrapping_add);
        }
        peaks
    }

    fn word(&self, value: u64) -> ImageWord {
        ImageWord::new(value, self.machine)
    }

    fn held(&self, bytes: u64, blocks: u32) -> Held<ImageWord> {
        Held { bytes: self.word(bytes), blocks }
    }

    fn high(&self, high: &High) -> Held<ImageWord> {
        self.held(high.bytes, high.blocks)
    }

    fn is_at_peak(&self, mark: Mark) -> bool {
        self.head.state & mark.flag() as u64 != 0
    }

    fn live(&self, account: &Account) -> Held<ImageWord> {
        self.part(&account.own).minus(self.part(&account.remote))
    }

    fn part(&self, part: &Part) -> Held<ImageWord> {
        self.held(part.bytes, part.blocks)
    }

    fn at_mark(&self, part: &Part, mark: Mark) -> Held<ImageWord> {
        let number = mark as usize;
        let fallen = self.head.fallen[number];
        let is_unchanged = || rules::precedes(self.word(part.epoch), self.word(fallen));
        let copy = || self.held(part.held[number], part.held_blocks[number]);
        rules::at_mark(self.is_at_peak(mark), is_unchanged, || self.part(part), copy)
    }

    /// All figures of a cell or thread; `peak` is what it held at the mark.
    pub(super) fn figures(&self, account: &Account, mark: Mark) -> Figures {
        let Account { allocs, bytes, temporary, reallocs, .. } = *account;
        let held = self.at_mark(&account.own, mark).minus(self.at_mark(&account.remote, mark));
        rules::figures(Totals { allocs, bytes, temporary, reallocs }, self.live(account), held)
    }

    /// The peak in bytes.
    pub(super) fn peak(&self, mark: Mark) -> u64 {
        rules::peak(mark, self.stage, || self.head.kept)
    }

    /// The time of the peak: `now` while live bytes are at the peak.
    pub(super) fn peak_time(&self, mark: Mark, now: u64) -> u64 {
        if self.is_at_peak(mark) { now } else { self.head.peak_time[mark as usize] }
    }

    /// What the thread held when `generation` began, if it has had no event since then.
    fn base(&self, slot: &Slot, noted: &Noted, generation: u64) -> Held<ImageWord> {
        let freed = rules::freed_since(
            self.word(generation),
            self.word(noted.generation),
            || self.high(&noted.freed),
            self.part(&slot.account.remote),
        );
        self.live(&slot.account).plus(freed)
    }

    /// A thread's own peak since the last reset: bytes and blocks.
    pub(super) fn thread_peak(&self, slot: &Slot) -> (u64, u64) {
        let reset = self.head.reset;
        let is_behind = rules::was_reset_since(self.word(reset), self.word(slot.generation));
        self.own_peak(slot, is_behind, (&slot.reset, reset), &slot.since_reset)
    }

    /// A thread's own peak since the innermost stage began: bytes.
    pub(super) fn thread_stage_peak(&self, slot: &Slot) -> u64 {
        let generation = self.head.generation;
        self.own_peak(slot, slot.generation != generation, (&slot.rebased, generation), &slot.since_stage).0
    }

    fn own_peak(&self, slot: &Slot, is_behind: bool, began: (&Noted, u64), since: &High) -> (u64, u64) {
        let marks = || [self.high(since), self.high(&slot.now)];
        let peak = rules::own_peak(is_behind, || self.base(slot, began.0, began.1), marks);
        (peak.bytes.wide(), peak.blocks.into())
    }
}

/// The most bytes by which the program's peak may be too high, with so many `threads`.
pub(super) fn error(credit: &Credit, threads: u32) -> u64 {
    let slack = if credit.open != 0 { credit.slack } else { 0 };
    credit.error.saturating_add(slack.saturating_mul(threads.into()))
}
