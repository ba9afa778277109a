//! What an allocation with its free costs under stacks of 4, 20 and 60 calls, with the tracker and without it. It prints a line for
//! each measurement: what was measured, the calls, and nanoseconds.
//!
//! Each step descends one of eight stacks, drawn at random, whose functions differ at every level, and allocates and frees one block there.
//! The same descent without a block is measured as well. The measurements take turns, and each figure is the median of
//! all turns.

mod stacks;
#[cfg(windows)]
mod unwinders;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::time::Instant;

use memtrack::Tracker;
use stacks::Stacks;

static HEAP: Tracker<System> = Tracker::new(System);

const DEPTHS: [usize; 3] = [4, 20, 60];
const TURNS: usize = 25;
const STEPS: u32 = 20_000;
/// A size that every allocator serves from memory which it has at hand.
const BLOCK: Layout = Layout::new::<[u64; 6]>();

/// Something that is measured at the end of each stack.
type Work = (&'static str, fn());

const WORK: &[Work] = &[
    ("descent", || {}),
    ("plain", || pair(&System)),
    ("tracked", || pair(&HEAP)),
    #[cfg(windows)]
    ("RtlVirtualUnwind", unwinders::virtual_unwind),
    #[cfg(windows)]
    ("RtlCaptureStackBackTrace", unwinders::capture),
];

fn main() {
    for depth in DEPTHS {
        let mut stacks = Stacks::new(depth);
        let mut turns: Vec<Vec<f64>> = WORK.iter().map(|_| Vec::with_capacity(TURNS)).collect();
        for _ in 0..TURNS {
            for (times, (_, work)) in turns.iter_mut().zip(WORK) {
                let start = Instant::now();
                for _ in 0..STEPS {
                    stacks.descend(*work);
                }
                times.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(STEPS));
            }
        }
        for (times, (name, _)) in turns.iter_mut().zip(WORK) {
            times.sort_by(f64::total_cmp);
            println!("{name} {depth} {:.1}", times[TURNS / 2]);
        }
    }
    let lost: Vec<_> = HEAP.losses().filter(|&(_, events)| events > 0).collect();
    assert!(lost.is_empty(), "an event that is lost costs less: {lost:?}");
}

#[inline(never)]
fn pair(heap: &dyn GlobalAlloc) {
    // SAFETY: the layout has a size, and the block is freed with it by the allocator that made it.
    unsafe {
        let block = heap.alloc(BLOCK);
        heap.dealloc(black_box(block), BLOCK);
    }
}
