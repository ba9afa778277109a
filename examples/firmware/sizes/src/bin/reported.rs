//! With the tracker, and its report as text.
#![no_std]
#![no_main]

use core::fmt::Write;

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
    write!(board::Console, "{}", HEAP.report()).is_ok()
}
