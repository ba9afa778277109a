//! Head-room: how far live lies below the stage's peak, conserved and handed around.
//!
//! Each thread holds a share of it, the rest is in a pool; `pool + shares = peak − live`, always. A free adds its
//! bytes to the freeing thread's share, an allocation takes from it, and neither touches anything shared while the
//! share suffices. A thread that runs short takes from the pool, then collects what the others hold; only when all
//! of it together is too little do the missing bytes raise the peak: so the peak is exact, and threads meet only
//! near it. While nobody holds a share (a program that only grows) that is one atomic addition.
//!
//! With *slack* a thread that runs short asks nobody but the pool: the peak told may then be too high by what the others
//! hold, which is no more than the slack for each of them.
//!
//! While one thread alone has had events its share is plain loads and stores. When a second one comes it says so,
//! makes the barrier that the first one spares itself, and waits until that is outside of the hook ([`Room::open`]).

use super::share::Share;
use crate::sync::*;
use crate::table::threads::{FIRST, Threads};

/// Somebody may hold a share.
const GIVEN: u32 = 1;
/// A thread is collecting the shares.
const LOCKED: u32 = 2;
/// How often the collector's lock is tried. It is held for some tens of nanoseconds a thread.
const TRIES: usize = if cfg!(models) { 1 << 6 } else { 1 << 12 };
/// How often a collector asks everybody before it gives up on finding all at rest.
const PASSES: usize = 16;
/// Bytes beyond its need that a thread takes from the pool.
const ADVANCE: usize = 16 << 10;

/// The pool, and who may touch whose share. All-zero is the start.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Room {
    pool: AtomicUsize,
    /// [`GIVEN`] and [`LOCKED`]. In one word: who reads neither knows that nobody holds anything.
    shares: AtomicU32,
    /// More than one thread has had events: shares change by atomic operations only.
    open: AtomicU32,
    /// Bytes by which the peak was raised without asking everybody.
    error: AtomicUsize,
    /// Bytes that each thread may hold without being asked for them; 0 for none.
    slack: AtomicUsize,
    /// Slots of threads that a forked process has from its parent: its first thread has the one behind them.
    inherited: AtomicU32,
}

impl Room {
    /// Where a copy of it has the number of inherited slots.
    #[cfg(feature = "std")]
    pub(in crate::table) const INHERITED: usize = core::mem::offset_of!(Self, inherited);

    /// Adds to the share of the thread that freed, or to the pool.
    #[inline]
    pub(super) fn give(&self, n: usize, own: Option<&Share>) {
        match own {
            Some(own) => own.give(n, self),
            None => _ = self.pool.fetch_add(n, AcqRel),
        }
    }

