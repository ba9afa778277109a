//! What events look out for besides counting: pauses, dumps that somebody asked for, limits of live bytes.
//!
//! One word of flags, which every event reads, and one limit, which is compared when a peak rises: neither costs an
//! event anything that it does not do already.
//!
//! It holds pointers, so it stays private to the process when the region is a recording's file. On a host the flags have a
//! page to themselves. The system clears that page in a forked child, so the child's first event finds out about the fork.

use super::private_pages::PrivatePages;
use crate::sync::*;

/// Tracking is paused.
pub(crate) const PAUSED: usize = 1;
/// Somebody asked for a dump.
#[cfg(feature = "std")]
pub(crate) const DUMP: usize = 2;
/// A peak rose above the limit.
pub(crate) const PASSED: usize = 4;

/// Code of a module was met that a recording may not know.
#[cfg(feature = "std")]
pub(crate) const MODULE: usize = 8;
/// A stage of a thread keeps what its cells hold.
#[cfg(feature = "std")]
pub(crate) const KEPT: usize = 16;
/// The region belongs to this process. Not set before a tracker claims the region, nor in a child of an unknown fork.
#[cfg(feature = "std")]
pub(crate) const CLAIMED: usize = 32;

/// The flags while there is nothing to look out for.
pub(crate) const QUIET: usize = {
    #[cfg(feature = "std")]
    const CLAIM: usize = CLAIMED;
    #[cfg(not(feature = "std"))]
    const CLAIM: usize = 0;
    CLAIM
};

/// All-zero is of a region that nobody has claimed.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Pending {
    flags: PrivatePages<AtomicUsize>,
    /// A copy of the flags without [`CLAIMED`]. A child restores its cleared flags from it.
    #[cfg(feature = "std")]
    lasting: AtomicUsize,
    /// The lower of the limits below: bytes above which a new peak is told.
    limit: Limit,
    budget: Limit,
    /// What is called when the budget is passed, and by what: a program without budgets has none of it.
    callback: AtomicPtr<()>,
    caller: AtomicPtr<()>,
    /// A new peak above it is dumped.
    dump: Limit,
}

/// Calls a budget's callback for a tracker.
pub(crate) type Caller<T, S> = fn(&T, fn(S));

/// A number of bytes; all-zero is none.
#[repr(C)]
#[derive(Default)]
struct Limit(AtomicUsize);

impl Limit {
    #[inline]
    fn get(&self) -> usize {
        !self.0.load(Acquire)
    }

    fn set(&self, bytes: usize) {
        self.0.store(!bytes, Release);
    }
}

impl Pending {
    #[inline]
    pub(crate) fn flags(&self) -> usize {
        self.flags.load(Relaxed)
    }

    pub(crate) fn raise(&self, flag: usize) {
        #[cfg(feature = "std")]
        self.lasting.fetch_or(flag, AcqRel);
        self.flags.fetch_or(flag, AcqRel);
    }

    /// Takes a flag down. Whether it stood: of several that ask at once, one is told so.
    pub(crate) fn lower(&self, flag: usize) -> bool {
        #[cfg(feature = "std")]
        self.lasting.fetch_and(!flag, AcqRel);
        self.flags.fetch_and(!flag, AcqRel) & flag != 0
    }

    /// The region is this process's from now on.
    #[cfg(feature = "std")]
    pub(crate) fn claim(&self) {
        self.flags.fetch_or(CLAIMED | self.lasting.load(Acquire), AcqRel);
    }

    #[cfg(feature = "std")]
    pub(crate) fn is_claimed(&self) -> bool {
        self.flags() & CLAIMED != 0
    }

    /// The page that the system is to clear in a forked child.
    #[cfg(feature = "std")]
    pub(crate) fn page_of_flags(&self) -> core::ops::Range<usize> {
        let start = core::ptr::from_ref(&self.flags).addr();
        start..start + size_of_val(&self.flags)
    }

    /// A peak has risen.
    #[inline]
    pub(crate) fn peak_rose(&self, peak: usize) {
        if peak > self.limit.get() {
            self.raise(PASSED);
        }
    }

    /// Has `callback` called by `caller`, once, when a peak rises above `bytes`.
    pub(crate) fn set_budget<T, S>(&self, bytes: usize, callback: fn(S), caller: Caller<T, S>) {
        self.budget.set(usize::MAX);
        self.callback.store(callback as *mut (), Release);
        self.caller.store(caller as *mut (), Release);
        self.budget.set(bytes);
        self.set_limit();
    }

    /// When `peak` is above the budget, takes it off and calls what is to be called for `tracker`.
    ///
    /// # Safety
    /// `T` and `S` must be those of every [`set_budget`](Self::set_budget).
    pub(crate) unsafe fn call_over_budget<T, S>(&self, peak: usize, tracker: &T) {
        if peak <= self.budget.get() {
            return;
        }
        self.budget.set(usize::MAX);
        self.set_limit();
        let callback = self.callback.swap(core::ptr::null_mut(), AcqRel);
        let caller = self.caller.load(Acquire);
        // SAFETY: each word is null or a function that `set_budget` stored, which the caller says is of this type; null
        // is `None`.
        let (callback, caller) = unsafe {
            let callback = core::mem::transmute::<*mut (), Option<fn(S)>>(callback);
            (callback, core::mem::transmute::<*mut (), Option<Caller<T, S>>>(caller))
        };
        if let (Some(callback), Some(caller)) = (callback, caller) {
            caller(tracker, callback);
        }
    }

    /// New peaks above `bytes` are to be dumped.
    #[cfg(feature = "std")]
    pub(crate) fn dump_above(&self, bytes: usize) {
        self.dump.set(bytes);
        self.set_limit();
    }

    /// Whether a peak is to be dumped.
    #[cfg(feature = "std")]
    pub(crate) fn is_to_be_dumped(&self, peak: usize) -> bool {
        peak > self.dump.get()
    }

    /// A peak was dumped. The next one has to be an eighth higher.
    #[cfg(feature = "std")]
    pub(crate) fn dumped(&self, peak: usize) {
        self.dump_above(peak.saturating_add(peak / 8));
    }

    fn set_limit(&self) {
        self.limit.set(self.budget.get().min(self.dump.get()));
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::Pending;

    #[test]
    fn a_peak_is_to_be_dumped_until_it_was() {
        let pending = Pending::default();
        assert!(!pending.is_to_be_dumped(usize::MAX - 1), "nobody asked for it");
        pending.dump_above(800);
        assert_eq!([800, 801, 801].map(|peak| pending.is_to_be_dumped(peak)), [false, true, true]);
        pending.dumped(800);
        assert_eq!([900, 901].map(|peak| pending.is_to_be_dumped(peak)), [false, true]);
    }
}
