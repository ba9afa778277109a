//! With the tracker, a stage, and the figures that a program can ask for.
#![no_std]
#![no_main]

use memtrack::{SingleCore, Tracker};
use sizes::Heap;

#[global_allocator]
static HEAP: Tracker<Heap> = Tracker::new(Heap::empty());

board::entry!(main);

fn main() -> bool {
    let (low, high) = board::stack();
    SingleCore::set_stack(low, high);
    sizes::init(HEAP.inner());
    {
        let _stage = HEAP.stage("work");
        sizes::work();
    }
    HEAP.stats().peak_bytes > 0
}
