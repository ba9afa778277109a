//! The system allocator alone: the baseline of every comparison.

use std::alloc::System;

#[global_allocator]
static HEAP: System = System;

fn main() {
    memtrack_benches::Options::from_args().run(|| None);
}
