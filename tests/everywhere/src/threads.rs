//! Threads with names, each of which ends while the next ones still allocate.

use std::sync::{Arc, Barrier};
use std::thread;

use crate::{Done, HEAP, block};

const THREADS: usize = 4;

/// Thread N allocates N + 1 blocks of 1000 · (N + 1) bytes in each of N + 1 rounds, and keeps those of the last round.
/// All threads begin a round together. So N threads have ended before the last one allocates for the last time.
pub(crate) fn run(dump: &str) -> Done {
    let rounds: Arc<[Barrier]> = (0..THREADS).map(|round| Barrier::new(THREADS - round)).collect();
    let start = |number: usize| {
        let rounds = Arc::clone(&rounds);
        let named = thread::Builder::new().name(format!("worker-{number}"));
        named.spawn(move || work(number, &rounds)).expect("a thread starts")
    };
    let threads: Vec<_> = (0..THREADS).map(start).collect();
    let kept: Vec<_> =
        threads.into_iter().map(|thread| thread.join().expect("the thread does not panic")).collect();
    let dumped = HEAP.dump_to_path(dump);
    drop(kept);
    dumped
}

fn work(number: usize, rounds: &[Barrier]) -> Vec<Vec<u8>> {
    let mut kept = Vec::with_capacity(number + 1);
    for round in &rounds[..=number] {
        round.wait();
        kept.clear();
        let _tag = HEAP.tag("work");
        for _ in 0..=number {
            kept.push(block(1000 * (number + 1)));
        }
    }
    kept
}
