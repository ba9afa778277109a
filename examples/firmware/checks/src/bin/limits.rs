//! Tables of four entries, overwritten stacks, and sinks that fail half way: the equation holds, nothing faults, and each
//! case has its message.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use core::fmt::Write;
use core::hint::black_box;

use board::Console;
use checks::{Heap, equation_holds, lost};
use memtrack::{Error, FramePointer, LossCause, Region, SingleCore, Tracker};

type Tiny = Region<4, 4, 3, 1, 1, 4>;
static REGION: Tiny = Tiny::new();

#[global_allocator]
static HEAP: Tracker<Heap, FramePointer, SingleCore, Tiny> = Tracker::with_region(Heap::empty(), &REGION);

board::entry!(main);

fn main() -> bool {
    let (low, high) = board::stack();
    SingleCore::set_stack(low, high);
    checks::init(HEAP.inner());
    let mut observed = 0;
    let full = tiny_tables(&mut observed);
    let smashed = smashed_stacks(&mut observed);
    let sinks = failing_sinks();
    let holds = equation_holds(&HEAP, observed);
    _ = writeln!(
        Console,
        "tables of four: {full}\nsmashed stacks: {smashed}\nfailing sinks: {sinks}\nequation: {holds}"
    );
    full && smashed && sinks && holds
}

/// Many stacks, many tags, stages inside stages: every table overflows, and each overflow is counted.
fn tiny_tables(observed: &mut u64) -> bool {
    let _outer = HEAP.stage("outer");
    for depth in 0..8 {
        let _tag = HEAP.tag(["a", "b", "c", "d"][depth % 4]);
        let _stage = HEAP.stage(["one", "two", "three"][depth % 3]);
        recurse(depth, observed);
    }
    let mut all = true;
    for cause in [LossCause::StacksFull, LossCause::TooDeep, LossCause::TagsFull, LossCause::StagesFull] {
        all &= lost(&HEAP, cause) > 0;
    }
    all && HEAP.stats().live_bytes == 0
}

#[inline(never)]
fn recurse(depth: usize, observed: &mut u64) {
    let block = Vec::<u8>::with_capacity(black_box(16 + depth));
    *observed += 1;
    if depth > 0 {
        recurse(depth - 1, observed);
    }
    drop(black_box(block));
}

/// Garbage over the saved frame pointer of a running function.
fn smashed_stacks(observed: &mut u64) -> bool {
    let before = lost(&HEAP, LossCause::Unwind);
    let (low, high) = board::stack();
    let garbage =
        [0xdead_beef, 1, low, low + 2, high, high - 4, usize::MAX, usize::MAX - 7, 0x100, low.wrapping_neg()];
    for value in garbage {
        smash(value);
        *observed += 1;
    }
    smash(0);
    *observed += 1;
    // A null pointer ends the chain. Each of the other values was detected.
    let noticed = lost(&HEAP, LossCause::Unwind) - before;
    noticed >= garbage.len() as u64 / 2
}

#[inline(never)]
fn smash(value: usize) {
    let frame = frame_pointer();
    // SAFETY: the word is this function's own saved frame pointer; it is restored before the function returns.
    unsafe {
        let before = frame.read_volatile();
        frame.write_volatile(value);
        drop(black_box(Vec::<u8>::with_capacity(black_box(24))));
        frame.write_volatile(before);
    }
}

/// The place where the running function saved its caller's frame pointer.
#[inline(always)]
fn frame_pointer() -> *mut usize {
    let frame: *mut usize;
    // SAFETY: copies a register.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!("mov {}, rbp", out(reg) frame);
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!("mov {}, x29", out(reg) frame);
        #[cfg(target_arch = "arm")]
        core::arch::asm!("mov {}, r7", out(reg) frame);
        #[cfg(target_arch = "riscv32")]
        core::arch::asm!("addi {}, s0, -8", out(reg) frame);
    }
    frame
}

/// Takes a number of bytes, then refuses.
struct Limited(usize);

#[derive(Debug)]
struct Full;

impl core::fmt::Display for Full {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("full")
    }
}

impl core::error::Error for Full {}

impl embedded_io::Error for Full {
    fn kind(&self) -> embedded_io::ErrorKind {
        embedded_io::ErrorKind::OutOfMemory
    }
}

impl embedded_io::ErrorType for Limited {
    type Error = Full;
}

impl embedded_io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Full> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 && !bytes.is_empty() { Err(Full) } else { Ok(taken) }
    }

    fn flush(&mut self) -> Result<(), Full> {
        Ok(())
    }
}

/// A dump fails at every length except the last, and says why.
fn failing_sinks() -> bool {
    let mut last = None;
    for length in 0.. {
        match HEAP.dump(&mut Limited(length)) {
            Ok(()) => {
                _ = writeln!(Console, "# a dump of {length} bytes");
                break;
            }
            Err(error) => last = Some(error),
        }
    }
    let Some(error) = last else { return false };
    _ = writeln!(Console, "{error}");
    error == Error::Sink(embedded_io::ErrorKind::OutOfMemory)
}
