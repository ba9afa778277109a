//! Threads that allocate, grow, shrink, pass on and free blocks at random. A second account audits the tracker:
//! `traffic ROUNDS`.

use std::alloc::System;
use std::hint::black_box;
use std::sync::Mutex;

use memtrack::Tracker;
use memtrack_tests::allocators::Audit;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Audit<Tracker<System>> = Audit::new(Tracker::new(System));

const THREADS: usize = 4;
/// Generations of threads that follow each other.
const GENERATIONS: usize = 3;
/// Blocks that a thread holds.
const KEPT: usize = 64;

/// Blocks on their way to another thread, which frees them.
static INBOX: [Mutex<Vec<Vec<u8>>>; THREADS] = [const { Mutex::new(Vec::new()) }; THREADS];

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).expect("a number of rounds");
    // Exit handlers run in reverse order: this one after the runtime's end, before the tracker's own.
    // SAFETY: the function has the right signature and is never unloaded.
    assert_eq!(unsafe { libc::atexit(tell) }, 0);
    let tracker = HEAP.inner();
    for generation in 0..GENERATIONS {
        let _stage = tracker.stage(["first", "second", "third"][generation]);
        std::thread::scope(|scope| {
            let threads = (0..THREADS).map(|i| {
                let named = std::thread::Builder::new().name(format!("traffic-{i}"));
                let seed = (generation * THREADS + i + 1) as u64;
                named.spawn_scoped(scope, move || work(i, Random(seed), rounds)).unwrap()
            });
            threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
}

extern "C" fn tell() {
    let tracker = HEAP.inner();
    let stats = tracker.stats();
    let told = [stats.total_allocs, stats.total_bytes, stats.live_blocks, stats.live_bytes, stats.reallocs];
    let names = ["allocs", "bytes", "live-blocks", "live", "reallocs"];
    for ((name, audited), told) in names.iter().zip(HEAP.figures()).zip(told) {
        say!("audited {name} {audited}");
        say!("{name} {told}");
    }
    say!("peak {}", stats.peak_bytes);
    say!("failed {}", stats.failed_allocs);
    say!("lost {}", tracker.losses().map(|(_, events)| events).sum::<u64>());
}

/// Xorshift, so that every run of a thread is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
}

fn work(me: usize, mut random: Random, rounds: usize) {
    let mut kept: Vec<Vec<u8>> = vec![Vec::new(); KEPT];
    for round in 0..rounds {
        let size = 1 + random.below(2000);
        let block = match random.below(4) {
            0 => plain(size),
            1 => zeroed(size),
            2 => grown(size),
            _ => shrunk(size),
        };
        let place = random.below(KEPT);
        let old = std::mem::replace(&mut kept[place], block);
        if random.below(3) == 0 {
            INBOX[random.below(THREADS)].lock().unwrap().push(old);
        }
        if round % 32 == 0 {
            INBOX[me].lock().unwrap().clear();
        }
    }
}

#[inline(never)]
fn plain(size: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(size))
}

#[inline(never)]
fn zeroed(size: usize) -> Vec<u8> {
    black_box(vec![0; size])
}

#[inline(never)]
fn grown(size: usize) -> Vec<u8> {
    let mut block = plain(size);
    block.resize(size, 1);
    block.reserve_exact(size);
    black_box(block)
}

#[inline(never)]
fn shrunk(size: usize) -> Vec<u8> {
    let mut block = plain(size + 1);
    block.push(1);
    block.shrink_to(size);
    black_box(block)
}
