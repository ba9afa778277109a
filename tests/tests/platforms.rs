//! Trackers with a platform of the program's own beside those of the host.
//!
//! Planted bug: a registry that takes every tracker for one of the host's has a thread's end told to trackers that have the
//! same number.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memtrack::{Error, Local, NoUnwind, Platform, Region, Tracker};

type Small = Region<64, 64, 16, 4, 4, 32>;

/// Allocates, resizes and frees, and finds its bytes where it put them.
fn works(heap: &dyn GlobalAlloc) {
    let layout = Layout::new::<[u8; 100]>();
    // SAFETY: the layout is not of size zero; the block is used within its size and freed with its layout.
    unsafe {
        let block = heap.alloc(layout);
        block.write_bytes(7, 100);
        let block = heap.realloc(block, layout, 200);
        assert!((0..100).all(|place| block.add(place).read() == 7));
        heap.dealloc(block, Layout::new::<[u8; 200]>());
    }
}

/// A platform of a program's own, with room for more trackers than the host has.
struct Own;

const OWN_TRACKERS: usize = 24;
static RESERVED: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    static OWN_WORDS: [Local; OWN_TRACKERS] = const { [const { Local::new() }; OWN_TRACKERS] };
}

// SAFETY: each thread has words of its own, which are constant and have no destructor; nothing else is answered.
unsafe impl Platform for Own {
    const TRACKERS: usize = OWN_TRACKERS;

    fn local(&self, tracker: usize) -> Option<&Local> {
        // SAFETY: the words live as long as the thread, which alone uses them.
        OWN_WORDS.with(|words| words.get(tracker).map(|words| unsafe { &*std::ptr::from_ref(words) }))
    }

    fn reserve(&self) -> Option<usize> {
        RESERVED.fetch_update(Relaxed, Relaxed, |used| (used < OWN_TRACKERS).then_some(used + 1)).ok()
    }

    fn stack(&self, _: &Local, _: usize) -> Option<(usize, usize)> {
        None
    }
}

/// Numbers of such a platform begin at 0, as the host's do, and go beyond the host's.
#[test]
fn trackers_of_another_platform_work_or_say_that_they_do_not() {
    type OwnHeap = Tracker<System, NoUnwind, Own, Small>;
    static REGIONS: [Small; OWN_TRACKERS] = [const { Region::new() }; OWN_TRACKERS];
    let heaps: Vec<&'static OwnHeap> = REGIONS
        .iter()
        .map(|region| &*Box::leak(Box::new(Tracker::with(System, NoUnwind, Own, region))))
        .collect();
    static HOSTS: Tracker<System> = Tracker::new(System);
    // One of them comes before the host's of the same number, the others behind it.
    works(heaps[0]);
    works(&HOSTS);
    heaps[1..].iter().for_each(|heap| works(*heap));
    let refused: Vec<_> = heaps.iter().filter_map(|heap| heap.check().err()).collect();
    assert!(refused.iter().all(|error| *error == Error::TooManyTrackers), "{refused:?}");
    // The process has room for sixteen, of which the host's has one.
    assert_eq!(heaps.len() - refused.len(), 15);
    let served: Vec<_> = heaps.iter().filter(|heap| heap.check().is_ok()).collect();
    // A thread that ends tells the host's trackers, and no others that have the same numbers.
    std::thread::scope(|scope| {
        let events = || {
            works(&HOSTS);
            served.iter().for_each(|heap| works(**heap));
        };
        // A scope waits for what its threads run. Joined, a thread has told of its end too.
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
