//! A test can measure the heap: it gets exact figures of a closure on its own thread, whatever other tests run meanwhile.

use memtrack::Tracker;
use std::alloc::System;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn joined(words: &[&str]) -> String {
    words.join(" ")
}

#[test]
fn joining_allocates_once() {
    let (text, heap) = HEAP.scope(|| joined(&["one", "allocation", "is", "enough"]));
    assert_eq!(text.len(), 24);
    assert_eq!((heap.allocs, heap.bytes), (1, 24));
}

#[test]
fn sorting_in_place_allocates_nothing() {
    let mut numbers: Vec<u32> = (0..1000).rev().collect();
    let ((), heap) = HEAP.scope(|| numbers.sort_unstable());
    assert_eq!(heap.allocs, 0);
}

#[test]
fn a_buffer_is_given_back() {
    let (sum, heap) = HEAP.scope(|| vec![1u64; 1000].iter().sum::<u64>());
    assert_eq!(sum, 1000);
    assert_eq!((heap.peak_bytes, heap.live_after - heap.live_before), (8000, 0));
}
