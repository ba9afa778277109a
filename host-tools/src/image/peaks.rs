//! Computes how much each account held at a peak.
//!
//! A tracker reads its own tables by the same rules. The modules `account` and `peak` of the core
//! explain them.

use memtrack_format::Figures;

use super::memory::Rule;
use super::records::{Account, Held, Noted, Part, Slot};
use super::tables::Head;

/// The two peaks of which accounts have copies: the program's since the last reset, and the one since the
/// innermost stage began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Program = 0,
    Stage = 1,
}

/// Flags in the state word: live bytes are at this peak now.
const STAGE: u64 = 1;
const PROGRAM: u64 = 2;

/// The rules of one image.
#[derive(Clone, Copy)]
pub(super) struct Peaks<'t> {
    pub(super) rule: Rule,
    pub(super) head: &'t Head,
}

impl Peaks<'_> {
    fn is_at_peak(&self, mark: Mark) -> bool {
        self.head.state & if mark == Mark::Program { PROGRAM } else { STAGE } != 0
    }

    /// The difference of two wrapping counters, as a signed number.
    fn ahead(&self, a: u64, b: u64) -> i64 {
        self.rule.signed(a.wrapping_sub(b))
    }

    fn minus(a: Held, b: Held) -> Held {
        Held { bytes: a.bytes.wrapping_sub(b.bytes), blocks: a.blocks.wrapping_sub(b.blocks) }
    }

    fn plus(a: Held, b: Held) -> Held {
        Held { bytes: a.bytes.wrapping_add(b.bytes), blocks: a.blocks.wrapping_add(b.blocks) }
    }

    /// Negative values become zero: an event was only half booked.
    fn settled(&self, held: Held) -> Held {
        let bytes = self.rule.signed(held.bytes).max(0) as u64;
        Held { bytes, blocks: (held.blocks as i32).max(0) as u32 }
    }

    fn higher(&self, a: Held, b: Held) -> Held {
        if self.rule.signed(a.bytes) >= self.rule.signed(b.bytes) { a } else { b }
    }

    fn at_mark(&self, part: &Part, mark: Mark) -> Held {
        let unchanged = self.ahead(part.epoch, self.head.fallen[mark as usize]) < 0;
        if self.is_at_peak(mark) || unchanged { part.live } else { part.held[mark as usize] }
    }

    fn live(account: &Account) -> Held {
        Self::minus(account.own.live, account.remote.live)
    }

    /// All figures of a cell or thread; `peak` is what it held at the mark.
    pub(super) fn figures(&self, account: &Account, mark: Mark) -> Figures {
        let live = self.settled(Self::live(account));
        let at_mark = Self::minus(self.at_mark(&account.own, mark), self.at_mark(&account.remote, mark));
        let at_mark = self.settled(at_mark);
        Figures {
            allocs: account.allocs,
            bytes: account.bytes,
            live: live.bytes,
            live_blocks: live.blocks.into(),
            peak: at_mark.bytes,
            peak_blocks: at_mark.blocks.into(),
            temporary: account.temporary,
            reallocs: account.reallocs,
        }
    }

    /// The peak in bytes. The program's peak is never below the stage's.
    pub(super) fn peak(&self, mark: Mark) -> u64 {
        match mark {
            Mark::Program => self.head.peak.max(self.head.kept),
            Mark::Stage => self.head.peak,
        }
    }

    /// The time of the peak: `now` while live bytes are at the peak.
    pub(super) fn peak_time(&self, mark: Mark, now: u64) -> u64 {
        if self.is_at_peak(mark) { now } else { self.head.peak_time[mark as usize] }
    }

    /// The part of `freed` that other threads freed since `generation` began.
    fn since(noted: &Noted, generation: u64, freed: Held) -> Held {
        if noted.generation == generation { Self::minus(freed, noted.freed) } else { Held::default() }
    }

    /// A thread's own peak since the last reset.
    pub(super) fn thread_peak(&self, slot: &Slot) -> Held {
        if self.ahead(self.head.reset, slot.generation) > 0 {
            let freed = Self::since(&slot.reset, self.head.reset, slot.account.remote.live);
            return self.settled(Self::plus(Self::live(&slot.account), freed));
        }
        self.settled(self.higher(slot.since_reset, slot.now))
    }

    /// A thread's own peak since the innermost stage began.
    pub(super) fn thread_stage_peak(&self, slot: &Slot) -> Held {
        if slot.generation == self.head.generation {
            return self.settled(self.higher(slot.since_stage, slot.now));
        }
        let freed = Self::since(&slot.rebased, self.head.generation, slot.account.remote.live);
        self.settled(Self::plus(Self::live(&slot.account), freed))
    }
}
