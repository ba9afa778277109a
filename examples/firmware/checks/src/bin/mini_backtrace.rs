//! Stacks by LLVM's libunwind, through frames of every shape.
#![no_std]
#![no_main]

use core::fmt::Write;

use board::{Console, Wire};
use checks::Heap;
use memtrack::{DefaultRegion, LossCause, MEMTRACK_REGION, MiniBacktrace, SingleCore, Tracker};

#[global_allocator]
static HEAP: Tracker<Heap, MiniBacktrace, SingleCore, DefaultRegion> =
    Tracker::with(Heap::empty(), MiniBacktrace, SingleCore, &MEMTRACK_REGION);

board::entry!(main);

fn main() -> bool {
    let (low, high) = board::stack();
    SingleCore::set_stack(low, high);
    checks::init(HEAP.inner());
    checks::shapes::allocate();
    let stopped = checks::lost(&HEAP, LossCause::Unwind);
    _ = writeln!(Console, "stopped early: {stopped}");
    stopped == 0 && Wire::open().is_some_and(|mut wire| HEAP.dump(&mut wire).is_ok())
}
