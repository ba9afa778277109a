//! The common part of the checks: a heap, and the equation that must always hold.
#![no_std]

extern crate alloc;

pub mod shapes;

use core::alloc::GlobalAlloc;
use core::mem::MaybeUninit;

use memtrack::{LossCause, Platform, Tables, Tracker, Unwind};

#[allow(missing_docs, reason = "a file that several programs share")]
#[path = "../../../../tests/foreign/src/work.rs"]
pub mod work;

/// The inner allocator: safe in interrupts and on several cores.
pub type Heap = embedded_alloc::LlffHeap;

const SIZE: usize = if cfg!(target_abi = "eabi") { 4 << 10 } else { 8 << 10 };
static mut MEMORY: MaybeUninit<[u8; SIZE]> = MaybeUninit::uninit();

/// Gives the heap its memory. Call it once.
pub fn init(heap: &Heap) {
    // SAFETY: called once; nothing else uses the memory.
    unsafe { heap.init(&raw mut MEMORY as usize, SIZE) }
}

/// Work that is the same on every processor, also on hosts.
pub fn all_work<A: GlobalAlloc, U: Unwind, P: Platform, R: Tables>(heap: &Tracker<A, U, P, R>) -> work::Kept {
    let mut kept = work::Kept::with_capacity(work::ROOM);
    let _tag = heap.tag("work");
    work::outer(&mut kept, 3, 1000);
    work::inner(&mut kept, 50, true);
    work::recursive(&mut kept, 5);
    kept
}

/// Recorded + lost = observed: threads sum to the whole, unattributed events were counted as lost, and `observed` is
/// the program's own count.
pub fn equation_holds<A, U: Unwind, P: Platform, R: Tables>(
    heap: &Tracker<A, U, P, R>,
    observed: u64,
) -> bool {
    let stats = heap.stats();
    let of = |id: Option<u32>| -> u64 {
        let chosen = heap.threads().filter(|thread| id.is_none_or(|id| thread.id == id));
        chosen.map(|thread| thread.stats.total_allocs).sum()
    };
    let unattributed = |&(cause, _): &(LossCause, u64)| cause.is_unattributed();
    let lost: u64 = heap.losses().filter(unattributed).map(|(_, events)| events).sum();
    of(None) == stats.total_allocs && of(Some(0)) == lost && stats.total_allocs == observed
}

/// The number of events lost to `cause`.
pub fn lost<A, U: Unwind, P: Platform, R: Tables>(heap: &Tracker<A, U, P, R>, cause: LossCause) -> u64 {
    heap.losses().filter(|&(other, _)| other == cause).map(|(_, events)| events).sum()
}
