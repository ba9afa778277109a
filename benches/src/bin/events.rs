//! Events alone, for counting instructions: `bench-events system|counters|full STACKS EVENTS`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::process::exit;

use memtrack::{DefaultRegion, Host, NoUnwind, Region, Tracker};
use memtrack_benches::{STACKS, Stacks};

static FULL: Tracker<System> = Tracker::new(System);
static COUNTERS_REGION: DefaultRegion = Region::new();
static COUNTERS: Tracker<System, NoUnwind> = Tracker::with(System, NoUnwind, Host, &COUNTERS_REGION);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let known = |name: &str| STACKS.into_iter().find(|(known, _)| *known == name).map(|(_, stacks)| stacks);
    let [allocator, stacks, events] = arguments[..] else { fail() };
    let (Some(stacks), Ok(events)) = (known(stacks), events.parse()) else { fail() };
    match allocator {
        "system" => pairs(&System, stacks, events),
        "counters" => pairs(&COUNTERS, stacks, events),
        "full" => pairs(&FULL, stacks, events),
        _ => fail(),
    }
}

fn fail() -> ! {
    eprintln!(
        "usage: system|counters|full STACKS EVENTS; STACKS is one of {:?}",
        STACKS.map(|(name, _)| name)
    );
    exit(2);
}

/// Allocates and frees `events` blocks.
fn pairs(heap: &impl GlobalAlloc, stacks: Stacks, events: u64) {
    const LAYOUT: Layout = Layout::new::<[u64; 8]>();
    stacks.time(events, || {
        // SAFETY: the size of the layout is not zero; the block is freed once, with the layout of its allocation.
        unsafe {
            let block = black_box(heap.alloc(LAYOUT));
            assert!(!block.is_null());
            heap.dealloc(block, LAYOUT);
        }
    });
}
