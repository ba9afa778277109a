//! The same program as `plain.rs` with the tracker.

use std::alloc::System;
use std::collections::BTreeMap;

use memtrack::Tracker;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() {
    let words = std::env::args().map(|word| (word.len(), word)).collect::<BTreeMap<_, _>>();
    println!("{words:?}");
}
