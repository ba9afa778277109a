//! Cases that the models do not reach: a lock whose holder is stopped, and a fork.

use super::*;
use crate::table::growth::Growth;
use crate::table::threads::{FIRST, ThreadSlot, Threads};

/// The collector's lock belongs to a thread that was stopped in the middle: no other thread can take the shares.
#[test]
fn a_peak_that_is_raised_without_asking_everybody_says_by_how_much_it_may_be_too_high() {
    let slots: [ThreadSlot; FIRST as usize + 2] = core::array::from_fn(|_| ThreadSlot::default());
    let used = AtomicU32::new(2);
    let threads = Threads { used: &used, slots: &slots, growth: Growth::WHOLE };
    let credit = Credit::default();
    credit.open(threads, || ());
    credit.give(50, Some(&slots[usize::from(FIRST)].share));
    let raised = |n| {
        let mut raised = 0;
        credit.take_slowly(n, Some(&slots[usize::from(FIRST) + 1].share), threads, |n| raised = n);
        raised
    };

    assert!(credit.try_lock());
    assert_eq!((raised(80), credit.error(threads)), (80, 80));
    credit.unlock();
    assert_eq!((raised(80), credit.error(threads)), (30, 80), "50 bytes were free");
}

/// A platform that does not know the slot of the child's thread: the fork changes nothing of the credit but its lock.
#[cfg(all(feature = "std", unix))]
#[test]
fn a_fork_opens_the_credit_that_another_thread_has() {
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
    let credit = &REGION.head().marks.credit;
    assert!(credit.try_lock());
    // SAFETY: the child tries the lock, and ends without anything of the C library's.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: ends the process.
        unsafe { libc::_exit(i32::from(!credit.try_lock())) };
    }
    let mut status = 0;
    // SAFETY: the status is written.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    assert!(!credit.try_lock(), "here it is held");
    credit.unlock();
}
