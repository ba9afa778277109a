//! The program under memtrack.

use std::alloc::System;

use memtrack::Tracker;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() -> anyhow::Result<()> {
    programs::tracked(programs::search::run, &HEAP)
}
