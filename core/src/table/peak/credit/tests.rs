//! Cases that the models do not reach: a lock whose holder is stopped, and a fork.

use super::*;
use crate::table::growth::Growth;
use crate::table::slot::ThreadSlot;
use crate::table::threads::{FIRST, Threads};

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

/// Three threads that take turns: what each allocates and frees, and the program's peak.
struct Program {
    slots: [ThreadSlot; FIRST as usize + 3],
    used: AtomicU32,
    credit: Credit,
    live: usize,
    peak: usize,
    /// The highest live bytes so far.
    highest: usize,
}

impl Program {
    fn new() -> Program {
        Program {
            slots: core::array::from_fn(|_| ThreadSlot::default()),
            used: AtomicU32::new(3),
            credit: Credit::default(),
            live: 0,
            peak: 0,
            highest: 0,
        }
    }

    fn threads(&self) -> Threads<'_> {
        Threads { used: &self.used, slots: &self.slots, growth: Growth::WHOLE }
    }

    /// The share of a thread; the last number is an event without a thread.
    fn share(&self, thread: usize) -> Option<&Share> {
        self.slots[usize::from(FIRST)..].get(thread).map(|slot| &slot.share)
    }

    fn alloc(&mut self, n: usize, thread: usize) {
        let own = self.share(thread);
        let mut raised = 0;
        if !own.is_some_and(|own| self.credit.take(n, own)) {
            self.credit.take_slowly(n, own, self.threads(), |more| raised = more);
        }
        self.peak += raised;
        self.live += n;
        self.highest = self.highest.max(self.live);
        self.check();
    }

    fn free(&mut self, n: usize, thread: usize) {
        self.credit.give(n, self.share(thread));
        self.live -= n;
        self.check();
    }

    fn credit(&self) -> usize {
        self.threads().bytes() + self.credit.pool.load(Relaxed)
    }

    fn check(&self) {
        assert_eq!(self.credit(), self.peak - self.live, "the credit is what lies between live and the peak");
        let (too_high, error) = (self.peak - self.highest, self.credit.error(self.threads()));
        assert!(too_high <= error, "{too_high} bytes too high, by at most {error}");
    }

    /// Allocates and frees blocks of up to `largest` bytes, by `threads` threads in turn, in an order that has no pattern.
    fn run(&mut self, largest: usize, threads: usize) {
        let mut blocks = std::vec::Vec::new();
        let mut state = 1u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for step in 0..2000 {
            let thread = random(threads);
            // Live rises and falls.
            if blocks.is_empty() || random(100) < if step % 400 < 200 { 60 } else { 40 } {
                let n = 1 + random(largest);
                blocks.push(n);
                self.alloc(n, thread);
            } else {
                let n = blocks.swap_remove(random(blocks.len()));
                self.free(n, thread);
            }
        }
        blocks.into_iter().for_each(|n| self.free(n, random(threads)));
    }
}

#[test]
fn the_peak_is_exact_whoever_allocates_and_frees() {
    for threads in [1, 2, 3, 4] {
        for largest in [100, 20_000] {
            let mut program = Program::new();
            if threads > 1 {
                program.credit.open(program.threads(), || ());
            }
            program.run(largest, threads);
            assert_eq!((program.peak, program.credit.error(program.threads())), (program.highest, 0));
        }
    }
}

#[test]
fn slack_says_by_how_much_the_peak_may_be_too_high() {
    let mut program = Program::new();
    program.credit.open(program.threads(), || ());
    program.run(100, 3);
    let before = program.credit();
    program.credit.set_slack(4096, program.threads(), program.share(0));
    assert_eq!((program.credit(), program.threads().bytes()), (before, 0), "all of it is in the pool");
    program.run(3000, 4);
    assert_eq!(program.credit.error(program.threads()), 3 * 4096);
    assert!(program.threads().shares().all(|share| share.bytes() <= 4096 / 2));
    program.credit.forget_error();
    assert_eq!(program.credit.error(program.threads()), 3 * 4096);
}

#[test]
fn with_slack_no_thread_takes_from_another() {
    let mut program = Program::new();
    program.credit.open(program.threads(), || ());
    program.alloc(1000, 0);
    program.credit.set_slack(4096, program.threads(), None);
    program.free(1000, 0);
    program.alloc(700, 1);
    assert_eq!(program.share(0).map(Share::bytes), Some(1000));
    assert_eq!((program.peak, program.highest), (1700, 1000));
}

