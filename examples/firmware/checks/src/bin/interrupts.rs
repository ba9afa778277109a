//! A timer interrupt allocates, again and again in the middle of the hook; on RISC-V on two cores at once. Only
//! attributions are lost, and they are counted. Nothing ever waits.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt::Write;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use board::Console;
use checks::{Heap, equation_holds, lost};
use memtrack::{FramePointer, Local, LossCause, Platform, Region, Tracker};

/// The number of interrupts that must come inside the hook.
const WANTED: u64 = 2000;
/// Rounds of the main loop after which the check gives up.
const ROUNDS: u32 = 5_000_000;

/// Each core has words of its own; interrupts run on the words of the core that they interrupt.
struct Cores;

const CORES: usize = if cfg!(target_arch = "riscv32") { 2 } else { 1 };
static LOCALS: [Local; CORES] = [const { Local::new() }; CORES];

fn core() -> usize {
    #[cfg(target_arch = "riscv32")]
    return board::core();
    #[cfg(target_arch = "arm")]
    0
}

// SAFETY: contexts that run at the same time are cores; each has its own words. Stacks are the linker script's.
unsafe impl Platform for Cores {
    fn local(&self, tracker: usize) -> Option<&Local> {
        LOCALS.get(core()).filter(|_| tracker == 0)
    }

    fn reserve(&self) -> Option<usize> {
        Some(0)
    }

    fn thread_id(&self) -> u64 {
        core() as u64 + 1
    }

    fn thread_name(&self, id: u64) -> [u8; 16] {
        let mut name = *b"core 0\0\0\0\0\0\0\0\0\0\0";
        name[5] += (id - 1) as u8;
        name
    }

    fn stack(&self, local: &Local, sp: usize) -> Option<(usize, usize)> {
        local.stack_from(sp)
    }
}

type Tables = Region<128, 64, 4, 1, 1, 16>;
static REGION: Tables = Tables::new();

#[global_allocator]
static HEAP: Tracker<Heap, FramePointer, Cores, Tables> =
    Tracker::with(Heap::empty(), FramePointer, Cores, &REGION);

static TICKS: AtomicUsize = AtomicUsize::new(0);
/// Allocations of each core's main loop, and of its interrupts.
static LOOPS: [AtomicUsize; CORES] = [const { AtomicUsize::new(0) }; CORES];
static INTERRUPTS: [AtomicUsize; CORES] = [const { AtomicUsize::new(0) }; CORES];
static ENOUGH: AtomicBool = AtomicBool::new(false);

fn count(counters: &[AtomicUsize; CORES]) {
    let counter = &counters[core()];
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

fn tick() {
    count(&INTERRUPTS);
    TICKS.fetch_add(1, Relaxed);
    drop(black_box(Box::new([0u8; 40])));
}

/// Ticks of the processor, or of the timer, between interrupts.
const PERIOD: u32 = if cfg!(target_arch = "arm") { 1500 } else { 500 };

/// Allocates and frees until enough interrupts came inside the hook.
fn work() {
    board::start_ticks(PERIOD, tick);
    for _ in 0..ROUNDS {
        count(&LOOPS);
        let block = Vec::<u8>::with_capacity(black_box(100));
        drop(black_box(block));
        if ENOUGH.load(Relaxed) {
            break;
        }
        if lost(&HEAP, LossCause::Reentered) >= WANTED {
            ENOUGH.store(true, Relaxed);
        }
    }
    board::stop_ticks();
}

board::entry!(main);

#[cfg(target_arch = "riscv32")]
static SECOND_DONE: AtomicBool = AtomicBool::new(false);

fn main() -> bool {
    checks::init(HEAP.inner());
    let (low, high) = board::stack();
    LOCALS[0].set_stack(low, high);
    #[cfg(target_arch = "riscv32")]
    {
        let (low, high) = board::second_stack();
        LOCALS[1].set_stack(low, high);
        board::start_second(|| {
            work();
            SECOND_DONE.store(true, core::sync::atomic::Ordering::Release);
        });
    }
    work();
    #[cfg(target_arch = "riscv32")]
    while !SECOND_DONE.load(core::sync::atomic::Ordering::Acquire) {
        core::hint::spin_loop();
    }
    let sum = |counters: &[AtomicUsize; CORES]| counters.iter().map(|n| n.load(Relaxed) as u64).sum::<u64>();
    // An interrupt that was pending when the ticks stopped may come in the middle of this check: then check again.
    let holds = loop {
        let before = sum(&INTERRUPTS);
        let holds = equation_holds(&HEAP, sum(&LOOPS) + before);
        if sum(&INTERRUPTS) == before {
            break holds;
        }
    };
    let inside = lost(&HEAP, LossCause::Reentered);
    let stats = HEAP.stats();
    _ = writeln!(Console, "# {} interrupts, {inside} in the hook", TICKS.load(Relaxed));
    for thread in HEAP.threads() {
        _ = writeln!(Console, "# {:<14} {:>8} allocations", thread.name(), thread.stats.total_allocs);
    }
    _ = writeln!(Console, "enough in the hook: {}", inside >= WANTED);
    _ = writeln!(
        Console,
        "equation: {holds}\nlive: {} bytes in {} blocks",
        stats.live_bytes, stats.live_blocks
    );
    holds && inside >= WANTED && stats.live_bytes == 0
}
