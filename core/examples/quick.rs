//! A first example: two stages, a report and a dump.
//!
//! `cargo run --release -p memtrack-core --example quick`, then `memtrack-fold quick.memtrack`.

use memtrack::Tracker;
use std::alloc::System;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() -> Result<(), memtrack::Error> {
    let words: Vec<String> = {
        let _stage = HEAP.stage("make");
        (0..100_000).map(|n| format!("word {n}")).collect()
    };
    let longest = {
        let _stage = HEAP.stage("sort");
        let mut sorted = words.clone();
        sorted.sort_by_key(|word| word.len());
        sorted.pop()
    };
    println!("{longest:?}\n{}", HEAP.report());
    HEAP.dump_to_path("quick.memtrack")
}
