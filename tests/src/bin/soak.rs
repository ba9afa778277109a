//! Sixteen threads allocate, pass blocks on and free them, while stages begin and end, peaks are reset, tags begin
//! and end, and dumps are written; a second account audits the tracker: `soak ROUNDS DUMP`.

use std::alloc::System;
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memtrack::Tracker;
use memtrack_tests::allocators::Audit;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Audit<Tracker<System>> = Audit::new(Tracker::new(System));

const THREADS: usize = 16;
static INBOX: [Mutex<Vec<Vec<u8>>>; THREADS] = [const { Mutex::new(Vec::new()) }; THREADS];
static WORKING: AtomicUsize = AtomicUsize::new(THREADS);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, rounds, dump] = &arguments[..] else { panic!("soak ROUNDS DUMP") };
    let rounds = rounds.parse().expect("a number of rounds");
    let tracker = HEAP.inner();
    std::thread::scope(|scope| {
        for me in 0..THREADS {
            let named = std::thread::Builder::new().name(format!("soak-{me}"));
            named.spawn_scoped(scope, move || work(me, rounds)).expect("a thread");
        }
        let mut dumps = 0;
        while WORKING.load(Relaxed) > 0 {
            let outer = tracker.stage("outer");
            for name in ["one", "two"] {
                let _inner = tracker.stage(name);
                tracker.dump_to_path(dump).expect("a dump");
                dumps += 1;
            }
            tracker.reset_peak();
            drop(outer);
        }
        say!("dumps {dumps}");
    });
    let stats = tracker.stats();
    let told = [stats.total_allocs, stats.total_bytes, stats.live_blocks, stats.live_bytes, stats.reallocs];
    let names = ["allocs", "bytes", "live-blocks", "live", "reallocs"];
    for ((name, audited), told) in names.iter().zip(HEAP.figures()).zip(told) {
        say!("audited {name} {audited}");
        say!("{name} {told}");
    }
}

fn work(me: usize, rounds: usize) {
    let tracker = HEAP.inner();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for round in 0..rounds {
        let _tag = (round % 7 == 0).then(|| tracker.tag("seventh"));
        let mut block = deep(round % 9, 1 + (round * 37 + me * 101) % 3000);
        if round % 5 == 0 {
            block.reserve_exact(4000);
        }
        match round % 4 {
            0 => drop(std::mem::take(&mut *INBOX[me].lock().expect("no panic"))),
            1 => INBOX[(me + round) % THREADS].lock().expect("no panic").push(block),
            2 => tracker.in_thread_stage("step", || kept.push(block)),
            _ if kept.len() > 40 => kept.clear(),
            _ => drop(block),
        }
    }
    drop(kept);
    WORKING.fetch_sub(1, Relaxed);
}

/// Each depth has a stack of its own.
#[inline(never)]
fn deep(depth: usize, size: usize) -> Vec<u8> {
    if depth == 0 { black_box(Vec::with_capacity(size)) } else { black_box(deep(depth - 1, size)) }
}
