//! A program that is observed while it runs:
//! `watched signal|idle|interval|waiting|peak|failure|budget|panic|timeline|fork|slack|report`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Barrier, Mutex, OnceLock};
use std::time::Duration;

use memtrack::{Stats, Tracker};
use memtrack_tests::say;

/// Refuses blocks larger than a gigabyte.
struct Bounded;

// SAFETY: a call goes to the system's allocator, or returns null.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > 1 << 30 {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller upholds it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds it.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static HEAP: Tracker<Bounded> = Tracker::new(Bounded);

const MEGABYTE: usize = 1 << 20;

fn main() {
    let kept = held(3 * MEGABYTE);
    path();
    match std::env::args().nth(1).as_deref() {
        Some("signal") => signal(),
        Some("idle") => idle(),
        Some("interval") => interval(),
        Some("waiting") => waiting(),
        Some("peak") => peak(),
        Some("limit") => limit(),
        Some("failure") => failure(),
        Some("budget") => budget(),
        Some("panic") => panic(),
        Some("timeline") => timeline(),
        Some("fork") => fork(),
        Some("slack") => slack(),
        Some("report") => report(),
        other => panic!("no scenario {other:?}"),
    }
    drop(kept);
}

#[inline(never)]
fn held(size: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(size))
}

/// The next event writes the dump.
fn signal() {
    // SAFETY: raises a signal that the tracker handles.
    assert_eq!(unsafe { libc::raise(libc::SIGUSR1) }, 0);
    drop(held(100));
    wait_for_snapshots(1);
}

/// There is no event.
fn idle() {
    // SAFETY: as above.
    assert_eq!(unsafe { libc::raise(libc::SIGUSR1) }, 0);
    wait_for_snapshots(1);
}

fn interval() {
    wait_for_snapshots(3);
}

/// How the tracker's thread waits: its system call as the kernel shows it, with the futex operation.
fn waiting() {
    let call = loop {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let is_ours = |task: &std::path::PathBuf| {
            std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name == "memtrack\n")
        };
        let ours = tasks.map(|task| task.unwrap().path()).find(is_ours);
        let call = ours.and_then(|task| std::fs::read_to_string(task.join("syscall")).ok());
        match call.filter(|call| call.starts_with(&format!("{} ", libc::SYS_futex))) {
            Some(call) => break call,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let operation = call.split(' ').nth(2).and_then(|number| number.strip_prefix("0x"));
    let operation = operation.and_then(|number| i64::from_str_radix(number, 16).ok());
    say!("futex operation {}", operation.expect("a number"));
}

fn peak() {
    let mut kept = Vec::with_capacity(64);
    (0..40).for_each(|_| kept.push(held(MEGABYTE)));
}

/// A limit that is set while the program grows.
fn limit() {
    let mut kept = Vec::with_capacity(64);
    kept.push(held(MEGABYTE));
    let live = HEAP.stats().live_bytes as usize;
    HEAP.dump_peaks_above(live + 4096).expect("there is a file");
    kept.push(held(2048));
    kept.push(held(4096));
    println!("limit {}", live + 4096);
}

fn failure() {
    let mut block: Vec<u8> = Vec::new();
    assert!(block.try_reserve_exact(2 << 30).is_err());
    // Within a second of the first failure: it triggers no dump.
    assert!(block.try_reserve_exact(3 << 30).is_err());
    // The program ends without its exit handlers.
    // SAFETY: it ends the process.
    unsafe { libc::_exit(0) };
}

static CALLS: AtomicUsize = AtomicUsize::new(0);
static SEEN: AtomicUsize = AtomicUsize::new(0);

fn over(stats: Stats) {
    CALLS.fetch_add(1, Relaxed);
    SEEN.store(stats.live_bytes as usize, Relaxed);
    // The callback may allocate.
    drop(held(10));
}

fn budget() {
    // The peak is above the budget already; the live bytes are not.
    drop(held(20 * MEGABYTE));
    HEAP.budget(10 * MEGABYTE, over);
    let live = || HEAP.stats().live_bytes as usize;
    let first = held(5 * MEGABYTE);
    say!("calls below {}", CALLS.load(Relaxed));
    let second = held(4 * MEGABYTE);
    say!("calls above {}", CALLS.load(Relaxed));
    say!("seen {}", SEEN.load(Relaxed));
    say!("live {}", live());
    drop(held(30 * MEGABYTE));
    say!("calls once {}", CALLS.load(Relaxed));
    drop((first, second));
    HEAP.budget(4 * MEGABYTE, over);
    drop(held(2 * MEGABYTE));
    say!("calls again {}", CALLS.load(Relaxed));
    let mut grown = held(100);
    HEAP.budget(8 * MEGABYTE, over);
    grown.reserve_exact(6 * MEGABYTE);
    say!("calls for a reallocation {}", CALLS.load(Relaxed));
    say!("peak {}", HEAP.stats().peak_bytes);
}

fn panic() {
    HEAP.budget(4 * MEGABYTE, |_| panic!("on purpose"));
    drop(held(2 * MEGABYTE));
    say!("survived 1");
}

/// A known curve: up by a megabyte, down to zero, up by three.
fn timeline() {
    let step = || {
        for _ in 0..200 {
            drop(held(1));
            std::thread::sleep(Duration::from_micros(100));
        }
    };
    for megabytes in [1, 0, 3] {
        let block = held(megabytes * MEGABYTE);
        step();
        drop(block);
    }
}

/// The child has no waiting thread: its events read the clock.
fn fork() {
    // SAFETY: the child only allocates, waits, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        while snapshots() < 2 {
            (0..100).for_each(|_| drop(held(10)));
            std::thread::sleep(Duration::from_millis(2));
        }
        // SAFETY: it ends the process.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: the system writes the status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
}

