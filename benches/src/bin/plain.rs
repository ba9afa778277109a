//! The system allocator alone: what everything else is compared with.

use std::alloc::System;

#[global_allocator]
static HEAP: System = System;

fn main() {
    memtrack_benches::Options::from_args().run(|| None);
}
