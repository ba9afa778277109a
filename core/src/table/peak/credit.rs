//! Credit: the bytes between live and the stage's peak, in the hands of the threads.
//!
//! **Problem.** The peak has to be exact, but a counter of live bytes that all threads change at every event would cost
//! more than the rest of an event.
//!
//! **Idea.** `pool + shares = peak − live`, always. A free adds its bytes to the share of the thread that frees. An
//! allocation takes its bytes from the share of the thread that allocates, and touches nothing else while the share is large
//! enough. A thread that runs short takes from the pool, then collects the shares of all threads. When all of it together
//! is too little, the missing bytes raise the peak. So the peak is exact, and threads meet only near it. While no thread
//! has a share (a program that only grows), an allocation is one atomic addition to the peak.
//!
//! # Share
//! The part of the credit that one thread has ([`Share`]).
//!
//! # Pool
//! The part that no thread has.
//!
//! # Collector
//! A thread that takes all shares. There is one at a time: it holds a lock, which others try for a bounded time.
//!
//! # Error
//! The bytes by which a thread raised the peak although some other thread may have had credit.
//!
//! # Slack
//! A mode in which a thread that runs short takes from the pool alone. Then the peak may be too high by the shares of the
//! other threads, and each thread holds no more than the slack.
//!
//! # Advance
//! Credit for bytes that are not free: see [`advance`].
//!
//! # Alone and open
//! While one thread alone has had events, it changes its share by plain loads and stores. The second thread opens the
//! credit: it makes a barrier on all running threads, and waits until the first one is outside the hook
//! ([`Credit::open`]). From then on shares change by atomic operations.

mod advance;

use super::share::{Share, Shares};
use crate::limits::{ADVANCE, COLLECTOR_PASSES, COLLECTOR_TRIES};
use crate::sync::*;
use crate::table::image::assert_layout;
use core::mem::offset_of;
use memtrack_format::image::records;

/// Some thread may have a share.
const GIVEN: u32 = 1;
/// A thread is collecting the shares.
const LOCKED: u32 = 2;

/// The pool, and who may touch which share. All-zero is the start.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Credit {
    pool: AtomicUsize,
    /// [`GIVEN`], [`LOCKED`] and [`ADVANCED`]. In one word: a thread that reads none knows that no thread has credit.
    shares: AtomicU32,
    /// More than one thread has had events: shares change by atomic operations only.
    open: AtomicU32,
    /// Bytes by which threads raised the peak without asking all others.
    error: AtomicUsize,
    /// Bytes that each thread may hold without being asked for them; 0 without slack.
    slack: AtomicUsize,
    /// Slots of threads that a forked process has from its parent. The process's first thread has the slot after them.
    inherited: AtomicU32,
}

// The image ends before what a forked child needs.
const _: () = assert_layout!(
    records::Credit, slots 0, base 0;
    offset_of!(Credit, pool),
    offset_of!(Credit, shares),
    offset_of!(Credit, open),
    offset_of!(Credit, error),
    offset_of!(Credit, slack),
);

impl Credit {
    /// Where a copy of it has the number of inherited slots.
    #[cfg(feature = "std")]
    pub(in crate::table) const INHERITED: usize = offset_of!(Self, inherited);

    /// Takes `n` bytes from the share of the calling thread, which is inside the hook. False when the share has less.
    #[inline(always)]
    pub(crate) fn take(&self, n: usize, own: &Share) -> bool {
        if self.is_alone() { own.take_alone(n) } else { own.take_shared(n) }
    }

    /// Gives `n` bytes to the share of the calling thread, which is inside the hook.
    #[inline(always)]
    pub(crate) fn give_to(&self, n: usize, own: &Share) {
        if self.is_alone() {
            own.add_alone(n);
        } else {
            self.give_shared(n, own);
        }
    }

    /// Gives `n` bytes to the calling thread's share, or to the pool.
    #[inline]
    pub(super) fn give(&self, n: usize, own: Option<&Share>) {
        match own {
            Some(own) => self.give_to(n, own),
            None => _ = self.pool.fetch_add(n, AcqRel),
        }
    }

    /// Gives `n` bytes to a share that other threads may take. Not inlined in firmware, where flash is dearer than a call.
    #[cfg_attr(feature = "std", inline)]
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn give_shared(&self, n: usize, own: &Share) {
        let slack = self.slack.load(Relaxed);
        if slack != 0 {
            return self.give_with_slack(n, own, slack / 2);
        }
        // SeqCst, against the collector's: either the collector finds these bytes, or this thread finds the flag cleared.
        own.bytes.fetch_add(n, SeqCst);
        if self.shares.load(SeqCst) & GIVEN == 0 {
            self.shares.fetch_or(GIVEN, SeqCst);
        }
    }

