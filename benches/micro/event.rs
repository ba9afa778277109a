//! An allocation and its free: on the system allocator, on memtrack without stacks, and on memtrack with stacks.
//!
//! The first difference is the cost of an event, the second the cost of its stack. Every figure includes the way to
//! the stacks, which `event-nothing` measures alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

use criterion::Criterion;
use memtrack::{DefaultRegion, Host, NoUnwind, Region, Tracker};
use memtrack_benches::STACKS;

static FULL_REGION: DefaultRegion = Region::new();
static FULL: Tracker<System> = Tracker::with_region(System, &FULL_REGION);

static COUNTERS_REGION: DefaultRegion = Region::new();
static COUNTERS: Tracker<System, NoUnwind> = Tracker::with(System, NoUnwind, Host, &COUNTERS_REGION);

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    compare(&mut criterion, "event-nothing", || _ = black_box(0));
    compare(&mut criterion, "event-system", || pair(&System));
    compare(&mut criterion, "event-counters", || pair(&COUNTERS));
    compare(&mut criterion, "event-full", || pair(&FULL));
    criterion.final_summary();
}

fn compare(criterion: &mut Criterion, name: &str, event: impl Fn()) {
    let mut group = criterion.benchmark_group(name);
    for (which, stacks) in STACKS {
        group.bench_function(which, |bencher| {
            bencher.iter_custom(|events| stacks.time(events, &event));
        });
    }
    group.finish();
}

#[inline]
fn pair(heap: &impl GlobalAlloc) {
    const LAYOUT: Layout = Layout::new::<[u64; 8]>();
    // SAFETY: the size of the layout is not zero; the block is freed once, with the layout of its allocation.
    unsafe {
        let block = black_box(heap.alloc(LAYOUT));
        assert!(!block.is_null());
        heap.dealloc(block, LAYOUT);
    }
}