/// Threads that hold credit, and then eight megabytes each at the same time.
fn slack() {
    HEAP.set_slack(MEGABYTE);
    let all = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for size in 0..2000 {
                    drop(held(size % 700 * 1000));
                }
                let block = held(8 * MEGABYTE);
                all.wait();
                drop(block);
            });
        }
    });
    say!("peak {}", HEAP.stats().peak_bytes);
    say!("error {}", HEAP.peak_error());
    print!("{}", HEAP.report());
}

/// Waits until the dump file has this many snapshots. It has no event, so it triggers none of them itself.
fn wait_for_snapshots(count: usize) {
    while snapshots() < count {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Complete snapshots in this process's file, by the tag of their last section.
fn snapshots() -> usize {
    static BYTES: Mutex<[u8; 4 << 20]> = Mutex::new([0; 4 << 20]);
    let mut bytes = BYTES.lock().unwrap();
    // SAFETY: the path is a C string, the buffer has the length that is passed, and the descriptor is closed once.
    let length = unsafe {
        let file = libc::open(path().as_ptr().cast(), libc::O_RDONLY);
        if file < 0 {
            return 0;
        }
        let length = libc::read(file, bytes.as_mut_ptr().cast(), bytes.len());
        libc::close(file);
        length as usize
    };
    // The process mark at the start of the file ends like a snapshot.
    bytes[..length].windows(4).filter(|tag| *tag == b"DONE").count().saturating_sub(1)
}

/// The path of the dump file. The name of a forked child's file ends in its process id.
fn path() -> [u8; 4096] {
    static PARENT: OnceLock<u32> = OnceLock::new();
    let parent = *PARENT.get_or_init(std::process::id);
    let mut path = [0; 4096];
    let mut to = &mut path[..4095];
    // SAFETY: the variable is set for this program and does not change.
    let template = unsafe { std::ffi::CStr::from_ptr(libc::getenv(c"MEMTRACK_DUMP".as_ptr())) };
    to.write_all(template.to_bytes()).unwrap();
    if std::process::id() != parent {
        write!(to, ".{}", std::process::id()).unwrap();
    }
    path
}

/// The curve of [`timeline`], and a stage of two threads in which two events are lost.
fn report() {
    timeline();
    HEAP.in_stage("shared", || {
        let block = held(2 * MEGABYTE);
        let second = std::thread::Builder::new().name("second".into());
        second.spawn(|| drop(held(MEGABYTE))).unwrap().join().unwrap();
        HEAP.pause();
        drop((held(1), block));
        HEAP.resume();
    });
    print!("{}", HEAP.report());
}
