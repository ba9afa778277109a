//! Blocks that pass between two trackers of a process, or between a tracker and an allocator without one. Allocators
//! forbid this, but boxes that cross the border of a library do it. Nothing crashes, every figure stays possible, and
//! each case is counted.
//!
//! Planted bug: without the salt a tracker takes the trailer of another one for its own.

use std::alloc::{GlobalAlloc, Layout, System};

use memtrack::{Host, LossCause, NoUnwind, Region, Tracker};

type Small = Region<64, 64, 16, 4, 4, 8>;
type Heap = Tracker<System, NoUnwind, Host, Small>;

static REGIONS: [Small; 3] = [Small::new(), Small::new(), Small::new()];
static HEAPS: [Heap; 3] = [
    Tracker::with(System, NoUnwind, Host, &REGIONS[0]),
    Tracker::with(System, NoUnwind, Host, &REGIONS[1]),
    Tracker::with(System, NoUnwind, Host, &REGIONS[2]),
];

/// Bytes that a test holds in its own tracker all the time.
const KEPT: u64 = 50_000;
const BLOCKS: u64 = 1000;

fn layout(i: u64) -> Layout {
    Layout::from_size_align(1000 + (i % 200) as usize, 1).expect("small")
}

fn corrupt(heap: &Heap) -> u64 {
    heap.losses().find(|loss| loss.0 == LossCause::CorruptTrailer).map_or(0, |loss| loss.1)
}

/// The number of blocks of `maker` that the tracker `taker` detects when it frees them. Its live bytes stay at least
/// those that it holds.
fn noticed(maker: &dyn GlobalAlloc, taker: &Heap) -> u64 {
    let before = corrupt(taker);
    for i in 0..BLOCKS {
        // SAFETY: all of these allocators pass on the system's blocks, and the system can free any of them.
        unsafe {
            let block = maker.alloc(layout(i));
            block.write_bytes(0x5a, layout(i).size());
            taker.dealloc(block, layout(i));
        }
    }
    let live = taker.stats().live_bytes;
    assert!((KEPT..KEPT + 5000).contains(&live), "{live} bytes");
    corrupt(taker) - before
}

#[test]
fn foreign_blocks_are_counted_and_change_no_figure() {
    let kept = Layout::from_size_align(KEPT as usize, 8).expect("small");
    for heap in &HEAPS {
        heap.check().expect("a process may have three trackers");
        // SAFETY: the size of the layout is not zero.
        assert!(!unsafe { heap.alloc(kept) }.is_null());
    }
    // The words behind an untracked block are arbitrary: one in 256 looks like a valid trailer.
    let plain = noticed(&System, &HEAPS[0]);
    assert!(plain > BLOCKS - BLOCKS / 32, "{plain} of {BLOCKS}");
    // One pair of regions in 128 is unlucky: then most blocks are taken for the tracker's own.
    let others = [noticed(&HEAPS[1], &HEAPS[0]), noticed(&HEAPS[2], &HEAPS[0])];
    assert!(others.contains(&BLOCKS), "{others:?} of {BLOCKS}");

    // A block that another tracker resizes counts there from then on, and keeps its bytes.
    let before = HEAPS[0].stats();
    // SAFETY: as above.
    unsafe {
        let block = System.alloc_zeroed(Layout::from_size_align(100, 1).expect("small"));
        block.write_bytes(7, 100);
        let block = HEAPS[0].realloc(block, Layout::from_size_align(100, 1).expect("small"), 9000);
        assert!((0..100).all(|place| block.add(place).read() == 7));
        let live = HEAPS[0].stats().live_bytes;
        assert!((before.live_bytes + 8900..=before.live_bytes + 9000).contains(&live), "{live}");
        HEAPS[0].dealloc(block, Layout::from_size_align(9000, 1).expect("small"));
    }
}
