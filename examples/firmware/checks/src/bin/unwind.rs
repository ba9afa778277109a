//! Cortex-M without frame pointers: stacks by ARM's unwind tables, through frames of every shape, out of an interrupt
//! into the code that it interrupted.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt::Write;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use board::{Console, Wire};
use checks::Heap;
use memtrack::{DefaultRegion, Ehabi, LossCause, MEMTRACK_REGION, SingleCore, Tracker};

#[global_allocator]
static HEAP: Tracker<Heap, Ehabi, SingleCore, DefaultRegion> =
    Tracker::with(Heap::empty(), Ehabi, SingleCore, &MEMTRACK_REGION);

board::entry!(main);

fn main() -> bool {
    let (low, high) = board::stack();
    SingleCore::set_stack(low, high);
    checks::init(HEAP.inner());
    drop(black_box(few_registers(3)));
    drop(black_box(large_frame(5)));
    drop(black_box(floating_point(2.0)));
    drop(black_box(recursion(4)));
    waits_for_interrupt();
    let stopped = checks::lost(&HEAP, LossCause::Unwind);
    _ = writeln!(Console, "stopped early: {stopped}");
    stopped == 0 && Wire::open().is_some_and(|mut wire| HEAP.dump(&mut wire).is_ok())
}

#[inline(never)]
fn few_registers(n: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(black_box(n) * 10);
    block.push(1);
    block
}

/// More than `add sp` by one instruction of the tables.
#[inline(never)]
fn large_frame(n: usize) -> Vec<u8> {
    let space = black_box([n as u8; 3000]);
    let block = few_registers(black_box(n) + usize::from(space[n]));
    black_box(&space);
    block
}

/// Saves registers of the floating point unit.
#[inline(never)]
fn floating_point(x: f32) -> Vec<u8> {
    let values: [f32; 8] = black_box([x, x * 2.0, x * 3.0, x * 4.0, x * 5.0, x * 6.0, x * 7.0, x * 8.0]);
    let (a, b, c, d) =
        (values[0] * values[7], values[1] * values[6], values[2] * values[5], values[3] * values[4]);
    let block = few_registers(4);
    black_box(a + b * c - d + a * d);
    block
}

#[inline(never)]
fn recursion(depth: usize) -> Vec<u8> {
    if depth == 0 { few_registers(7) } else { black_box(recursion(black_box(depth) - 1)) }
}

static TICKED: AtomicBool = AtomicBool::new(false);

fn tick() {
    if !TICKED.swap(true, Relaxed) {
        drop(black_box(Box::new([7u8; 48])));
    }
}

/// Nothing here calls anything: what is found above the interrupt is the very loop.
#[inline(never)]
fn waits_for_interrupt() {
    board::start_ticks(1000, tick);
    while !TICKED.load(Relaxed) {}
    board::stop_ticks();
}
