//! A dump through SEGGER's real-time transfer: a ring in memory that a debugger drains while the program runs. One channel
//! waits for the debugger; the other drops what does not fit, and sends packets so that the host sees what was dropped.
#![no_std]
#![no_main]

extern crate alloc;

use core::fmt::Write;

use board::{Console, Wire};
use checks::Heap;
use memtrack::{Packets, SingleCore, Tracker};
use rtt_target::ChannelMode::{BlockIfFull, NoBlockSkip};
use rtt_target::{UpChannel, rtt_init};

#[global_allocator]
static HEAP: Tracker<Heap> = Tracker::new(Heap::empty());

/// A channel as a way out. In its mode `BlockIfFull` a write waits; in the others what does not fit is dropped.
struct Rtt(UpChannel);

impl embedded_io::ErrorType for Rtt {
    type Error = core::convert::Infallible;
}

impl embedded_io::Write for Rtt {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush();
        Ok(())
    }
}

board::entry!(main);

fn main() -> bool {
    let channels = rtt_init! {
        up: {
            0: { size: 128, mode: BlockIfFull, name: "memtrack" }
            1: { size: 256, mode: NoBlockSkip, name: "memtrack packets" }
        }
    };
    let (low, high) = board::stack();
    SingleCore::set_stack(low, high);
    checks::init(HEAP.inner());
    let kept = checks::all_work(&HEAP);
    // The debugger is told nothing: it looks at the rings whenever it likes. The second one is not drained in between, since
    // the program does not wait for that.
    let skipped = HEAP.dump(&mut Packets::new(Rtt(channels.up.1)));
    let waited = HEAP.dump(&mut Rtt(channels.up.0));
    let dumped = Wire::open().is_some_and(|mut wire| HEAP.dump(&mut wire).is_ok());
    _ = writeln!(Console, "dumped: {dumped}");
    drop(kept);
    skipped.is_ok() && waited.is_ok() && dumped
}
