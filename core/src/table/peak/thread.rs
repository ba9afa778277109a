//! A thread's high-water marks: since the last reset, since the process's innermost stage began, and since the
//! thread's own innermost span began.
//!
//! One mark follows live at every event. When one of the three starts anew, what the mark has seen is first kept for
//! the others. Resets and stages are told by a generation, which the thread follows at its next event; until then its
//! peak is what it held when the generation began.

use super::epoch::Stamp;
use super::program::Marks;
use crate::sync::*;
use crate::table::account::{Account, Held};

/// A high-water mark. It may stand below zero while a free is booked before its allocation: compared with a sign.
#[repr(C)]
#[derive(Default)]
struct High {
    bytes: AtomicUsize,
    blocks: AtomicU32,
}

impl High {
    fn get(&self) -> Held {
        Held { bytes: self.bytes.load(Relaxed), blocks: self.blocks.load(Relaxed) }
    }

    #[inline]
    fn set(&self, to: Held) {
        self.bytes.store(to.bytes, Relaxed);
        self.blocks.store(to.blocks, Relaxed);
    }

    #[inline]
    fn raise(&self, to: Held) {
        if to.bytes as isize > self.bytes.load(Relaxed) as isize {
            self.set(to);
        }
    }
}

fn higher(a: Held, b: Held) -> Held {
    if a.bytes as isize >= b.bytes as isize { a } else { b }
}

/// What others had freed of a thread's blocks when peaks were re-based: noted at their first free after it.
#[repr(C)]
#[derive(Default)]
struct Noted {
    /// The generation that the re-basing began.
    generation: Stamp,
    freed: High,
}

impl Noted {
    /// Before a free: what was `freed` so far.
    #[inline]
    fn note(&self, generation: usize, freed: impl Fn() -> Held) {
        self.generation.once(generation, |_| self.freed.set(freed()));
    }

    /// What of all that was `freed` was freed since `generation` began.
    fn since(&self, generation: usize, freed: Held) -> Held {
        if self.generation.epoch() == generation { freed.minus(self.freed.get()) } else { Held::default() }
    }
}

/// All-zero is a thread that held nothing yet. Written by the thread alone, but for what [`Noted`] keeps.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Highs {
    /// The generation that `now` belongs to: [`Marks::generation`].
    generation: AtomicUsize,
    /// What the account's own part may rise to before `now` can: never higher than `now` and what others freed.
    ceiling: AtomicUsize,
    /// Highest since any of the three began anew.
    now: High,
    /// The highest before it since the last reset, …
    since_reset: High,
    /// … since the generation began, …
    since_stage: High,
    /// … and since the thread's innermost span began.
    since_span: High,
    rebased: Noted,
    reset: Noted,
}

impl Highs {
    /// Before any event of the thread: when peaks were re-based since its last one, its peak is what it holds.
    #[inline]
    pub(crate) fn follow(&self, account: &Account, marks: &Marks) {
        let now = marks.generation();
        let mine = self.generation.load(Relaxed);
        if mine != now {
            self.rebase(account, marks, mine, now);
        }
    }

    #[cold]
    fn rebase(&self, account: &Account, marks: &Marks, mine: usize, now: usize) {
        self.since_span.raise(self.now.get());
        if marks.was_reset_since(mine) {
            self.since_reset.set(self.at_reset(account, marks));
        } else {
            self.since_reset.raise(self.now.get());
        }
        self.since_stage.set(Held::default());
        self.set_now(self.base(account, now), account);
        self.generation.store(now, Release);
    }

    fn set_now(&self, held: Held, account: &Account) {
        self.now.set(held);
        self.ceiling.store(held.plus(account.remote()).bytes, Relaxed);
    }

    /// Whether there is no re-basing to [follow](Self::follow).
    #[inline(always)]
    pub(crate) fn is_followed(&self, marks: &Marks) -> bool {
        self.generation.load(Relaxed) == marks.generation()
    }

    /// Whether own bytes of that many are no new high. What others freed since the ceiling was set raises it, so this may
    /// say no once too often.
    #[inline(always)]
    pub(crate) fn is_above(&self, own: usize) -> bool {
        own as isize <= self.ceiling.load(Relaxed) as isize
    }

    /// What the thread held when the generation `now` began, if it has had no event since: others may have freed
    /// blocks of it.
    fn base(&self, account: &Account, now: usize) -> Held {
        account.live().plus(self.rebased.since(now, account.remote()))
    }

    /// What it held at the last reset, if it has had no event since.
    fn at_reset(&self, account: &Account, marks: &Marks) -> Held {
        account.live().plus(self.reset.since(marks.last_reset(), account.remote()))
    }

    /// The thread holds more than before.
    #[inline]
    pub(crate) fn raise(&self, account: &Account) {
        let (live, now) = (account.live(), self.now.get());
        self.set_now(if live.bytes as isize > now.bytes as isize { live } else { now }, account);
    }

    /// Before a free of one of its blocks by somebody else.
    #[inline]
    pub(crate) fn note(&self, account: &Account, marks: &Marks) {
        self.rebased.note(marks.generation(), || account.remote());
        self.reset.note(marks.last_reset(), || account.remote());
    }

    /// The thread's own `reset_thread_peak`: the peak since the last reset becomes what it holds.
    pub(crate) fn reset(&self, account: &Account, marks: &Marks) {
        self.follow(account, marks);
        let seen = self.now.get();
        self.since_stage.raise(seen);
        self.since_span.raise(seen);
        self.since_reset.set(account.live());
        self.set_now(account.live(), account);
    }

    /// A span of the thread begins. What [`end_span`](Self::end_span) wants back: the outer span's peak so far.
    pub(crate) fn begin_span(&self, account: &Account, marks: &Marks) -> Held {
        self.follow(account, marks);
        let seen = self.now.get();
        let outer = higher(seen, self.since_span.get());
        self.since_reset.raise(seen);
        self.since_stage.raise(seen);
        self.since_span.set(account.live());
        self.set_now(account.live(), account);
        outer
    }

    /// The innermost span ends: its peak. The outer one's is at least that.
    pub(crate) fn end_span(&self, account: &Account, marks: &Marks, outer: Held) -> Held {
        self.follow(account, marks);
        let inner = higher(self.now.get(), self.since_span.get());
        self.since_span.set(higher(outer, inner));
        inner.settled()
    }

    /// Highest live bytes since the last reset, and the blocks then.
    pub(crate) fn peak(&self, account: &Account, marks: &Marks) -> Held {
        if marks.was_reset_since(self.generation.load(Acquire)) {
            return self.at_reset(account, marks).settled();
        }
        higher(self.since_reset.get(), self.now.get()).settled()
    }

    /// Highest live bytes since the process's innermost stage began, or the last reset after it.
    pub(crate) fn stage_peak(&self, account: &Account, marks: &Marks) -> Held {
        let now = marks.generation();
        if self.generation.load(Acquire) == now {
            return higher(self.since_stage.get(), self.now.get()).settled();
        }
        self.base(account, now).settled()
    }
}
