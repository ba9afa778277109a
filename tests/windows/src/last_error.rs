//! `GetLastError` is the same behind an event as before it, whichever way the event takes: the first of a thread, a new
//! stack, a remembered one, a block of another thread, a new peak that writes a snapshot.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;

use crate::HEAP;
use crate::system::{GetLastError, SetLastError};

const THREADS: usize = 4;
const ROUNDS: usize = 400;
const DEPTH: usize = 24;

static EVENTS: AtomicUsize = AtomicUsize::new(0);
static CHANGED: AtomicUsize = AtomicUsize::new(0);

/// Makes an event, with a last error that no function of the system sets.
fn event<T>(make: impl FnOnce() -> T) -> T {
    let error = 0x2000_0000 + EVENTS.fetch_add(1, SeqCst) as u32;
    // SAFETY: the calls take and return numbers.
    let (made, after) = unsafe {
        SetLastError(error);
        let made = make();
        (made, GetLastError())
    };
    CHANGED.fetch_add(usize::from(after != error), SeqCst);
    made
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 8).expect("a small block")
}

/// Allocates, resizes and frees below `depth` frames. Returns the address of a block of 64 bytes.
#[inline(never)]
fn work(depth: usize, bytes: usize) -> usize {
    if depth > 0 {
        return black_box(work(depth - 1, bytes)) + black_box(0);
    }
    // SAFETY: each block is used with its own layout, once, and freed once.
    unsafe {
        let first = event(|| alloc(layout(bytes)));
        let first = event(|| realloc(first, layout(bytes), 2 * bytes));
        let first = event(|| realloc(first, layout(2 * bytes), bytes));
        let zeroed = event(|| alloc_zeroed(layout(bytes)));
        event(|| dealloc(zeroed, layout(bytes)));
        event(|| dealloc(first, layout(bytes)));
        event(|| alloc(layout(64))).expose_provenance()
    }
}

fn free(address: usize) {
    let block = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: the address is that of a block of `work`, which another thread has passed on.
    event(|| unsafe { dealloc(block, layout(64)) });
}

pub(crate) fn run() -> bool {
    let (send, receive) = mpsc::channel();
    let before = HEAP.stats().total_allocs;
    let start = |number: usize| {
        let send = send.clone();
        thread::spawn(move || {
            for round in 0..ROUNDS {
                // Sizes that grow make new peaks.
                let block = work(round % DEPTH, 16 + 8 * (number + 1) * round);
                send.send(block).expect("the other end is there");
            }
        })
    };
    let threads: Vec<_> = (0..THREADS).map(start).collect();
    drop(send);
    receive.iter().for_each(free);
    let ended = threads.into_iter().all(|thread| thread.join().is_ok());
    let [events, changed] = [&EVENTS, &CHANGED].map(|count| count.load(SeqCst));
    println!("events {events}\nchanged {changed}\nallocs {}", HEAP.stats().total_allocs - before);
    ended
}
