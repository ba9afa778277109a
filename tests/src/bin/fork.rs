//! A program that forks while several threads allocate. Each child allocates and ends: by `exit`, which writes its
//! dump, or by `_exit`, which writes nothing. The argument is the way to fork.

use std::alloc::System;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use memtrack::Tracker;
use memtrack_tests::fork::{self, fork};
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

const CHILDREN: usize = 8;
const THREADS: usize = 4;

/// Threads that have allocated. The first child must inherit all of them.
static BUSY: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicBool = AtomicBool::new(false);

fn main() {
    let way = std::env::args().nth(1).expect("a way to fork");
    let is_told = way == fork::FUNCTION;
    std::thread::scope(|scope| {
        let busy = [(); THREADS].map(|()| scope.spawn(move || work(is_told)));
        while BUSY.load(Relaxed) < THREADS {
            std::thread::yield_now();
        }
        {
            let _stage = HEAP.stage("begun before the forks");
            black_box(vec![0u8; 5000]);
        }
        for number in 0..CHILDREN {
            // SAFETY: the child only uses operations that are safe in a forked child of several threads: the
            // allocator, whose locks the C library resets, atomic operations, and the end of the process.
            match unsafe { fork(&way) } {
                0 => child(number),
                pid => parent(pid),
            }
        }
        DONE.store(true, Relaxed);
        busy.into_iter().for_each(|thread| thread.join().unwrap());
    });
    say!("pid {}", std::process::id());
}

fn work(is_told: bool) {
    drop(black_box(vec![0u8; 100]));
    BUSY.fetch_add(1, Relaxed);
    while !DONE.load(Relaxed) {
        if !is_told {
            // After this fork the C library does not reset its allocator's locks in the child, so no thread may hold
            // one.
            std::thread::yield_now();
            continue;
        }
        let blocks: Vec<_> = (1..100).map(|size| black_box(vec![0u8; size])).collect();
        black_box(blocks);
    }
}

fn parent(pid: libc::pid_t) {
    let mut status = 0;
    // SAFETY: the system writes the status.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    say!("child {pid} {status}");
}

fn child(number: usize) -> ! {
    let before = HEAP.stats();
    let thread = HEAP.thread_stats();
    let kept = black_box(child_blocks());
    let (after, own) = (HEAP.stats(), HEAP.thread_stats());
    // The figures of this thread are exact; the other threads do not run in the child.
    let grown = [after.live_bytes - before.live_bytes, own.live_bytes - thread.live_bytes];
    let figures_are_right = grown == [100_000, 100_000] && after.total_allocs - before.total_allocs == 100;
    if number == CHILDREN - 1 {
        // SAFETY: ends the process.
        unsafe { libc::_exit(i32::from(!figures_are_right)) };
    }
    std::mem::forget(kept);
    // A stage of the child itself: its snapshot is the first one in the child's file.
    drop(HEAP.stage("of the child"));
    std::process::exit(i32::from(!figures_are_right))
}

#[inline(never)]
fn child_blocks() -> [Vec<u8>; 100] {
    std::array::from_fn(|_| black_box(Vec::with_capacity(1000)))
}
