//! Trackers and regions: a region has one tracker, and a program that declares more still works.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Once;

use memtrack::{DefaultPlatform, DefaultRegion, DefaultUnwind, Error, Region, Tracker};

type Small = Region<64, 64, 16, 4, 4, 32>;
type Heap<R> = Tracker<System, DefaultUnwind, DefaultPlatform, R>;

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

/// The process's first tracker. The tests run at the same time; each calls this first, so that it claims the region
/// and the first number.
fn first() -> &'static Heap<DefaultRegion> {
    static FIRST: Heap<DefaultRegion> = Tracker::new(System);
    static CLAIMED: Once = Once::new();
    CLAIMED.call_once(|| FIRST.check().expect("no other tracker has the region"));
    &FIRST
}

#[test]
fn a_second_tracker_of_a_region_passes_calls_on_and_reports_it() {
    static SECOND: Heap<DefaultRegion> = Tracker::new(System);
    let first = first();
    works(first);
    works(&SECOND);
    assert_eq!((first.check(), SECOND.check()), (Ok(()), Err(Error::RegionTaken)));
    let error = SECOND.dump(&mut Vec::new()).unwrap_err();
    assert_eq!(error, Error::RegionTaken);
    let advice = "another tracker already uses this region: give each tracker a region of its own with \
                  Tracker::with_region";
    assert_eq!(error.to_string(), advice);
    assert_eq!(SECOND.report().to_string(), format!("memtrack: {advice}\n"));
    // Its stages and tags do nothing, and its allocations are not in the first tracker's figures.
    drop((SECOND.stage("stage"), SECOND.tag("tag")));
    works(&SECOND);
    let stats = first.stats();
    assert_eq!((stats.total_allocs, stats.reallocs, stats.live_blocks), (2, 1, 0));
    assert_eq!((first.stages().count(), first.losses().count()), (0, 0));
}

/// The host has room for four trackers in a process, including the first one.
#[test]
fn a_fifth_tracker_passes_calls_on_and_reports_it() {
    static REGIONS: [Small; 4] = [const { Region::new() }; 4];
    static HEAPS: [Heap<Small>; 4] = [
        Tracker::with_region(System, &REGIONS[0]),
        Tracker::with_region(System, &REGIONS[1]),
        Tracker::with_region(System, &REGIONS[2]),
        Tracker::with_region(System, &REGIONS[3]),
    ];
    first();
    HEAPS.iter().for_each(|heap| works(heap));
    let refused: Vec<_> = HEAPS.iter().filter_map(|heap| heap.check().err()).collect();
    assert_eq!(refused, [Error::TooManyTrackers]);
    for heap in HEAPS.iter().filter(|heap| heap.check().is_ok()) {
        assert_eq!(heap.stats().total_allocs, 2);
    }
    assert!(Error::TooManyTrackers.to_string().contains("the first ones keep working"));
}
