//! The same events for each allocator, to be counted in instructions: `events plain|full|counters PAIRS`.
//!
//! One allocation and one free a step, of 16 to 1023 bytes, freed through a ring of 64, on a stack of about 24 frames.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::ptr;

use memtrack::{DefaultRegion, Host, NoUnwind, Region, Tracker};

static FULL: Tracker<System> = Tracker::new(System);
static COUNTERS_REGION: DefaultRegion = Region::new();
static COUNTERS: Tracker<System, NoUnwind> = Tracker::with(System, NoUnwind, Host, &COUNTERS_REGION);

const RING: usize = 64;
/// Frames between `main` and the events.
const DEPTH: usize = 16;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, allocator, pairs] = &arguments[..] else { panic!("events plain|full|counters PAIRS") };
    let pairs = pairs.parse().expect("a number of pairs");
    match allocator.as_str() {
        "plain" => deep(&System, DEPTH, pairs),
        "full" => deep(&FULL, DEPTH, pairs),
        "counters" => deep(&COUNTERS, DEPTH, pairs),
        _ => panic!("no such allocator: {allocator}"),
    };
}

#[inline(never)]
fn deep(heap: &impl GlobalAlloc, depth: usize, pairs: usize) -> usize {
    let done = if depth == 0 { work(heap, pairs) } else { deep(heap, depth - 1, pairs) };
    // Whatever comes after the call keeps its frame on the stack.
    black_box(done) + 1
}

#[inline(never)]
fn work(heap: &impl GlobalAlloc, pairs: usize) -> usize {
    let mut ring = [(ptr::null_mut::<u8>(), Layout::new::<u8>()); RING];
    let mut random = 0x9E37_79B9_u32;
    for step in 0..pairs + RING {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let (old, layout) = ring[step % RING];
        if !old.is_null() {
            // SAFETY: the block came from this allocator with this layout, and its place is filled anew.
            unsafe { heap.dealloc(old, layout) };
        }
        let layout = Layout::from_size_align(16 + random as usize % 1008, 8).expect("a small layout");
        // SAFETY: the layout's size is not zero.
        ring[step % RING] = (black_box(unsafe { heap.alloc(layout) }), layout);
    }
    pairs
}
