//! Trackers with a program's own platform, beside those of the host.
//!
//! Planted bug: a registry that treats every tracker as one of the host's reports the end of a thread to trackers
//! with the same number.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memtrack::{Error, Local, NoUnwind, Platform, Region, Tracker};

type Small = Region<64, 64, 16, 4, 4, 32>;

/// Allocates, resizes and frees a block, and checks its bytes.
fn works(heap: &dyn GlobalAlloc) {
    let layout = Layout::new::<[u8; 100]>();
    // SAFETY: the size of the layout is not zero; the block is used within its size and freed with its layout.
    unsafe {
        let block = heap.alloc(layout);
        block.write_bytes(7, 100);
        let block = heap.realloc(block, layout, 200);
        assert!((0..100).all(|place| block.add(place).read() == 7));
        heap.dealloc(block, Layout::new::<[u8; 200]>());
    }
}

/// A program's own platform, with room for more trackers than the host has.
struct Own;

const OWN_TRACKERS: usize = 24;
static RESERVED: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    static OWN_WORDS: [Local; OWN_TRACKERS] = const { [const { Local::new() }; OWN_TRACKERS] };
}

// SAFETY: each thread has words of its own, which are constant and have no destructor; the stack's bounds are
// unknown.
unsafe impl Platform for Own {
    const TRACKERS: usize = OWN_TRACKERS;

    fn local(&self, tracker: usize) -> Option<&Local> {
        // SAFETY: the words live as long as the thread, and no other thread uses them.
        OWN_WORDS.with(|words| words.get(tracker).map(|words| unsafe { &*std::ptr::from_ref(words) }))
    }

    fn reserve(&self) -> Option<usize> {
        RESERVED.fetch_update(Relaxed, Relaxed, |used| (used < OWN_TRACKERS).then_some(used + 1)).ok()
    }

    fn stack(&self, _: &Local, _: usize) -> Option<(usize, usize)> {
        None
    }
}

/// The numbers of this platform's trackers begin at 0, as the host's do, and go beyond the host's.
#[test]
fn trackers_of_another_platform_work_or_report_an_error() {
    type OwnHeap = Tracker<System, NoUnwind, Own, Small>;
    static REGIONS: [Small; OWN_TRACKERS] = [const { Region::new() }; OWN_TRACKERS];
    let heaps: Vec<&'static OwnHeap> = REGIONS
        .iter()
        .map(|region| &*Box::leak(Box::new(Tracker::with(System, NoUnwind, Own, region))))
        .collect();
    static HOSTS: Tracker<System> = Tracker::new(System);
    // One of them claims its number before the host's tracker, the others after it.
    works(heaps[0]);
    works(&HOSTS);
    heaps[1..].iter().for_each(|heap| works(*heap));
    let refused: Vec<_> = heaps.iter().filter_map(|heap| heap.check().err()).collect();
    assert!(refused.iter().all(|error| *error == Error::TooManyTrackers), "{refused:?}");
    // The process has room for sixteen trackers; the host's is one of them.
    assert_eq!(heaps.len() - refused.len(), 15);
    let served: Vec<_> = heaps.iter().filter(|heap| heap.check().is_ok()).collect();
    // The end of a thread is reported to the host's trackers, and to no others with the same numbers.
    std::thread::scope(|scope| {
        let events = || {
            works(&HOSTS);
            served.iter().for_each(|heap| works(**heap));
        };
        // A scope only waits for the closures of its threads. After the join, the end of the thread has been reported
        // too.
        scope.spawn(events).join().unwrap();
    });
    assert_eq!(HOSTS.threads().map(|thread| thread.exited).collect::<Vec<_>>(), [false, true]);
    for heap in served {
        let stats = heap.stats();
        assert_eq!((stats.total_allocs, stats.reallocs, stats.live_blocks), (4, 2, 0));
        assert_eq!(heap.threads().map(|thread| thread.exited).collect::<Vec<_>>(), [false, false]);
    }
    assert_eq!((HOSTS.stats().total_allocs, HOSTS.stats().live_blocks), (4, 0));
}
