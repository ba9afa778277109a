//! With the tracker: the hook and its tables.
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
    sizes::work();
    HEAP.check().is_ok()
}
