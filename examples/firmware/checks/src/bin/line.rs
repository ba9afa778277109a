//! A dump over the console's own serial line, in packets, between the program's other text; and over the board's other way
//! out, for comparison.
#![no_std]
#![no_main]

extern crate alloc;

use core::fmt::Write;

use board::{Console, Wire};
use checks::Heap;
use memtrack::{Packets, SingleCore, Tracker};

#[global_allocator]
static HEAP: Tracker<Heap> = Tracker::new(Heap::empty());

board::entry!(main);

fn main() -> bool {
    let (low, high) = board::stack();
    SingleCore::set_stack(low, high);
    checks::init(HEAP.inner());
    let kept = checks::all_work(&HEAP);
    _ = writeln!(Console, "ready");
    let over_line = HEAP.dump(&mut Packets::new(Console));
    _ = writeln!(Console, "done");
    let dumped = Wire::open().is_some_and(|mut wire| HEAP.dump(&mut wire).is_ok());
    drop(kept);
    over_line.is_ok() && dumped
}