    /// Leaves up to `most` bytes in the share and gives the rest to the pool. Bytes on their way from share to pool are in
    /// neither, so they count as held: `most` of the share and as much of `n`.
    fn give_with_slack(&self, n: usize, own: &Share, most: usize) {
        if n > most {
            self.pool.fetch_add(n, AcqRel);
        } else if own.bytes.fetch_add(n, SeqCst).saturating_add(n) > most {
            let all = own.take_all_shared();
            self.pool.fetch_add(all, AcqRel);
        }
    }

    /// Takes all bytes of the calling thread's share.
    fn take_all(&self, own: &Share) -> usize {
        if self.is_alone() { own.take_all_alone() } else { own.take_all_shared() }
    }

    /// From now on each thread may hold `slack` bytes without being asked for them.
    pub(super) fn set_slack<'t>(&self, slack: usize, threads: impl Shares<'t>, own: Option<&Share>) {
        self.slack.store(slack, SeqCst);
        let locked = self.lock();
        let found = self.collect(usize::MAX, threads, own);
        self.pool.fetch_add(found, AcqRel);
        self.shares.fetch_or(GIVEN, SeqCst);
        if locked {
            self.unlock();
        }
    }

    /// Takes `n` bytes that the calling thread's share does not have: from the pool, then from all shares. `raise` adds
    /// the bytes that are still missing to the peak.
    #[inline(never)]
    pub(super) fn take_slowly<'t>(
        &self,
        n: usize,
        own: Option<&Share>,
        threads: impl Shares<'t>,
        raise: impl FnOnce(usize),
    ) {
        let need = n.saturating_sub(own.map_or(0, |own| self.take_all(own)));
        let need = need - self.take_from_pool(need, own);
        if need == 0 {
            return;
        }
        if self.slack.load(Relaxed) != 0 && !self.is_alone() {
            return raise(need);
        }
        if own.is_none() && self.is_alone() {
            // An event without a thread, perhaps in the middle of the one thread's own: it cannot take that thread's share.
            self.keep_advance();
            self.error.fetch_add(threads.bytes().min(need), Relaxed);
            return raise(need);
        }
        if self.shares.load(SeqCst) == 0 {
            return raise(need);
        }
        if !self.lock() {
            self.error.fetch_add(need, Relaxed);
            return raise(need);
        }
        let found = self.collect(need, threads, own);
        match found.checked_sub(need) {
            Some(0) => {}
            Some(rest) => {
                let kept = if own.is_some() { rest / 2 } else { 0 };
                self.pool.fetch_add(rest - kept, AcqRel);
                self.give(kept, own);
                // A thread that found the pool empty a moment ago has to look again.
                self.shares.fetch_or(GIVEN, SeqCst);
            }
            None => raise(need - found),
        }
        self.unlock();
    }

    /// Takes up to `need` bytes from the pool, and some in advance for the calling thread's share. Returns how many of the
    /// need it took.
    fn take_from_pool(&self, need: usize, own: Option<&Share>) -> usize {
        let mut pool = self.pool.load(Acquire);
        // An advance on its way from pool to share is in neither: the lock keeps others from collecting in between.
        let slack = self.slack.load(Relaxed);
        let locked = slack == 0 && own.is_some() && need > 0 && pool > need && self.try_lock();
        let advance = if locked { ADVANCE } else { 0 };
        let taken = loop {
            let taken = pool.min(need.saturating_add(advance));
            if taken == 0 || need == 0 {
                break 0;
            }
            match self.pool.compare_exchange_weak(pool, pool - taken, AcqRel, Acquire) {
                Ok(_) => break taken,
                Err(now) => pool = now,
            }
        };
        if taken > need {
            self.give(taken - need, own);
        }
        if locked {
            self.unlock();
        }
        taken.min(need)
    }

    /// Takes all credit away and calls `lower` with the number of bytes. `own` is the calling thread's share.
    pub(super) fn drain<'t>(&self, threads: impl Shares<'t>, own: Option<&Share>, lower: impl FnOnce(usize)) {
        let locked = self.lock();
        lower(self.collect(usize::MAX, threads, own));
        if locked {
            self.unlock();
        }
    }

    /// Takes the pool and all shares, until it has `need` bytes or nothing is left.
    ///
    /// While it visits one share, another thread may free and a third one allocate as much. So it has seen everything only
    /// after a pass in which no thread freed. A free into a share sets the flag again; a free into the pool is seen because
    /// the pool comes last.
    fn collect<'t>(&self, need: usize, threads: impl Shares<'t>, own: Option<&Share>) -> usize {
        if self.is_alone() {
            // Other shares must not be touched. The one thread may take its own.
            return self.pool.swap(0, SeqCst).wrapping_add(own.map_or(0, |own| self.take_all(own)));
        }
        let mut found = 0;
        for _ in 0..COLLECTOR_PASSES {
            self.shares.fetch_and(!GIVEN, SeqCst);
            let shares = threads.shares().map(Share::take_all_shared);
            found = shares.fold(found, usize::wrapping_add).wrapping_add(self.pool.swap(0, SeqCst));
            if found >= need || self.shares.load(SeqCst) & GIVEN == 0 {
                return found;
            }
        }
        self.error.fetch_add(threads.bytes(), Relaxed);
        found
    }

    /// Whether one thread alone has had events.
    #[inline(always)]
    pub(crate) fn is_alone(&self) -> bool {
        self.open.load(Relaxed) == 0
    }

    /// Takes the collector's lock. False when its holder was interrupted.
    fn lock(&self) -> bool {
        (0..COLLECTOR_TRIES).any(|_| {
            let had = self.try_lock();
            if !had {
                spin_loop();
            }
            had
        })
    }

    fn try_lock(&self) -> bool {
        let shares = self.shares.load(Relaxed);
        shares & LOCKED == 0 && self.shares.compare_exchange(shares, shares | LOCKED, SeqCst, Relaxed).is_ok()
    }

    fn unlock(&self) {
        self.shares.fetch_and(!LOCKED, SeqCst);
    }

    /// A second thread comes: from now on shares change by atomic operations. `barrier` is a full barrier on every
    /// running thread; where there is none, the credit is open from the start.
    #[cold]
    pub(crate) fn open<'t>(&self, threads: impl Shares<'t>, barrier: impl FnOnce()) {
        if self.open.swap(1, SeqCst) != 0 {
            return;
        }
        self.shares.fetch_or(GIVEN, SeqCst);
        // After it each thread has either said that it is inside, or will see that the credit is open.
        barrier();
        for share in threads.shares() {
            let left = (0..COLLECTOR_TRIES * 16).any(|_| {
                let left = share.inside.load(Acquire) == 0;
                if !left {
                    spin_loop();
                }
                left
            });
            if !left {
                // The thread was stopped inside: bytes that it writes later may count twice.
                self.error.fetch_add(share.bytes(), Relaxed);
            }
            if self.slack.load(Relaxed) != 0 {
                // The share of the thread that was alone had no limit.
                self.pool.fetch_add(share.take_all_shared(), AcqRel);
            }
        }
    }

    /// In a forked child, whose other threads are gone: no thread collects.
    #[cfg(feature = "std")]
    pub(crate) fn unlock_after_fork(&self) {
        self.unlock();
    }

    /// The thread with this share has abandoned an event in the middle: makes the credit `credit` bytes, or has the peak
    /// raised when that is negative. While other threads run the number is not known to the byte: then the difference is an
    /// error of the peak.
    #[cfg(feature = "std")]
    pub(super) fn settle<'t>(
        &self,
        credit: isize,
        own: &Share,
        threads: impl Shares<'t>,
        raise: impl FnOnce(usize),
    ) {
        if !self.is_alone() {
            let known = threads.bytes().wrapping_add(self.pool.load(Acquire)) as isize;
            self.error.fetch_add(credit.abs_diff(known), Relaxed);
            return;
        }
        self.pool.store(0, Release);
        own.bytes.store(credit.max(0) as usize, Relaxed);
        if credit < 0 {
            raise(credit.unsigned_abs());
        }
    }

    /// In a forked child: no thread has credit.
    #[cfg(feature = "std")]
    pub(super) fn forked<'t>(&self, threads: impl Shares<'t>) {
        threads.shares().for_each(|share| share.bytes.store(0, Relaxed));
        self.pool.store(0, Relaxed);
        self.shares.store(0, Relaxed);
        self.forget_error();
        self.inherited.store(threads.count(), Relaxed);
    }

    /// How many slots of threads a forked process has from its parent.
    pub(crate) fn inherited(&self) -> u32 {
        self.inherited.load(Relaxed)
    }

    /// The most bytes by which the peak may be above the true one.
    pub(super) fn error<'t>(&self, threads: impl Shares<'t>) -> usize {
        let slack = if self.is_alone() { 0 } else { self.slack.load(Relaxed) };
        self.error.load(Relaxed).saturating_add(slack.saturating_mul(threads.count() as usize))
    }

    pub(super) fn forget_error(&self) {
        self.error.store(0, Relaxed);
    }
}

#[cfg(all(test, not(models)))]
mod tests;
