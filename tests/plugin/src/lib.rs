//! A library in Rust with a tracker of its own, for programs that load it.

use std::alloc::System;

#[global_allocator]
static HEAP: memtrack::Tracker<System> = memtrack::Tracker::new(System);

/// Allocates a block and frees it: how many blocks the tracker has seen by then.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_work(bytes: usize) -> u64 {
    std::hint::black_box(vec![7u8; bytes.max(1)]);
    HEAP.stats().total_allocs
}
