//! Losses are counted at every event, even if the unwinder recalls its stack.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

use memtrack::{DefaultPlatform, DefaultUnwind, LossCause, Region, Tracker};
use memtrack_tests::snapshot;

/// The maximal number of captured frames.
const DEPTH: usize = 8;
/// Events from each call site.
const EVENTS: u64 = 100;

type Small = Region<256, 64, 16, 4, 4, DEPTH>;

static REGION: Small = Region::new();
static HEAP: Tracker<System, DefaultUnwind, DefaultPlatform, Small> = Tracker::with_region(System, &REGION);

fn allocate_and_free(heap: &dyn GlobalAlloc) {
    let layout = Layout::from_size_align(40, 8).unwrap();
    // SAFETY: the size is not zero; the block is freed once, with its layout.
    unsafe { heap.dealloc(black_box(heap.alloc(layout)), layout) };
}

#[inline(never)]
fn deep(frames: usize, work: &dyn Fn()) {
    if frames == 0 {
        work()
    } else {
        deep(frames - 1, work)
    }
    black_box(frames);
}

fn too_deep() -> u64 {
    HEAP.losses().filter(|(cause, _)| *cause == LossCause::TooDeep).map(|(_, events)| events).sum()
}

#[test]
fn a_stack_that_is_too_deep_is_a_loss_at_every_event() {
    // First one stack repeatedly, then two sites in turn: every way to find a remembered stack.
    for _ in 0..EVENTS {
        deep(30, &|| allocate_and_free(&HEAP));
    }
    assert_eq!(too_deep(), EVENTS);
    for _ in 0..EVENTS / 2 {
        deep(30, &|| allocate_and_free(&HEAP));
        deep(31, &|| allocate_and_free(&HEAP));
    }
    assert_eq!(too_deep(), 2 * EVENTS);
    let stats = HEAP.stats();
    assert_eq!((stats.total_allocs, stats.live_bytes), (2 * EVENTS, 0));
}

#[test]
fn an_event_without_a_free_cell_is_unattributed_and_a_loss() {
    type Tiny = Region<4096, 4, 4, 1, 1, 64>;
    static REGION: Tiny = Region::new();
    static HEAP: Tracker<System, DefaultUnwind, DefaultPlatform, Tiny> =
        Tracker::with_region(System, &REGION);
    (0..10).for_each(|frames| deep(frames, &|| allocate_and_free(&HEAP)));
    let mut bytes = Vec::new();
    HEAP.dump(&mut bytes).unwrap();
    let snapshot = snapshot::last(&bytes);
    snapshot.assert_adds_up();
    let nobodys = snapshot.cells(|cell| cell.id == 0).allocs;
    assert!((6..10).contains(&nobodys), "{nobodys} of 10 events, with four cells");
    let lost = snapshot.losses.iter().filter(|loss| loss.cause == LossCause::CellsFull);
    assert_eq!(lost.map(|loss| loss.events).sum::<u64>(), nobodys);
}
