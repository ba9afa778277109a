//! A dump through SEGGER's real-time transfer: a ring in memory that a debugger drains while the program runs. One channel
//! waits for the debugger. The other drops bytes that do not fit, and sends packets so that the host detects the gaps.
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

/// A channel as a sink. In its mode `BlockIfFull` a write waits; in the other modes bytes that do not fit are dropped.
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
    // The debugger gets no signal: it reads the rings at any time. The second ring is not drained in between, because
    // the program does not wait for that.
    let skipped = HEAP.dump(&mut Packets::new(Rtt(channels.up.1)));
    let waited = HEAP.dump(&mut Rtt(channels.up.0));
    let dumped = Wire::open().is_some_and(|mut wire| HEAP.dump(&mut wire).is_ok());
    _ = writeln!(Console, "dumped: {dumped}");
    drop(kept);
    skipped.is_ok() && waited.is_ok() && dumped
}
