//! An allocation with its free under stacks of a given depth: the same stack again, a few in turn, or many at random.
//!
//! Each is measured on the system allocator, on memtrack without stacks and on memtrack in full. The first
//! difference is what an event costs, the second what it costs to capture and find the stack; the way down the stack
//! is in all three, but for the same stack, where the loop is at its bottom.

mod stacks;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use memtrack::{DefaultPlatform, DefaultRegion, Host, NoUnwind, Region, Tracker};
use memtrack_benches::Random;
use stacks::descend;

static FULL_REGION: DefaultRegion = Region::new();
static FULL: Tracker<System> = Tracker::with_region(System, &FULL_REGION);

static COUNTERS_REGION: DefaultRegion = Region::new();
static COUNTERS: Tracker<System, NoUnwind, DefaultPlatform> =
    Tracker::with(System, NoUnwind, Host, &COUNTERS_REGION);

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    compare(&mut criterion, "same stack", [8, 24, 64], &Same);
    compare(&mut criterion, "loop over 8 stacks", [30], &Several { stacks: 8, random: false });
    compare(&mut criterion, "100 stacks at random", [30], &Several { stacks: 100, random: true });
    compare(&mut criterion, "2000 stacks at random", [24, 30, 64], &Several { stacks: 2000, random: true });
    criterion.final_summary();
}

/// How the stack changes from event to event.
trait Manner: Sync {
    fn time(&self, depth: usize, events: u64, pair: impl Fn()) -> Duration;
}

struct Same;

impl Manner for Same {
    fn time(&self, depth: usize, events: u64, pair: impl Fn()) -> Duration {
        let mut taken = Duration::ZERO;
        descend(depth, 0, || {
            let start = Instant::now();
            for _ in 0..events {
                pair();
            }
            taken = start.elapsed();
        });
        taken
    }
}

struct Several {
    stacks: usize,
    random: bool,
}

impl Manner for Several {
    fn time(&self, depth: usize, events: u64, pair: impl Fn()) -> Duration {
        let mut random = Random::new(1);
        let paths: Vec<u64> = (0..self.stacks).map(|_| random.bits()).collect();
        let start = Instant::now();
        for event in 0..events as usize {
            let drawn = random.within(0, self.stacks - 1);
            let place = if self.random { drawn } else { event % self.stacks };
            descend(depth, paths[place], &pair);
        }
        start.elapsed()
    }
}

fn compare<const N: usize>(criterion: &mut Criterion, title: &str, depths: [usize; N], manner: &impl Manner) {
    let mut group = criterion.benchmark_group(title);
    for depth in depths {
        measure(&mut group, "system", depth, manner, || pair(&System));
        measure(&mut group, "counters", depth, manner, || pair(&COUNTERS));
        measure(&mut group, "memtrack", depth, manner, || pair(&FULL));
    }
    group.finish();
}

fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    depth: usize,
    manner: &impl Manner,
    pair: impl Fn() + Sync,
) {
    group.bench_function(BenchmarkId::new(name, depth), |bencher| {
        bencher.iter_custom(|events| on_thread(|| manner.time(depth, events, &pair)));
    });
}

#[inline]
fn pair(heap: &impl GlobalAlloc) {
    const LAYOUT: Layout = Layout::new::<[u64; 8]>();
    // SAFETY: the layout is not of size zero; the block is freed once, with the layout that it was allocated with.
    unsafe {
        let block = black_box(heap.alloc(LAYOUT));
        assert!(!block.is_null());
        heap.dealloc(block, LAYOUT);
    }
}

/// Runs `work` on a thread of its own, whose stack is not as deep as that of the measuring library.
fn on_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join().expect("the work ends well"))
}
