//! Threads start and end over an allocator that aborts when the tracker's hook allocates: `reentry THREADS`, or
//! `reentry planted` for the control, which must abort.
//!
//! Three fences detect an allocation in the hook. The outer one around the tracker marks that the hook runs: a
//! request to the Rust allocator comes back to it. The inner one allows a single call of the inner allocator per
//! event. A request to the C library reaches the `malloc` that this program defines for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::sync::LazyLock;

use memtrack::Tracker;
use memtrack_tests::allocators::Audit;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Outer = Outer(Audit::new(Tracker::new(Inner)));

/// The code that this thread runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The program.
    Program,
    /// The tracker, before or after its call of the inner allocator.
    Hook,
    /// The inner allocator.
    Inner,
}

thread_local! {
    static PLACE: Cell<Place> = const { Cell::new(Place::Program) };
    /// Calls of the inner allocator during the current event.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

/// Ends the program without an allocation.
fn fail(message: &str) -> ! {
    PLACE.set(Place::Program);
    // SAFETY: the bytes are valid for the call.
    unsafe { libc::write(2, message.as_ptr().cast(), message.len()) };
    std::process::abort()
}

struct Outer(Audit<Tracker<Inner>>);

impl Outer {
    fn event<T>(&self, event: impl FnOnce() -> T) -> T {
        if PLACE.replace(Place::Hook) != Place::Program {
            fail("the hook asks the program's allocator for memory\n");
        }
        CALLS.set(0);
        let result = event();
        PLACE.set(Place::Program);
        result
    }
}

// SAFETY: every call goes unchanged to the tracker.
unsafe impl GlobalAlloc for Outer {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the tracker's.
        self.event(|| unsafe { self.0.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        self.event(|| unsafe { self.0.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        self.event(|| unsafe { self.0.dealloc(block, layout) });
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        self.event(|| unsafe { self.0.realloc(block, layout, new_size) })
    }
}

struct Inner;

impl Inner {
    fn call<T>(&self, call: impl FnOnce() -> T) -> T {
        if PLACE.replace(Place::Inner) != Place::Hook || CALLS.replace(1) != 0 {
            fail("the hook calls the inner allocator twice\n");
        }
        let result = call();
        PLACE.set(Place::Hook);
        result
    }
}

// SAFETY: every call goes unchanged to the system's allocator.
unsafe impl GlobalAlloc for Inner {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the system allocator's.
        self.call(|| unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        self.call(|| unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        self.call(|| unsafe { System.dealloc(block, layout) });
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        self.call(|| unsafe { System.realloc(block, layout, new_size) })
    }
}

/// The C library's memory functions. Every call in this process reaches these first.
macro_rules! fenced {
    ($($name:ident => $real:ident($($argument:ident: $type:ty),*);)*) => {
        unsafe extern "C" {
            $(fn $real($($argument: $type),*) -> *mut libc::c_void;)*
        }
        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($argument: $type),*) -> *mut libc::c_void {
                if PLACE.get() == Place::Hook {
                    fail(concat!("the hook calls ", stringify!($name), "\n"));
                }
                // SAFETY: this calls the replaced function, with the caller's arguments.
                unsafe { $real($($argument),*) }
            }
        )*
    };
}
fenced! {
    malloc => __libc_malloc(size: usize);
    calloc => __libc_calloc(count: usize, size: usize);
    realloc => __libc_realloc(block: *mut libc::c_void, size: usize);
    memalign => __libc_memalign(align: usize, size: usize);
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("planted") => HEAP.event(|| {
            // SAFETY: the block has 100 bytes and is freed once.
            unsafe { libc::free(black_box(libc::malloc(100))) };
        }),
        Some(threads) => storm(threads.parse().expect("a number of threads")),
        None => panic!("reentry THREADS"),
    }
    // The tracker's own functions must not allocate either.
    HEAP.event(|| {
        let tracker = HEAP.0.inner();
        let (_stage, _tag) = (tracker.stage("stage"), tracker.tag("tag"));
        tracker.reset_peak();
        tracker.reset_thread_peak();
        black_box((tracker.thread_stats(), tracker.threads().count(), tracker.stages().count()));
        tracker.dump_to_path("/dev/null").unwrap();
        std::fmt::Write::write_fmt(&mut Nowhere, format_args!("{}", tracker.report())).unwrap();
    });
    let stats = HEAP.0.inner().stats();
    let [allocs, bytes, blocks, live, reallocs] = HEAP.0.figures();
    let told = [stats.total_allocs, stats.total_bytes, stats.live_blocks, stats.live_bytes, stats.reallocs];
    assert_eq!(told, [allocs, bytes, blocks, live, reallocs]);
    for (cause, events) in HEAP.0.inner().losses() {
        say!("{} {events}", cause.as_str());
    }
}

struct Nowhere;

impl std::fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        Ok(())
    }
}

/// Threads that live for a few allocations, two at a time.
fn storm(threads: usize) {
    let other = std::thread::spawn(move || (0..threads / 2).for_each(short_life));
    (0..threads / 2).for_each(short_life);
    other.join().unwrap();
}

thread_local! {
    /// Its destructor runs after the thread's work, and allocates and frees.
    static LATE: RefCell<Late> = const { RefCell::new(Late(Vec::new())) };
}

struct Late(Vec<Vec<u8>>);

impl Drop for Late {
    fn drop(&mut self) {
        self.0.push(black_box(vec![1u8; 77]));
        drop(black_box(Box::new([0u8; 33])));
    }
}

/// A key of the C library, made after the tracker's. Its destructor asks to be called again, as often as the library
/// does so. By the last call the thread has ended for the tracker.
static LAST: LazyLock<libc::pthread_key_t> = LazyLock::new(|| {
    unsafe extern "C" fn ended(value: *mut libc::c_void) {
        black_box(vec![1u8; 55]);
        // SAFETY: the key exists, because a thread has set it.
        unsafe { libc::pthread_setspecific(*LAST, value) };
    }
    let mut key = 0;
    // SAFETY: the key is written; the destructor has the right signature.
    assert_eq!(unsafe { libc::pthread_key_create(&raw mut key, Some(ended)) }, 0);
    key
});

fn short_life(number: usize) {
    let names = ["one", "two", "three"];
    let thread = std::thread::Builder::new().name(names[number % 3].into()).stack_size(64 << 10);
    let work = move || {
        // SAFETY: the key exists; a value that is not null makes its destructor run.
        unsafe { libc::pthread_setspecific(*LAST, std::ptr::dangling()) };
        LATE.with_borrow_mut(|late| late.0.push(black_box(vec![0; number % 1000 + 1])));
        black_box(vec![1u64; 10])
    };
    assert_eq!(thread.spawn(work).unwrap().join().unwrap().len(), 10);
}
