//! stats_alloc: a handful of global counters, no stacks.

use std::alloc::System;

use memtrack_benches::Options;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    Options::from_args().run(|| Some(HEAP.stats().allocations as u64));
}
