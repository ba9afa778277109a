//! Storms of short threads, of forks, or of libraries that are loaded and unloaded, all of which allocate. The
//! accounts are compared after each round: `storms threads|forks|plugins ROUNDS DUMP [LIBRARY…]`.

use std::alloc::System;
use std::ffi::{CString, c_void};
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use memtrack::Tracker;
use memtrack_tests::allocators::Audit;
use memtrack_tests::{say, snapshot};

#[global_allocator]
static HEAP: Audit<Tracker<System>> = Audit::new(Tracker::new(System));

/// Threads that start short ones concurrently.
const MAKERS: usize = 16;
/// Short threads that each of them starts in a round.
const THREADS: usize = 50;
const FORKS: usize = 6;
const LOADERS: usize = 4;
const LOADS: usize = 25;

/// Blocks that a thread leaves to the next one.
static LEFT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
/// Events under plugins.
static CALLED: AtomicU64 = AtomicU64::new(0);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, storm, rounds, dump, libraries @ ..] = &arguments[..] else { panic!("STORM ROUNDS DUMP") };
    let rounds: usize = rounds.parse().expect("a number of rounds");
    let libraries: Vec<CString> =
        libraries.iter().map(|path| CString::new(path.as_str()).expect("a path")).collect();
    for round in 1..=rounds {
        match storm.as_str() {
            "threads" => threads(),
            "forks" => forks(),
            "plugins" => plugins(&libraries),
            other => panic!("{other} is no storm"),
        }
        check(dump);
        if storm == "threads" {
            let counted: u64 = HEAP.inner().threads().map(|thread| u64::from(thread.count)).sum();
            // The short threads, the threads that started them, and the main thread.
            assert_eq!(counted, (round * MAKERS * (THREADS + 1) + 1) as u64);
        }
    }
    say!("rounds {rounds}");
    say!("called {}", CALLED.load(Relaxed));
}

/// Compares the tracker's figures with the second account, and the sums of threads and cells with the program.
fn check(dump: &str) {
    let stats = HEAP.inner().stats();
    let told = [stats.total_allocs, stats.total_bytes, stats.live_blocks, stats.live_bytes, stats.reallocs];
    assert_eq!(told, HEAP.figures());
    HEAP.inner().dump_to_path(dump).expect("a dump");
    let bytes = snapshot::file(dump.as_ref());
    snapshot::last(&bytes).assert_adds_up();
}

fn threads() {
    std::thread::scope(|scope| {
        let makers: [_; MAKERS] = std::array::from_fn(|maker| {
            scope.spawn(move || {
                black_box(Vec::<u8>::with_capacity(1 + maker));
                for number in 0..THREADS {
                    std::thread::spawn(move || short(maker * THREADS + number)).join().expect("a thread");
                }
            })
        });
        join(makers);
    });
    LEFT.lock().expect("no panic").clear();
}

fn short(number: usize) {
    let mut block = deep(number % 12, 1 + number % 500);
    block.reserve_exact(600);
    let mut left = LEFT.lock().expect("no panic");
    if number.is_multiple_of(3) {
        left.push(block);
    } else {
        drop(left.pop());
    }
}

/// Waits until the threads have ended, and not only their closures: their destructors allocate, too.
fn join<const N: usize>(threads: [std::thread::ScopedJoinHandle<'_, ()>; N]) {
    threads.into_iter().for_each(|thread| thread.join().expect("a thread"));
}

/// Each depth has a stack of its own.
#[inline(never)]
fn deep(depth: usize, size: usize) -> Vec<u8> {
    if depth == 0 { black_box(Vec::with_capacity(size)) } else { black_box(deep(depth - 1, size)) }
}

fn forks() {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let busy = [(); 4].map(|()| {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    black_box((1..60).map(|size| deep(size % 5, size)).collect::<Vec<_>>());
                }
            })
        });
        for _ in 0..FORKS {
            // SAFETY: the child only uses operations that are safe in a forked child of several threads: the
            // allocator, whose locks the C library resets, and the end of the process.
            match unsafe { libc::fork() } {
                0 => child(),
                pid => {
                    let mut status = -1;
                    // SAFETY: the system writes the status.
                    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
                    assert_eq!(status, 0, "a child");
                }
            }
        }
        done.store(true, Relaxed);
        join(busy);
    });
}

fn child() -> ! {
    // SAFETY: it sets an alarm, which ends a child that hangs.
    unsafe { libc::alarm(60) };
    let tracker = HEAP.inner();
    let (before, own) = (tracker.stats(), tracker.thread_stats());
    let kept: Vec<_> = (0..40).map(|number| deep(number % 7, 100)).collect();
    let (after, own_after) = (tracker.stats(), tracker.thread_stats());
    // 40 blocks, and one for the list, whose capacity is known beforehand.
    let grown = [after.total_allocs - before.total_allocs, own_after.total_allocs - own.total_allocs];
    black_box(kept);
    // SAFETY: it ends the child.
    unsafe { libc::_exit(i32::from(grown != [41, 41])) }
}

fn plugins(libraries: &[CString]) {
    type Call = unsafe extern "C" fn(extern "C" fn(*mut c_void), *mut c_void);
    std::thread::scope(|scope| {
        let loaders: [_; LOADERS] = std::array::from_fn(|loader| {
            scope.spawn(move || {
                for number in 0..LOADS {
                    let path = &libraries[(loader + number) % libraries.len()];
                    // SAFETY: the strings are C strings, the function has this signature, and no code or data of the
                    // library is in use when it is closed.
                    unsafe {
                        let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
                        assert!(!handle.is_null());
                        let call: Call = std::mem::transmute(libc::dlsym(handle, c"storm".as_ptr()));
                        call(called, std::ptr::null_mut());
                        assert_eq!(libc::dlclose(handle), 0);
                    }
                }
            })
        });
        join(loaders);
    });
}

extern "C" fn called(_: *mut c_void) {
    black_box(deep(3, 77));
    CALLED.fetch_add(1, Relaxed);
}
