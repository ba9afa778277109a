//! A program whose tables are recorded to a file.
//!
//! - `recorded quiet DUMP` and `recorded busy` work in several threads and wait to be killed.
//! - `recorded grow` allocates until no memory is left.
//! - `recorded load LIBRARY` loads a library, and waits.
//! - `recorded fork WAY` forks.
//! - `recorded refused FOLDER` requests recordings that must fail.

use std::alloc::System;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Barrier, Mutex};

use memtrack::{Error, Tracker};
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

const WORKERS: usize = 4;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments[1].as_str() {
        "quiet" => quiet(&arguments[2]),
        "busy" => busy(),
        "fork" => fork(&arguments[2]),
        "grow" => grow(),
        "load" => load(&arguments[2]),
        "refused" => refused(Path::new(&arguments[2])),
        other => panic!("no scenario {other}"),
    }
}

#[inline(never)]
fn blocks(count: usize, size: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| black_box(Vec::with_capacity(size))).collect()
}

/// Allocates memory and writes to it until it is killed.
#[inline(never)]
fn grow() {
    let mut kept = Vec::with_capacity(1 << 16);
    loop {
        kept.push(black_box(vec![1u8; 1 << 20]));
    }
}

/// Everything that tables can hold: finished and running threads, stages of which one is still running, tags, a heap,
/// blocks that another thread freed, and a peak in between.
fn quiet(dump: &str) {
    static HANDED: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    HANDED.lock().unwrap().reserve_exact(1000);
    let heap = HEAP.heap("arena").unwrap();
    let _kept = HEAP.on_alloc(heap, 0x1000, 4321);
    HEAP.in_stage("load", || drop(blocks(100, 3000)));
    HEAP.reset_peak();
    let _running = HEAP.stage("running");
    HEAP.in_stage("inner", || drop(blocks(10, 20_000)));
    let (work_done, forever) = (&Barrier::new(WORKERS + 1), &Barrier::new(WORKERS + 1));
    let early = std::thread::Builder::new().name("early".into()).spawn(|| drop(blocks(7, 700))).unwrap();
    early.join().unwrap();
    std::thread::scope(|scope| {
        for number in 0..WORKERS {
            let named = std::thread::Builder::new().name(format!("worker-{number}"));
            let work = move || {
                let _tag = HEAP.tag("request");
                let kept = HEAP.in_stage("parse", || blocks(50, 100 * (number + 1)));
                let _inner = HEAP.tag("inner");
                HANDED.lock().unwrap().extend(blocks(25, 64));
                drop(blocks(50, 5000));
                work_done.wait();
                forever.wait();
                drop(kept);
            };
            named.spawn_scoped(scope, work).unwrap();
        }
        work_done.wait();
        HANDED.lock().unwrap().truncate(10);
        HEAP.dump_to_path(dump).unwrap();
        tell("quiet");
        // They wait for one more thread.
        loop {
            std::thread::park();
        }
    });
}

fn tell(when: &str) {
    let now = HEAP.stats();
    say!("{when} live {}", now.live_bytes);
    say!("{when} live-blocks {}", now.live_blocks);
    say!("{when} peak {}", now.peak_bytes);
    say!("{when} bytes {}", now.total_bytes);
    say!("{when} allocs {}", now.total_allocs);
    say!("{when} lost {}", HEAP.losses().map(|(_, events)| events).sum::<u64>());
}

/// Known blocks, followed by threads that never pause.
fn busy() {
    let kept = black_box(known());
    HEAP.in_stage("known", || drop(blocks(10, 1000)));
    tell("known");
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    drop(rest_less());
                }
            });
        }
    });
    drop(kept);
}

#[inline(never)]
fn known() -> Vec<Vec<u8>> {
    // The call is not the last instruction, so the frame stays.
    black_box(blocks(100, 1234))
}

#[inline(never)]
fn rest_less() -> Vec<Vec<u8>> {
    (1..100).map(|size| black_box(Vec::with_capacity(size))).collect()
}

/// Loads a library after the recording began.
fn load(library: &str) {
    type Call = unsafe extern "C" fn(extern "C" fn() -> *mut libc::c_void) -> *mut libc::c_void;
    let path = std::ffi::CString::new(library).unwrap();
    // SAFETY: the strings are C strings, and the function has this signature.
    unsafe {
        let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
        assert!(!handle.is_null());
        let call: Call = std::mem::transmute(libc::dlsym(handle, c"plugin_call".as_ptr()));
        black_box(call(for_the_plugin));
    }
    tell("loaded");
    loop {
        std::thread::park();
    }
}

extern "C" fn for_the_plugin() -> *mut libc::c_void {
    Vec::<u8>::with_capacity(54_321).leak().as_mut_ptr().cast()
}

/// The parent and its child both continue at once.
fn fork(way: &str) {
    let kept = black_box(known());
    let before = HEAP.stats().total_allocs;
    // SAFETY: the process has one thread, so its child may do anything.
    match unsafe { memtrack_tests::fork::fork(way) } {
        0 => {
            let own = black_box(of_the_child());
            say!("child allocs {}", HEAP.stats().total_allocs - before);
            say!("child pid {}", std::process::id());
            std::mem::forget(own);
            // SAFETY: it ends the process.
            unsafe { libc::_exit(0) };
        }
        child => {
            let own = black_box(of_the_parent());
            let mut status = 0;
            // SAFETY: the system writes the status.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            say!("parent allocs {}", HEAP.stats().total_allocs - before);
            say!("status {status}");
            drop(own);
        }
    }
    drop(kept);
}

#[inline(never)]
fn of_the_child() -> Vec<Vec<u8>> {
    black_box(blocks(99, 10))
}

#[inline(never)]
fn of_the_parent() -> Vec<Vec<u8>> {
    black_box(blocks(299, 20))
}

fn refused(folder: &Path) {
    let paths = ["missing/file", "threads", "file", "again", "taken"].map(|name| folder.join(name));
    let error = HEAP.record_to(&paths[0]).unwrap_err();
    say!("missing {}", u8::from(error == Error::File(libc::ENOENT)));
    say!("taken {}", u8::from(HEAP.record_to(&paths[4]) == Err(Error::RecordingTaken)));
    let (ready, done) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            ready.store(true, Relaxed);
            while !done.load(Relaxed) {
                std::thread::yield_now();
            }
        });
        while !ready.load(Relaxed) {
            std::hint::spin_loop();
        }
        say!("threads {}", u8::from(HEAP.record_to(&paths[1]) == Err(Error::RecordingThreads)));
        done.store(true, Relaxed);
    });
    say!("threads made a file {}", u8::from(paths[1].exists()));
    // The thread has ended for its joiner, but the system may still count it.
    let begun = (0..1000).any(|_| match HEAP.record_to(&paths[2]) {
        Err(Error::RecordingThreads) => {
            std::thread::sleep(std::time::Duration::from_millis(1));
            false
        }
        result => result == Ok(()),
    });
    say!("begun {}", u8::from(begun));
    say!("again {}", u8::from(HEAP.record_to(&paths[3]) == Err(Error::RecordingRuns)));
    let kept = black_box(known());
    say!("allocs {}", HEAP.stats().total_allocs);
    std::mem::forget(kept);
}
