//! Functions whose frames have different shapes, as a test for unwinders.

use alloc::vec::Vec;
use core::hint::black_box;

/// Allocates through frames of every shape.
pub fn allocate() {
    drop(black_box(few_registers(3)));
    drop(black_box(large_frame(5)));
    drop(black_box(floating_point(2.0)));
    drop(black_box(recursion(4)));
}

#[inline(never)]
fn few_registers(n: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(black_box(n) * 10);
    block.push(1);
    block
}

/// A frame too large for one instruction of the tables.
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
