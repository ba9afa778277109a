//! The heap: 64 KiB under talc.

use talc::TalcLock;
use talc::source::Claim;

/// The inner allocator.
pub type Heap = TalcLock<spin::Mutex<()>, Claim>;

static mut MEMORY: [u8; 64 << 10] = [0; 64 << 10];

/// The heap claims its memory itself.
// SAFETY: nothing else uses the memory.
pub const HEAP: Heap = TalcLock::new(unsafe { Claim::array(&raw mut MEMORY) });

/// Does nothing.
pub fn init(_: &Heap) {}
