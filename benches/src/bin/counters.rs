//! memtrack without stacks: totals, live figures and peaks of the program, its threads and stages.

use std::alloc::System;

use memtrack::{Host, MEMTRACK_REGION, NoUnwind, Tracker};
use memtrack_benches::Options;

#[global_allocator]
static HEAP: Tracker<System, NoUnwind> = Tracker::with(System, NoUnwind, Host, &MEMTRACK_REGION);

fn main() {
    Options::from_args().run(|| Some(HEAP.stats().total_allocs));
}
