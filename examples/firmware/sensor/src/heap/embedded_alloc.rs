//! The heap under embedded-alloc.

use core::mem::MaybeUninit;

/// The inner allocator.
pub type Heap = embedded_alloc::LlffHeap;

const SIZE: usize = if cfg!(target_abi = "eabi") { 2 << 10 } else { 24 << 10 };
static mut MEMORY: MaybeUninit<[u8; SIZE]> = MaybeUninit::uninit();

/// Has no memory yet.
pub const HEAP: Heap = Heap::empty();

/// Gives it its memory.
pub fn init(heap: &Heap) {
    // SAFETY: called once; nothing else uses the memory.
    unsafe { heap.init(&raw mut MEMORY as usize, SIZE) }
}
