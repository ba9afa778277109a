//! A Rust library with a tracker of its own, for programs that load libraries.

use std::alloc::System;

#[global_allocator]
static HEAP: memtrack::Tracker<System> = memtrack::Tracker::new(System);

/// Allocates and frees a block. Returns the number of allocations that the tracker has counted.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_work(bytes: usize) -> u64 {
    std::hint::black_box(vec![7u8; bytes.max(1)]);
    HEAP.stats().total_allocs
}
