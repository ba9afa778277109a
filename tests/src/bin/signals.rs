//! A storm of signals whose handler allocates, while threads allocate and stages begin and end: `signals COUNT`.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use memtrack::Tracker;
use memtrack_tests::allocators::{Audit, Slots};
use memtrack_tests::say;

#[global_allocator]
static HEAP: Audit<Tracker<Slots>> = Audit::new(Tracker::new(Slots::new()));

static HANDLED: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicBool = AtomicBool::new(false);

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).expect("a number of signals");
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            while !DONE.load(Relaxed) {
                work();
            }
        });
        // The handlers must leave time for work; unoptimised they are slow.
        storm(if cfg!(debug_assertions) { 100 } else { 20 });
        while HANDLED.load(Relaxed) < count {
            let _stage = HEAP.inner().stage("work");
            (0..100).for_each(|_| work());
        }
        storm(0);
        DONE.store(true, Relaxed);
        other.join().unwrap();
    });
    let stats = HEAP.inner().stats();
    let told = [stats.total_allocs, stats.total_bytes, stats.live_blocks, stats.live_bytes, stats.reallocs];
    let names = ["allocs", "bytes", "live-blocks", "live", "reallocs"];
    for ((name, audited), told) in names.iter().zip(HEAP.figures()).zip(told) {
        say!("audited {name} {audited}");
        say!("{name} {told}");
    }
    say!("handled {}", HANDLED.load(Relaxed));
    say!("stage lost {}", HEAP.inner().stages().map(|stage| stage.lost).sum::<u64>());
}

/// Raises a signal every this many microseconds; none if 0.
fn storm(microseconds: libc::suseconds_t) {
    let interval = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: all-zero is a `sigaction` without flags and mask; the handler has the right signature and is
    // async-signal-safe: it uses atomic operations and the allocator of this program.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()), 0);
        assert_eq!(libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()), 0);
    }
}

#[inline(never)]
extern "C" fn handler(_: libc::c_int) {
    let mut block = black_box(vec![1u8; 40]);
    block.reserve_exact(black_box(100));
    drop(black_box(Box::new(7u64)));
    drop(block);
    HANDLED.fetch_add(1, Relaxed);
}

#[inline(never)]
fn work() {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    // So few that the list fits into a slot: larger pieces are not reused, and their number depends on timing.
    for size in 1..30 {
        kept.push(black_box(vec![0; size]));
    }
    black_box(kept);
}
