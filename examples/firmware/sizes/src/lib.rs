//! The common part of the programs: a heap, and work on it.
#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hint::black_box;
use core::mem::MaybeUninit;

/// The inner allocator.
pub type Heap = embedded_alloc::LlffHeap;

const SIZE: usize = 1 << 10;
static mut MEMORY: MaybeUninit<[u8; SIZE]> = MaybeUninit::uninit();

/// Gives the heap its memory. Call it once.
pub fn init(heap: &Heap) {
    // SAFETY: called once; nothing else uses the memory.
    unsafe { heap.init(&raw mut MEMORY as usize, SIZE) }
}

/// Allocates, reallocates, frees.
pub fn work() {
    let mut numbers = Vec::new();
    for i in 0..black_box(20) {
        numbers.push(i);
    }
    drop(black_box((Box::new(7), numbers)));
}