    /// Adds to a share that others may take. Once in a firmware, where flash is dearer than a call.
    #[cfg_attr(feature = "std", inline)]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn give_shared(&self, n: usize, own: &Share) {
        let slack = self.slack.load(Relaxed);
        if slack != 0 {
            return self.give_slackly(n, own, slack / 2);
        }
        // SeqCst, against the collector's: either it finds these bytes, or this thread finds the flag cleared.
        own.bytes.fetch_add(n, SeqCst);
        if self.shares.load(SeqCst) & GIVEN == 0 {
            self.shares.fetch_or(GIVEN, SeqCst);
        }
    }

    /// Keeps up to `most` bytes of a share, the rest goes to the pool. What is in the middle of that is nowhere, so it
    /// counts as held: `most` of the share and as much of `n`.
    fn give_slackly(&self, n: usize, own: &Share, most: usize) {
        if n > most {
            self.pool.fetch_add(n, AcqRel);
        } else if own.bytes.fetch_add(n, SeqCst).saturating_add(n) > most {
            let all = own.bytes.swap(0, SeqCst);
            self.pool.fetch_add(all, AcqRel);
        }
    }

    /// From now on each thread may hold `slack` bytes without being asked.
    pub(super) fn set_slack(&self, slack: usize, threads: Threads<'_>, own: Option<&Share>) {
        self.slack.store(slack, SeqCst);
        let locked = self.lock();
        let found = self.collect(usize::MAX, threads, own);
        self.pool.fetch_add(found, AcqRel);
        self.shares.fetch_or(GIVEN, SeqCst);
        if locked {
            self.unlock();
        }
    }

    /// Takes `n` bytes that the own share does not have: from the pool, then from everybody; what is missing then
    /// is for `raise` to add to the peak.
    #[inline(never)]
    pub(super) fn take_slowly(
        &self,
        n: usize,
        own: Option<&Share>,
        threads: Threads<'_>,
        raise: impl FnOnce(usize),
    ) {
        let need = n.saturating_sub(own.map_or(0, |own| own.take_all(self)));
        let need = need - self.take_from_pool(need, own);
        if need == 0 {
            return;
        }
        if self.slack.load(Relaxed) != 0 && !self.is_alone() {
            return raise(need);
        }
        if own.is_none() && self.is_alone() {
            // An event of nobody's, perhaps in the middle of the one thread's own: its share cannot be asked for.
            self.error.fetch_add(held(threads).min(need), Relaxed);
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
                // Who found the pool empty a moment ago has to look again.
                self.shares.fetch_or(GIVEN, SeqCst);
            }
            None => raise(need - found),
        }
        self.unlock();
    }

    /// Takes up to `need` bytes, and some in advance for the own share: how many of the need.
    fn take_from_pool(&self, need: usize, own: Option<&Share>) -> usize {
        let mut pool = self.pool.load(Acquire);
        // On its way to the share an advance is nowhere: the lock keeps others from collecting meanwhile.
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

    /// Takes all head-room away and tells `lower` how much it was. `own` is the calling thread's share.
    pub(super) fn drain(&self, threads: Threads<'_>, own: Option<&Share>, lower: impl FnOnce(usize)) {
        let locked = self.lock();
        lower(self.collect(usize::MAX, threads, own));
        if locked {
            self.unlock();
        }
    }

    /// Takes the pool and all shares, until there is as much as needed or nothing left.
    ///
    /// While one thread is asked another may free and a third allocate as much: everything was seen only after a pass
    /// in which nobody freed. A free into a share says so in the flag; one into the pool is seen, for it comes last.
    fn collect(&self, need: usize, threads: Threads<'_>, own: Option<&Share>) -> usize {
        if self.is_alone() {
            // Others' shares must not be touched; the one thread's is its own.
            return self.pool.swap(0, SeqCst).wrapping_add(own.map_or(0, |own| own.take_all(self)));
        }
        let mut found = 0;
        for _ in 0..PASSES {
            self.shares.fetch_and(!GIVEN, SeqCst);
            let shares = threads.iter().map(|(_, slot)| slot.share.bytes.swap(0, SeqCst));
            found = shares.fold(found, usize::wrapping_add).wrapping_add(self.pool.swap(0, SeqCst));
            if found >= need || self.shares.load(SeqCst) & GIVEN == 0 {
                return found;
            }
        }
        self.error.fetch_add(held(threads), Relaxed);
        found
    }

    /// Whether one thread alone has had events.
    #[inline(always)]
    pub(crate) fn is_alone(&self) -> bool {
        self.open.load(Relaxed) == 0
    }

    /// The collector's lock. False when it cannot be had: its holder was interrupted.
    fn lock(&self) -> bool {
        (0..TRIES).any(|_| {
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
    /// running thread; without one the room is open from the start.
    #[cold]
    pub(crate) fn open(&self, threads: Threads<'_>, barrier: impl FnOnce()) {
        if self.open.swap(1, SeqCst) != 0 {
            return;
        }
        self.shares.fetch_or(GIVEN, SeqCst);
        // After it each thread has either said that it is inside, or will see that the room is open.
        barrier();
        for (_, slot) in threads.iter() {
            let left = (0..TRIES * 16).any(|_| {
                let left = slot.share.inside.load(Acquire) == 0;
                if !left {
                    spin_loop();
                }
                left
            });
            if !left {
                // It was stopped there: what it writes later may be counted twice.
                self.error.fetch_add(slot.share.bytes(), Relaxed);
            }
            if self.slack.load(Relaxed) != 0 {
                // The one thread's share had no limit.
                self.pool.fetch_add(slot.share.bytes.swap(0, SeqCst), AcqRel);
            }
        }
    }

    /// In a forked child, whose other threads are gone: nobody collects.
    #[cfg(feature = "std")]
    pub(crate) fn unlock_after_fork(&self) {
        self.unlock();
    }

    /// After an event of the thread with this share was abandoned: makes the head-room what lies between live and `peak`,
    /// or has the peak raised. While others run, live is not known to the byte: then the difference is an error of the peak.
    #[cfg(feature = "std")]
    pub(super) fn settle(&self, peak: usize, own: &Share, threads: Threads<'_>, raise: impl FnOnce(usize)) {
        let live = threads.iter().map(|(_, slot)| slot.account.live().bytes).fold(0, usize::wrapping_add);
        let room = peak.wrapping_sub(live) as isize;
        let known = held(threads).wrapping_add(self.pool.load(Acquire)) as isize;
        if !self.is_alone() {
            self.error.fetch_add(room.abs_diff(known), Relaxed);
            return;
        }
        self.pool.store(0, Release);
        own.bytes.store(room.max(0) as usize, Relaxed);
        if room < 0 {
            raise(room.unsigned_abs());
        }
    }

    /// In a forked child: nobody holds anything.
    #[cfg(feature = "std")]
    pub(super) fn forked(&self, threads: Threads<'_>) {
        threads.iter().for_each(|(_, slot)| slot.share.bytes.store(0, Relaxed));
        self.pool.store(0, Relaxed);
        self.shares.store(0, Relaxed);
        self.forget_error();
        self.inherited.store(threads.usage().0, Relaxed);
    }

    /// Whether the slot is that of the process's first thread.
    pub(crate) fn is_first(&self, slot: u16) -> bool {
        u32::from(slot) == u32::from(FIRST).wrapping_add(self.inherited.load(Relaxed))
    }

    /// Most bytes by which the peak told may exceed the true one.
    pub(super) fn error(&self, threads: Threads<'_>) -> usize {
        let slack = if self.is_alone() { 0 } else { self.slack.load(Relaxed) };
        self.error.load(Relaxed).saturating_add(slack.saturating_mul(threads.usage().0 as usize))
    }

    pub(super) fn forget_error(&self) {
        self.error.store(0, Relaxed);
    }
}

/// What all threads' shares have, as far as one look tells.
fn held(threads: Threads<'_>) -> usize {
    threads.iter().map(|(_, slot)| slot.share.bytes()).fold(0, usize::wrapping_add)
}

#[cfg(all(test, not(models)))]
mod tests {
    use super::*;
    use crate::table::growth::Growth;
    use crate::table::threads::{FIRST, ThreadSlot};

    /// The collector's lock belongs to a thread that was stopped in the middle: nobody else can ask for the shares.
    #[test]
    fn a_peak_that_is_raised_without_asking_everybody_says_by_how_much_it_may_be_too_high() {
        let slots: [ThreadSlot; FIRST as usize + 2] = core::array::from_fn(|_| ThreadSlot::default());
        let used = AtomicU32::new(2);
        let threads = Threads { used: &used, slots: &slots, growth: Growth::WHOLE };
        let room = Room::default();
        room.open(threads, || ());
        room.give(50, Some(&slots[usize::from(FIRST)].share));
        let raised = |n| {
            let mut raised = 0;
            room.take_slowly(n, Some(&slots[usize::from(FIRST) + 1].share), threads, |n| raised = n);
            raised
        };

        assert!(room.try_lock());
        assert_eq!((raised(80), room.error(threads)), (80, 80));
        room.unlock();
        assert_eq!((raised(80), room.error(threads)), (30, 80), "50 bytes were free");
    }

    /// A platform that does not tell whose slot the child's thread has: nothing of the room but its lock is made anew.
    #[cfg(feature = "std")]
    #[test]
    fn a_fork_opens_the_room_that_another_thread_has() {
        use crate::table::region::Parts;
        use crate::{Local, NoUnwind, Region, Tracker};

        struct Own;
        static WORDS: Local = Local::new();
        // SAFETY: one thread alone has events.
        unsafe impl crate::Platform for Own {
            fn local(&self, _: usize) -> Option<&Local> {
                Some(&WORDS)
            }

            fn reserve(&self) -> Option<usize> {
                Some(0)
            }

            fn stack(&self, _: &Local, _: usize) -> Option<(usize, usize)> {
                None
            }
        }
        type Small = Region<64, 64, 4, 2, 2, 8>;
        static REGION: Small = Region::new();
        static TRACKER: Tracker<(), NoUnwind, Own, Small> = Tracker::with((), NoUnwind, Own, &REGION);

        assert!(TRACKER.stage_begin("it is known to the process"));
        let room = &REGION.head().marks.room;
        assert!(room.try_lock());
        // SAFETY: the child tries the lock, and ends without anything of the C library's.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends the process.
            unsafe { libc::_exit(i32::from(!room.try_lock())) };
        }
        let mut status = 0;
        // SAFETY: the status is written.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
        assert!(!room.try_lock(), "here it is held");
        room.unlock();
    }
}
