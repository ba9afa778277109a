//! Trackers on a [made-up platform](MadeUp): the tracker serves a platform in full, and says which part it cannot serve. The
//! suite `model` compares all figures on it; here the platform lacks one thing after the other.
//!
//! Whatever is missing, the allocations themselves succeed, and all figures of the program are exact.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

use memtrack::{DefaultUnwind, Error, LossCause, Region, Tracker};
use memtrack_tests::made_up::{MadeUp, TRACKERS};
use memtrack_tests::snapshot;

type Small = Region<256, 256, 16, 4, 4, 64>;
type Heap = Tracker<System, DefaultUnwind, &'static MadeUp, Small>;

/// A tracker on a platform.
macro_rules! heap {
    ($platform:expr) => {{
        static REGION: Small = Region::new();
        static HEAP: Heap = Tracker::with(System, DefaultUnwind {}, $platform, &REGION);
        &HEAP
    }};
}

const LAYOUT: Layout = Layout::new::<[u8; 100]>();

/// Allocates a block and finds its bytes in it.
#[inline(never)]
fn allocate(heap: &Heap) -> *mut u8 {
    // SAFETY: the layout is not of size zero; the block is written within its size.
    unsafe {
        let block = black_box(heap.alloc(LAYOUT));
        block.write_bytes(7, LAYOUT.size());
        assert_eq!(block.add(LAYOUT.size() - 1).read(), 7);
        block
    }
}

fn free(heap: &Heap, block: *mut u8) {
    // SAFETY: the block is live, and has this layout.
    unsafe { heap.dealloc(block, LAYOUT) }
}

/// Allocates five blocks of which three stay. Returns the losses, and whether the dump has stacks.
fn works(heap: &'static Heap) -> (Vec<(LossCause, u64)>, bool) {
    heap.check().unwrap();
    let blocks: Vec<*mut u8> = (0..5).map(|_| allocate(heap)).collect();
    blocks[3..].iter().for_each(|block| free(heap, *block));
    let stats = heap.stats();
    assert_eq!((stats.total_allocs, stats.total_frees, stats.live_blocks), (5, 2, 3));
    assert_eq!((stats.live_bytes, stats.peak_bytes), (300, 500));
    let (mut bytes, mut metrics) = (Vec::new(), Vec::new());
    heap.dump(&mut bytes).unwrap();
    heap.metrics(&mut metrics).unwrap();
    assert!(!heap.report().to_string().is_empty() && !metrics.is_empty());
    let snapshot = snapshot::last(&bytes);
    snapshot.assert_adds_up();
    (heap.losses().collect(), !snapshot.nodes.is_empty())
}

#[test]
fn contexts_have_accounts_and_stages_of_their_own() {
    static PLATFORM: MadeUp = MadeUp::new();
    let heap = heap!(&PLATFORM);
    PLATFORM.start();
    PLATFORM.set_clock(1_000);
    let whole = heap.stage("whole");
    for context in 0..3 {
        PLATFORM.switch_to(context);
        let _tag = heap.tag("work");
        let own = heap.thread_stage("own");
        for _ in 0..=context {
            free(heap, allocate(heap));
            allocate(heap);
        }
        PLATFORM.set_clock(1_000 * (context as u64 + 2));
        drop(own);
    }
    drop(whole);
    let threads: Vec<_> = heap.threads().map(|thread| (thread.name().to_owned(), thread.stats)).collect();
    let figures = threads.iter().map(|(name, stats)| (name.as_str(), stats.live_bytes, stats.peak_bytes));
    assert_eq!(figures.collect::<Vec<_>>(), [("w0", 100, 100), ("w1", 200, 200), ("w2", 300, 300)]);
    let stages = heap.stages().map(|stage| (stage.name().to_owned(), stage.duration_ns, stage.peak_bytes));
    let expected = [("own", 1_000, 100), ("own", 1_000, 200), ("own", 1_000, 300), ("whole", 3_000, 600)];
    assert_eq!(stages.collect::<Vec<_>>(), expected.map(|(name, time, peak)| (name.to_owned(), time, peak)));
    assert_eq!(heap.losses().collect::<Vec<_>>(), []);
}

#[test]
fn without_memory_for_the_unwinder_stacks_are_walked_each_time() {
    static PLATFORM: MadeUp = MadeUp::new().without_memory();
    PLATFORM.start();
    assert_eq!(works(heap!(&PLATFORM)), (vec![], true));
}

#[test]
fn without_a_clock_all_times_are_zero() {
    static PLATFORM: MadeUp = MadeUp::new();
    let heap = heap!(&PLATFORM);
    PLATFORM.start();
    let stage = heap.stage("untimed");
    assert_eq!(works(heap), (vec![], true));
    drop(stage);
    let stage = heap.stages().next().unwrap();
    assert_eq!((stage.name(), stage.duration_ns, stage.peak_time_ns), ("untimed", 0, 0));
}

#[test]
fn without_the_stacks_bounds_no_stack_is_captured() {
    static PLATFORM: MadeUp = MadeUp::new().without_stack();
    PLATFORM.start();
    assert_eq!(works(heap!(&PLATFORM)), (vec![(LossCause::Unwind, 5)], false));
}

#[test]
fn without_a_context_events_are_nobodys() {
    static PLATFORM: MadeUp = MadeUp::new();
    // The platform has not started.
    let heap = heap!(&PLATFORM);
    assert_eq!(works(heap), (vec![(LossCause::NoThread, 5)], false));
    let _stage = heap.stage("nobody's");
    let _tag = heap.tag("nobody's");
    let _own = heap.thread_stage("nobody's");
    heap.reset_thread_peak();
    assert_eq!(heap.thread_stats().total_allocs, 0);
}

#[test]
fn one_tracker_too_many_says_so_and_passes_allocations_through() {
    static PLATFORM: MadeUp = MadeUp::new().with_trackers(1);
    PLATFORM.start();
    let (served, refused) = (heap!(&PLATFORM), heap!(&PLATFORM));
    assert_eq!(works(served), (vec![], true));
    free(refused, allocate(refused));
    assert_eq!(refused.check(), Err(Error::TooManyTrackers));
    assert!(Error::TooManyTrackers.to_string().contains("passes allocations through"));
    let _stage = refused.stage("refused");
    assert_eq!(refused.dump(&mut Vec::new()), Err(Error::TooManyTrackers));
    assert_eq!((refused.stats().total_allocs, refused.stages().count()), (0, 0));
}

/// The platform gives a number for which it has no words.
#[test]
fn a_tracker_without_words_counts_its_events_as_lost() {
    static PLATFORM: MadeUp = MadeUp::new().with_trackers(TRACKERS + 1);
    PLATFORM.start();
    let heaps = [heap!(&PLATFORM), heap!(&PLATFORM), heap!(&PLATFORM)];
    assert_eq!(heaps.map(|heap| works(heap).0), [vec![], vec![], vec![(LossCause::NoThread, 5)]]);
}
