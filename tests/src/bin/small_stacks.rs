//! A snapshot that is triggered on a thread with the smallest stack that the system allows:
//! `small_stacks signal|asked|interval|peak|failure|stage|exit|path|stages|forked|event`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::hint::black_box;
use std::ptr::null_mut;

use memtrack::Tracker;

/// Refuses blocks larger than eight megabytes.
struct Bounded;

// SAFETY: a call goes to the system's allocator, or returns null.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds it.
        if layout.size() > 8 << 20 { null_mut() } else { unsafe { System.alloc(layout) } }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds it.
        unsafe { System.dealloc(block, layout) };
    }
}

#[global_allocator]
static HEAP: Tracker<Bounded> = Tracker::new(Bounded);

/// An unoptimised hook alone needs more than the smallest stack.
const STACK: usize = if cfg!(debug_assertions) { 3 } else { 1 } * libc::PTHREAD_STACK_MIN;

fn main() {
    let trigger = std::env::args().nth(1).expect("a trigger");
    let run: extern "C" fn(*mut c_void) -> *mut c_void = match trigger.as_str() {
        "signal" => signal,
        "asked" => asked,
        "interval" => interval,
        "peak" => peak,
        "failure" => failure,
        "stage" => stage,
        "exit" => exit,
        "path" => path,
        "stages" => stages,
        "forked" => forked,
        "event" => event,
        other => panic!("no trigger {other}"),
    };
    // Set by the suite. A thread with a small stack has no room to read its environment.
    let other = std::env::var("OTHER").unwrap_or_default();
    OTHER.set(other.into()).expect("set once");
    // SAFETY: the attributes are made before they are used; the function ends before the program does.
    unsafe {
        let mut attributes = std::mem::zeroed();
        assert_eq!(libc::pthread_attr_init(&raw mut attributes), 0);
        assert_eq!(libc::pthread_attr_setstacksize(&raw mut attributes, STACK), 0);
        let mut thread = 0;
        assert_eq!(libc::pthread_create(&raw mut thread, &raw const attributes, run, null_mut()), 0);
        assert_eq!(libc::pthread_join(thread, null_mut()), 0);
    }
    memtrack_tests::say!("went on {}", 1);
}

static OTHER: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();

fn allocate(size: usize) -> *mut u8 {
    // SAFETY: the layout is not of size zero.
    black_box(unsafe { HEAP.alloc(Layout::from_size_align(black_box(size), 8).expect("a layout")) })
}

/// The thread receives the signal and writes the snapshot in its handler.
extern "C" fn signal(_: *mut c_void) -> *mut c_void {
    allocate(100);
    // SAFETY: raises a signal that the tracker handles.
    assert_eq!(unsafe { libc::raise(libc::SIGUSR1) }, 0);
    null_mut()
}

/// The process receives many signals while the thread has events.
extern "C" fn asked(_: *mut c_void) -> *mut c_void {
    for _ in 0..50 {
        // SAFETY: as above.
        assert_eq!(unsafe { libc::kill(libc::getpid(), libc::SIGUSR1) }, 0);
        (0..200).for_each(|_| drop(Box::new(black_box(7u64))));
    }
    null_mut()
}

/// Events continue until the file has a snapshot behind its process mark.
extern "C" fn interval(_: *mut c_void) -> *mut c_void {
    // SAFETY: the variable is set for this program and does not change. All-zero is a record, and the system fills it
    // in.
    unsafe {
        let mut file: libc::stat = std::mem::zeroed();
        let path = libc::getenv(c"MEMTRACK_DUMP".as_ptr());
        let mut first = 0;
        while first == 0 || file.st_size == first {
            (0..200).for_each(|_| drop(Box::new(black_box(7u64))));
            assert_eq!(libc::stat(path, &raw mut file), 0);
            first = if first == 0 { file.st_size } else { first };
        }
    }
    null_mut()
}

extern "C" fn peak(_: *mut c_void) -> *mut c_void {
    (0..4).for_each(|_| _ = allocate(1 << 20));
    null_mut()
}

extern "C" fn failure(_: *mut c_void) -> *mut c_void {
    assert!(allocate(9 << 20).is_null());
    null_mut()
}

extern "C" fn stage(_: *mut c_void) -> *mut c_void {
    let stage = HEAP.stage("small");
    allocate(1000);
    drop(stage);
    let stage = HEAP.thread_stage("smaller");
    allocate(1000);
    drop(stage);
    null_mut()
}

extern "C" fn exit(_: *mut c_void) -> *mut c_void {
    allocate(1000);
    // SAFETY: the other thread only waits for this one.
    unsafe { libc::exit(3) }
}

extern "C" fn path(_: *mut c_void) -> *mut c_void {
    HEAP.dump_to_path(OTHER.get().expect("a path")).expect("the snapshot is written");
    null_mut()
}

extern "C" fn stages(_: *mut c_void) -> *mut c_void {
    HEAP.dump_stages_to(OTHER.get().expect("a path")).expect("the file is made");
    stage(null_mut())
}

/// On the small stack, the child's recording becomes separate from the parent's.
extern "C" fn forked(_: *mut c_void) -> *mut c_void {
    allocate(1000);
    // SAFETY: the child ends at once; the system writes the status when it has.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            allocate(1000);
            libc::_exit(4);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        assert_eq!(libc::WEXITSTATUS(status), 4, "{status:x}");
    }
    null_mut()
}

/// A thread that begins and ends, and must appear in the recording.
extern "C" fn event(_: *mut c_void) -> *mut c_void {
    allocate(1000);
    null_mut()
}
