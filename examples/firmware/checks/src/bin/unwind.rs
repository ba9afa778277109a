//! Stacks without frame pointers: by ARM's unwind tables, elsewhere by call frame information, through frames of every
//! shape; on ARM also out of an interrupt into the code that it interrupted.
#![no_std]
#![no_main]

use core::fmt::Write;

use board::{Console, Wire};
use checks::Heap;
#[cfg(not(target_arch = "arm"))]
use memtrack::Cfi as Unwinder;
#[cfg(target_arch = "arm")]
use memtrack::Ehabi as Unwinder;
use memtrack::{DefaultRegion, LossCause, MEMTRACK_REGION, SingleCore, Tracker};

#[global_allocator]
static HEAP: Tracker<Heap, Unwinder, SingleCore, DefaultRegion> =
    Tracker::with(Heap::empty(), Unwinder, SingleCore, &MEMTRACK_REGION);

board::entry!(main);

fn main() -> bool {
    let (low, high) = board::stack();
    SingleCore::set_stack(low, high);
    checks::init(HEAP.inner());
    checks::shapes::allocate();
    #[cfg(target_arch = "arm")]
    interrupt::waits_for_interrupt();
    let stopped = checks::lost(&HEAP, LossCause::Unwind);
    _ = writeln!(Console, "stopped early: {stopped}");
    stopped == 0 && Wire::open().is_some_and(|mut wire| HEAP.dump(&mut wire).is_ok())
}

#[cfg(target_arch = "arm")]
mod interrupt {
    extern crate alloc;

    use alloc::boxed::Box;
    use core::hint::black_box;
    use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

    static TICKED: AtomicBool = AtomicBool::new(false);

    fn tick() {
        if !TICKED.swap(true, Relaxed) {
            drop(black_box(Box::new([7u8; 48])));
        }
    }

    /// Nothing here calls a function, so the frame above the interrupt is this very loop.
    #[inline(never)]
    pub(super) fn waits_for_interrupt() {
        board::start_ticks(1000, tick);
        while !TICKED.load(Relaxed) {}
        board::stop_ticks();
    }
}