#[test]
fn a_thread_takes_more_from_the_pool_than_it_needs_now() {
    let mut program = Program::new();
    program.credit.open(program.threads(), || ());
    program.alloc(10 * ADVANCE, 3);
    program.free(10 * ADVANCE, 3);
    program.alloc(10, 0);
    assert_eq!(program.share(0).map(Share::bytes), Some(ADVANCE));
    assert_eq!(program.credit.pool.load(Relaxed), 9 * ADVANCE - 10);
}

#[test]
fn a_share_gives_what_it_has() {
    for take in [Share::take_alone, Share::take_shared] {
        let share = Share::default();
        share.add_alone(5);
        assert_eq!([3, 3, 2, 1].map(|n| take(&share, n)), [true, false, true, false]);
        assert_eq!(share.bytes(), 0);
    }
    for take_all in [Share::take_all_alone, Share::take_all_shared] {
        let share = Share::default();
        share.add_alone(5);
        assert_eq!([take_all(&share), take_all(&share)], [5, 0]);
    }
}

#[test]
fn all_credit_can_be_taken_away() {
    for threads in [1, 3] {
        let mut program = Program::new();
        if threads > 1 {
            program.credit.open(program.threads(), || ());
        }
        program.run(100, threads);
        let mut lowered = 0;
        program.credit.drain(program.threads(), program.share(0), |n| lowered = n);
        assert_eq!((lowered, program.credit()), (program.peak, 0));
        assert!(program.credit.try_lock(), "nobody holds the lock");
    }
}

#[test]
fn an_advance_is_for_one_thread_alone_and_is_taken_back() {
    let program = Program::new();
    let own = program.share(0).unwrap();
    let take_back = |own| {
        let mut lowered = None;
        program.credit.take_back(program.threads(), own, |n| lowered = Some(n));
        lowered
    };
    assert!(program.credit.advance(100, own) && program.credit.is_advance());
    assert!(program.credit.take(30, own));
    assert_eq!((take_back(Some(own)), program.credit.is_advance(), program.credit()), (Some(70), false, 0));

    // A second thread comes while there is an advance.
    assert!(program.credit.advance(100, own));
    program.credit.open(program.threads(), || ());
    assert!(program.credit.is_advance());
    assert_eq!((take_back(program.share(1)), program.credit.is_advance()), (Some(100), false));
    assert_eq!(take_back(program.share(1)), None, "there is none any more");
    assert!(!program.credit.advance(100, own) && !program.credit.is_advance());
    assert_eq!((program.credit(), program.credit.error(program.threads())), (0, 0));

    // An event without a thread cannot take it back: the peak may be too high by it.
    let program = Program::new();
    let own = program.share(0).unwrap();
    assert!(program.credit.advance(100, own));
    program.credit.take_back(program.threads(), None, |_| panic!("it cannot know"));
    assert_eq!((program.credit(), program.credit.error(program.threads())), (100, crate::limits::GROWTH));
}

#[cfg(feature = "std")]
#[test]
fn an_abandoned_event_is_settled() {
    let program = Program::new();
    let own = program.share(0).unwrap();
    let settle = |credit| {
        let mut raised = 0;
        program.credit.settle(credit, own, program.threads(), |n| raised = n);
        (raised, own.bytes(), program.credit.pool.load(Relaxed), program.credit.error(program.threads()))
    };
    program.credit.pool.store(5, Relaxed);
    assert_eq!(settle(30), (0, 30, 0, 0));
    assert_eq!(settle(-20), (20, 0, 0, 0));
    program.credit.give(30, Some(own));
    program.credit.open(program.threads(), || ());
    program.credit.give(12, None);
    assert_eq!(settle(50), (0, 30, 12, 8), "other threads run: the difference is an error");
    assert_eq!(settle(40), (0, 30, 12, 10));
}

#[cfg(feature = "std")]
#[test]
fn a_forked_child_begins_without_credit() {
    let mut program = Program::new();
    program.credit.open(program.threads(), || ());
    program.run(100, 4);
    assert!(program.credit.try_lock());
    program.credit.settle(1, program.share(0).unwrap(), program.threads(), |_| ());
    program.credit.forked(program.threads());
    assert_eq!((program.credit(), program.credit.error(program.threads())), (0, 0));
    assert_eq!((program.credit.inherited(), program.credit.shares.load(Relaxed)), (3, 0));
}

#[test]
fn a_thread_that_is_stopped_inside_may_count_twice() {
    let program = Program::new();
    let own = program.share(0).unwrap();
    program.credit.give(77, Some(own));
    assert!(own.enter(1) && !own.enter(2) && own.entered_at() == 1);
    program.credit.open(program.threads(), || ());
    assert_eq!(program.credit.error(program.threads()), 77);
    own.leave();
    assert!(!own.is_inside() && !program.credit.is_alone());
    program.credit.open(program.threads(), || panic!("it is open"));
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
