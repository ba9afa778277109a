//! Without the tracker.
#![no_std]
#![no_main]

#[global_allocator]
static HEAP: sizes::Heap = sizes::Heap::empty();

board::entry!(main);

fn main() -> bool {
    sizes::init(&HEAP);
    sizes::work();
    true
}
