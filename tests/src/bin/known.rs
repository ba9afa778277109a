//! Known allocations: `known blocks`, `known stages DUMP`, `known threads`. The suite `figures` has the expected
//! figures.
//!
//! The allocations of the runtime before `main` are subtracted, so that every printed number is this file's own.

use std::alloc::System;
use std::hint::black_box;
use std::sync::{Barrier, Mutex};

use memtrack::{Stats, Tracker};
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let base = HEAP.stats();
    HEAP.reset_peak();
    match arguments[1].as_str() {
        "blocks" => blocks(&base),
        "stages" => stages(&base, &arguments[2]),
        "threads" => threads(&base),
        other => panic!("no scenario {other}"),
    }
}

fn block(size: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(size))
}

/// Every way to allocate, one after the other.
#[inline(never)]
fn blocks(base: &Stats) {
    let mut grown = block(1000);
    let zeroed = black_box(vec![0u8; 3000]);
    tell("two", base);
    grown.reserve_exact(5000);
    tell("grown", base);
    drop(zeroed);
    tell("dropped", base);
    drop(black_box(Box::new([7u8; 16])));
    grown.extend_from_slice(b"0123456789");
    grown.shrink_to_fit();
    tell("shrunk", base);
    HEAP.reset_peak();
    let aligned = black_box(Box::new(Page([1; 4096])));
    tell("aligned", base);
    drop((black_box(grown), black_box(aligned)));
    tell("end", base);
}

#[repr(align(4096))]
#[allow(dead_code, reason = "written, never read")]
struct Page([u8; 4096]);

fn tell(when: &str, base: &Stats) {
    let now = HEAP.stats();
    say!("{when} live {}", now.live_bytes - base.live_bytes);
    say!("{when} live-blocks {}", now.live_blocks - base.live_blocks);
    say!("{when} peak {}", now.peak_bytes - base.live_bytes);
    say!("{when} peak-blocks {}", now.peak_blocks - base.live_blocks);
    say!("{when} bytes {}", now.total_bytes - base.total_bytes);
    say!("{when} allocs {}", now.total_allocs - base.total_allocs);
    say!("{when} frees {}", now.total_frees - base.total_frees);
    say!("{when} reallocs {}", now.reallocs - base.reallocs);
    say!("{when} temporary {}", now.temporary - base.temporary);
}

/// Nested stages, two runs of one name, and a reset between them.
#[inline(never)]
fn stages(base: &Stats, dump: &str) {
    let outer = HEAP.stage("outer");
    let kept = block(100);
    {
        let _inner = HEAP.stage("inner");
        drop(inner_blocks(500));
        drop(inner_blocks(200));
    }
    drop(block(300));
    HEAP.reset_peak();
    tell("reset", base);
    {
        let _inner = HEAP.stage("inner");
        drop(inner_blocks(50));
        tell("again", base);
    }
    drop(kept);
    drop(outer);
    {
        let _last = HEAP.stage("last");
        let _running = HEAP.stage("running");
        drop(block(700));
        HEAP.dump_to_path(dump).unwrap();
        tell_stages(base);
    }
}

#[inline(never)]
fn inner_blocks(size: usize) -> Vec<u8> {
    block(size)
}

fn tell_stages(base: &Stats) {
    for stage in HEAP.stages() {
        let name = stage.name();
        say!("{name} depth {}", stage.depth);
        say!("{name} running {}", u8::from(stage.running));
        say!("{name} runs {}", stage.runs);
        say!("{name} allocs {}", stage.allocs);
        say!("{name} bytes {}", stage.bytes);
        say!("{name} before {}", stage.live_before - base.live_bytes);
        say!("{name} after {}", stage.live_after - base.live_bytes);
        say!("{name} peak {}", stage.peak_bytes - base.live_bytes);
        say!("{name} peak-blocks {}", stage.peak_blocks - base.live_blocks);
        say!("{name} lost {}", stage.lost);
    }
}

/// Threads of the scenario `threads`. Worker `i` allocates blocks of `(i + 1) * 10` bytes.
const WORKERS: usize = 4;
const BLOCKS: usize = 100;

static HANDED: [Mutex<Vec<Vec<u8>>>; WORKERS] = [const { Mutex::new(Vec::new()) }; WORKERS];

/// Each thread passes half of its blocks to the next one, which frees them.
#[inline(never)]
fn threads(base: &Stats) {
    for handed in &HANDED {
        handed.lock().unwrap().reserve_exact(BLOCKS);
    }
    let barrier = &Barrier::new(WORKERS);
    std::thread::scope(|scope| {
        let workers = (0..WORKERS).map(|i| {
            let named = std::thread::Builder::new().name(format!("worker-{i}"));
            named.spawn_scoped(scope, move || worker(i, barrier)).unwrap()
        });
        // The scope alone would only wait until their closures return, not until the threads end.
        workers.collect::<Vec<_>>().into_iter().for_each(|worker| worker.join().unwrap());
    });
    for handed in &HANDED {
        *handed.lock().unwrap() = Vec::new();
    }
    tell("end", base);
    for thread in HEAP.threads() {
        say!("{} exited {}", thread.name(), u8::from(thread.exited));
        say!("{} last {}", thread.name(), thread.stats.live_bytes);
    }
    let sum = HEAP.threads().map(|thread| thread.stats.live_bytes).sum::<u64>();
    say!("difference {}", sum.abs_diff(HEAP.stats().live_bytes));
}

fn worker(i: usize, barrier: &Barrier) {
    let mut own = Vec::with_capacity(BLOCKS);
    HEAP.reset_thread_peak();
    let base = HEAP.thread_stats();
    for _ in 0..BLOCKS {
        own.push(block((i + 1) * 10));
    }
    let full = HEAP.thread_stats();
    barrier.wait();
    HANDED[(i + 1) % WORKERS].lock().unwrap().extend(own.drain(BLOCKS / 2..));
    barrier.wait();
    HANDED[i].lock().unwrap().clear();
    barrier.wait();
    let half = HEAP.thread_stats();
    for (when, now) in [("full", full), ("half", half)] {
        say!("{i} {when} allocs {}", now.total_allocs - base.total_allocs);
        say!("{i} {when} bytes {}", now.total_bytes - base.total_bytes);
        say!("{i} {when} live {}", now.live_bytes - base.live_bytes);
        say!("{i} {when} live-blocks {}", now.live_blocks - base.live_blocks);
        say!("{i} {when} peak {}", now.peak_bytes - base.live_bytes);
        say!("{i} {when} peak-blocks {}", now.peak_blocks - base.live_blocks);
    }
    barrier.wait();
}
