//! The tracker of this firmware.

use memtrack::{Firmware, LossCause, SingleCore, Tracker};

use crate::heap::{self, Heap};

/// With 16 KiB of RAM the tables are smaller than the default ones.
#[cfg(target_abi = "eabi")]
mod tables {
    pub(super) type Tables = memtrack::Region<128, 32, 3, 4, 1, 24>;
    // With a symbol by which a debugger finds the tables, as the default tables have.
    #[unsafe(no_mangle)]
    pub(super) static REGION: Tables = Tables::new();
}
#[cfg(not(target_abi = "eabi"))]
mod tables {
    pub(super) use memtrack::{DefaultRegion as Tables, MEMTRACK_REGION as REGION};
}

#[global_allocator]
pub static HEAP: Tracker<Heap, memtrack::FramePointer, SingleCore, tables::Tables> =
    Tracker::with_region(heap::HEAP, &tables::REGION);

/// Facts that the tracker cannot find out by itself. Call this before the first allocation.
pub fn init() {
    let (start, end) = board::code();
    let (low, high) = board::stack();
    SingleCore::set_stack(low, high);
    SingleCore::set_clock(board::uptime_ns);
    // SAFETY: written once, before anything reads it, on the only core.
    unsafe {
        FIRMWARE = Firmware { start, end, build_id: board::build_id() };
        SingleCore::set_firmware(&*(&raw const FIRMWARE));
    }
    heap::init(HEAP.inner());
}

static mut FIRMWARE: Firmware = Firmware { start: 0, end: 0, build_id: &[] };

/// Recorded + lost = observed: threads sum to the whole, and unattributed events were counted as lost.
pub fn equation_holds() -> bool {
    let stats = HEAP.stats();
    let allocs: u64 = HEAP.threads().map(|thread| thread.stats.total_allocs).sum();
    let nobodys: u64 =
        HEAP.threads().filter(|thread| thread.id == 0).map(|thread| thread.stats.total_allocs).sum();
    let lost: u64 =
        HEAP.losses().filter(|(cause, _): &(LossCause, u64)| cause.is_unattributed()).map(|(_, n)| n).sum();
    allocs == stats.total_allocs
        && nobodys == lost
        && stats.total_frees == stats.total_allocs - stats.live_blocks
}
