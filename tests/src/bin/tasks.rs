//! Tasks that move between the workers of a tokio runtime, each under a tag of its own: `tasks DUMP`.

use std::alloc::System;
use std::collections::HashSet;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use memtrack::Tracker;
use memtrack_tests::say;
use tokio::sync::Barrier;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

const TASKS: usize = 5;
const ROUNDS: usize = 60;
static MOVED: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let dump = std::env::args().nth(1).expect("a path for the dump");
    let workers = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().expect("a runtime");
    workers.block_on(async {
        let (full, done) = (Arc::new(Barrier::new(TASKS + 1)), Arc::new(Barrier::new(TASKS + 1)));
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let work = work(task, Arc::clone(&full), Arc::clone(&done));
                tokio::spawn(HEAP.tagged_as(&format!("task {task}"), work))
            })
            .collect();
        full.wait().await;
        HEAP.dump_to_path(&dump).expect("a dump");
        done.wait().await;
        for task in tasks {
            task.await.expect("a task that ends");
        }
    });
    say!("moved {}", MOVED.load(Relaxed));
}

/// Holds blocks of a size of its own; some are allocated in an inner future under another tag.
async fn work(task: usize, full: Arc<Barrier>, done: Arc<Barrier>) {
    let mut kept = Vec::new();
    let mut workers = HashSet::new();
    for _ in 0..ROUNDS {
        kept.push(outer(1000 + task));
        kept.push(HEAP.tagged_as("inner", later(2000 + task)).await);
        workers.insert(std::thread::current().id());
        tokio::task::yield_now().await;
    }
    MOVED.fetch_add(usize::from(workers.len() > 1), Relaxed);
    full.wait().await;
    done.wait().await;
    drop(kept);
}

/// May move to another worker between its two halves.
async fn later(size: usize) -> Vec<u8> {
    // Other workers steal the tasks of a worker that sleeps.
    std::thread::sleep(Duration::from_micros(200));
    tokio::task::yield_now().await;
    inner(size)
}

#[inline(never)]
fn outer(size: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(size))
}

#[inline(never)]
fn inner(size: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(black_box(size)))
}
