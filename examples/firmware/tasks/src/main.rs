//! A gateway of several tasks: `radio` receives frames, `decode` turns them into readings, and a task `uplink` is made for
//! each report and ends with it. Tasks preempt each other at any instruction, also inside the tracker.
//!
//! memtrack needs the parts in `hooks.rs`: a platform that knows which task runs, and hooks for tasks that are made and
//! deleted. `kernel.rs` is in the place of FreeRTOS.
#![no_std]
#![no_main]

extern crate alloc;

mod hooks;
mod kernel;
mod mailbox;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::hint::black_box;

use board::{Console, Wire};
use hooks::HEAP;
use mailbox::Mailbox;

/// The number of frames that the radio receives, and of frames in a report.
const FRAMES: usize = 48;
const REPORTED: usize = 16;

static AIR: Mailbox<Box<[u8]>> = Mailbox::new();
static READINGS: Mailbox<Vec<String>> = Mailbox::new();

board::entry!(main);

fn main() -> bool {
    let ready = hooks::init();
    kernel::start();
    let mut made = ready && kernel::create("radio", radio) && kernel::create("decode", decode);
    for _ in 0..FRAMES / REPORTED {
        made &= kernel::create("uplink", uplink);
        kernel::wait_for("uplink");
    }
    kernel::wait_for("decode");
    kernel::stop();
    let holds = hooks::equation_holds();
    // Not in the order of their first allocations, because that order differs in every run.
    for name in ["radio", "decode", "uplink"] {
        for thread in HEAP.threads().filter(|thread| thread.name() == name) {
            let (runs, stats) = (thread.count, thread.stats);
            let (allocs, bytes) = (stats.total_allocs, stats.total_bytes);
            _ = writeln!(Console, "{name:<8} {runs} run(s) {allocs:>4} allocations {bytes:>6} bytes");
        }
    }
    let live = HEAP.stats().live_bytes;
    _ = writeln!(Console, "equation: {holds}\nlive: {live} bytes\n# {} switches", kernel::switches());
    made && holds && live == 0 && Wire::open().is_some_and(|mut wire| HEAP.dump(&mut wire).is_ok())
}

/// Frames of one sensor each: its number, then its readings.
fn radio() {
    for number in 0..FRAMES {
        AIR.send(receive(number as u8));
    }
}

#[inline(never)]
fn receive(number: u8) -> Box<[u8]> {
    let mut frame = Vec::with_capacity(8);
    frame.extend([number, number.wrapping_mul(7), number ^ 0x55, 3]);
    black_box(frame).into_boxed_slice()
}

/// Frees what the radio has allocated.
fn decode() {
    for _ in 0..FRAMES / REPORTED {
        let mut readings = Vec::with_capacity(REPORTED);
        readings.extend((0..REPORTED).map(|_| reading(&AIR.take())));
        READINGS.send(readings);
    }
}

#[inline(never)]
fn reading(frame: &[u8]) -> String {
    let mut text = String::with_capacity(24);
    _ = write!(text, "{:02}:{:03}:{:03}", frame[0], frame[1], frame[2]);
    text
}

/// Frees what `decode` has allocated.
fn uplink() {
    let report = report(&READINGS.take());
    black_box(report);
}

#[inline(never)]
fn report(readings: &[String]) -> String {
    let mut report = String::with_capacity(16);
    for reading in readings {
        report.push_str(&format!("{reading:>24}"));
    }
    report
}
