//! Counts the instructions that the tracker adds to an allocation and a free, by depth of the stack. Run it with
//! `-icount shift=0`: then QEMU's clock advances by one nanosecond for each instruction.
#![no_std]
#![no_main]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::fmt::Write;
use core::hint::black_box;

use board::Console;
use checks::Heap;
use memtrack::{SingleCore, Tracker};

/// Pairs that are measured, one after the other from one place. Earlier pairs fill the tables.
const PAIRS: u64 = 1000;

#[global_allocator]
static HEAP: Tracker<Heap> = Tracker::new(Heap::empty());

board::entry!(main);

fn main() -> bool {
    let (low, high) = board::stack();
    SingleCore::set_stack(low, high);
    checks::init(HEAP.inner());
    board::start_clock();
    _ = writeln!(
        Console,
        "# frames, instructions of allocation and free, of the inner allocator, of the tracker"
    );
    for depth in [0, 4, 12] {
        recurse(depth);
    }
    let stats = HEAP.stats();
    stats.total_allocs == 3 * (PAIRS + 10) && stats.live_bytes == 0
}

#[inline(never)]
fn recurse(depth: usize) -> usize {
    if depth > 0 {
        return black_box(recurse(black_box(depth) - 1)) + 1;
    }
    let frames = frames();
    pairs(&HEAP, 10);
    let (with, without) = (time(&HEAP), time(HEAP.inner()));
    _ = writeln!(Console, "# {frames:>3} {with:>6} {without:>6} {:>6}", with - without);
    0
}

fn time(heap: &impl GlobalAlloc) -> u64 {
    let before = board::uptime_ns();
    pairs(heap, PAIRS);
    (board::uptime_ns() - before) / PAIRS
}

#[inline(never)]
fn pairs(heap: &impl GlobalAlloc, count: u64) {
    let layout = Layout::new::<[u64; 4]>();
    for _ in 0..count {
        // SAFETY: the layout has a size, and the block is freed with the same layout.
        unsafe {
            let block = heap.alloc(black_box(layout));
            heap.dealloc(black_box(block), black_box(layout));
        }
    }
}

/// Frames in the stack of an allocation in [`pairs`]: those of the chain from here, without this one.
#[inline(always)]
fn frames() -> usize {
    let mut frame: *const usize;
    // SAFETY: copies a register.
    unsafe {
        #[cfg(target_arch = "arm")]
        core::arch::asm!("mov {}, r7", out(reg) frame);
        #[cfg(target_arch = "riscv32")]
        core::arch::asm!("addi {}, s0, -8", out(reg) frame);
    }
    let mut count = 1;
    while !frame.is_null() {
        count += 1;
        // SAFETY: all code of this program maintains the chain, which the start-up code ended with a null pointer.
        let next = unsafe { frame.read() };
        frame = if next == 0 {
            core::ptr::null()
        } else {
            (next - if cfg!(target_arch = "arm") { 0 } else { 8 }) as *const usize
        };
    }
    count
}
