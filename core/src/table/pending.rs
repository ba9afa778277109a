//! Pending work, which an event runs in addition to counting.
//!
//! # Flag
//! A kind of pending work: a pause, a requested dump, a limit that was passed. Every event reads one word of flags.
//!
//! # Limit
//! Live bytes of a budget or of a dump. An event compares the lower of both when the peak rises, which is rare.
//!
//! The words have pointers, so they stay private to the process when the region is a recording's file. On a host the flags
//! have a page to themselves. The system clears that page in a forked child, so the child's first event learns of the fork.

use super::private_pages::PrivatePages;
use crate::sync::*;

/// Tracking is paused.
pub(crate) const PAUSED: usize = 1;
/// A dump was requested.
#[cfg(feature = "std")]
pub(crate) const DUMP: usize = 2;
/// A peak has risen above the limit.
pub(crate) const PASSED: usize = 4;

/// An event had code of a module that a recording may not know.
#[cfg(feature = "std")]
pub(crate) const MODULE: usize = 8;
/// A stage of a thread keeps its cells.
#[cfg(feature = "std")]
pub(crate) const KEPT: usize = 16;
/// The region belongs to this process. Not set before a tracker claims the region, nor in the child of a fork that the
/// tracker has not seen.
#[cfg(feature = "std")]
pub(crate) const CLAIMED: usize = 32;

/// The flags while nothing is pending.
pub(crate) const QUIET: usize = {
    #[cfg(feature = "std")]
    const CLAIM: usize = CLAIMED;
    #[cfg(not(feature = "std"))]
    const CLAIM: usize = 0;
    CLAIM
};

/// All-zero is the start, in a region that no tracker has claimed.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Pending {
    flags: PrivatePages<AtomicUsize>,
    /// A copy of the flags without [`CLAIMED`]. A child restores its cleared flags from it.
    #[cfg(feature = "std")]
    lasting: AtomicUsize,
    /// The lower of the two limits below.
    limit: Limit,
    budget: Limit,
    /// The callback of the budget, and the function that calls it: so a program without budgets does not link that function.
    callback: AtomicPtr<()>,
    caller: AtomicPtr<()>,
    /// A new peak above this limit is dumped.
    dump: Limit,
}

/// Calls the callback of a budget for a tracker.
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

    /// Clears a flag. Whether it was set: of several threads that clear it at once, one gets true.
    pub(crate) fn lower(&self, flag: usize) -> bool {
        #[cfg(feature = "std")]
        self.lasting.fetch_and(!flag, AcqRel);
        self.flags.fetch_and(!flag, AcqRel) & flag != 0
    }

    /// The region belongs to this process from now on.
    #[cfg(feature = "std")]
    pub(crate) fn claim(&self) {
        self.flags.fetch_or(CLAIMED | self.lasting.load(Acquire), AcqRel);
    }

    #[cfg(feature = "std")]
    pub(crate) fn is_claimed(&self) -> bool {
        self.flags() & CLAIMED != 0
    }

    /// The page that the system clears in a forked child.
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

    /// The lower of the two limits: the highest peak of which nobody has to hear.
    pub(crate) fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Makes `caller` call `callback`, once, when a peak rises above `bytes`.
    pub(crate) fn set_budget<T, S>(&self, bytes: usize, callback: fn(S), caller: Caller<T, S>) {
        self.budget.set(usize::MAX);
        self.callback.store(callback as *mut (), Release);
        self.caller.store(caller as *mut (), Release);
        self.budget.set(bytes);
        self.set_limit();
    }

    /// When `peak` is above the budget, removes the budget and calls its callback for `tracker`.
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
        // SAFETY: each word is null, which is `None`, or a function that `set_budget` has stored. The caller says that it is of
        // this type.
        let (callback, caller) = unsafe {
            let callback = core::mem::transmute::<*mut (), Option<fn(S)>>(callback);
            (callback, core::mem::transmute::<*mut (), Option<Caller<T, S>>>(caller))
        };
        if let (Some(callback), Some(caller)) = (callback, caller) {
            caller(tracker, callback);
        }
    }

    /// From now on new peaks above `bytes` are dumped.
    #[cfg(feature = "std")]
    pub(crate) fn dump_above(&self, bytes: usize) {
        self.dump.set(bytes);
        self.set_limit();
    }

    /// Whether this peak has to be dumped.
    #[cfg(feature = "std")]
    pub(crate) fn is_to_be_dumped(&self, peak: usize) -> bool {
        peak > self.dump.get()
    }

    /// A peak was dumped. The next peak to be dumped is an eighth higher.
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
    use super::{CLAIMED, DUMP, PASSED, PAUSED, Pending};
    use core::cell::Cell;

    #[test]
    fn a_flag_is_lowered_once() {
        let pending = Pending::default();
        pending.raise(PAUSED);
        pending.raise(DUMP);
        assert_eq!(pending.flags(), PAUSED | DUMP);
        assert_eq!([pending.lower(DUMP), pending.lower(DUMP)], [true, false]);
        assert_eq!(pending.flags(), PAUSED, "another flag stays");
    }

    #[test]
    fn a_forked_child_has_the_flags_of_its_parent_once_it_claims_the_region() {
        let pending = Pending::default();
        assert!(!pending.is_claimed());
        pending.raise(PAUSED);
        pending.raise(DUMP);
        pending.lower(DUMP);
        pending.claim();
        // The system clears the page of the flags.
        pending.flags.store(0, super::Relaxed);
        assert!(!pending.is_claimed());
        pending.claim();
        assert!(pending.is_claimed());
        assert_eq!(pending.flags(), CLAIMED | PAUSED);
        let page = pending.page_of_flags();
        let flags = core::ptr::from_ref::<super::AtomicUsize>(&pending.flags).addr();
        assert_eq!((page.start, page.len()), (flags, size_of_val(&pending.flags)));
    }

    #[test]
    fn the_lower_limit_is_passed_first() {
        let pending = Pending::default();
        pending.peak_rose(usize::MAX);
        assert_eq!((pending.limit(), pending.flags()), (usize::MAX, 0), "nobody has set a limit");
        pending.dump_above(800);
        assert_eq!(pending.limit(), 800);
        pending.set_budget(500, |_: u8| (), |_: &u8, _| ());
        assert_eq!(pending.limit(), 500);
        pending.peak_rose(500);
        assert_eq!(pending.flags(), 0);
        pending.peak_rose(501);
        assert_eq!(pending.flags(), PASSED);
    }

    #[test]
    fn a_budgets_callback_is_called_once_when_a_peak_is_above_it() {
        let pending = Pending::default();
        let calls = Cell::new(0);
        // SAFETY: the types are those of the budget below.
        let over = |peak| unsafe { pending.call_over_budget::<Cell<u32>, u8>(peak, &calls) };
        over(usize::MAX - 1);
        pending.set_budget(
            500,
            |_: u8| (),
            |calls: &Cell<u32>, callback| {
                calls.set(calls.get() + 1);
                callback(0);
            },
        );
        over(500);
        assert_eq!((calls.get(), pending.limit()), (0, 500));
        over(501);
        over(1000);
        assert_eq!((calls.get(), pending.limit()), (1, usize::MAX));
    }

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
