//! The sensor pipeline as firmware, profiled.
//!
//! memtrack needs the allocator in `heap.rs`, the three lines that describe the machine, the stages,
//! and a way out for the dump. The host draws the picture: `memtrack-fold sensor.memtrack -b sensor.elf -o peak.svg`.
#![no_std]
#![no_main]

#[cfg_attr(any(target_arch = "arm", target_arch = "riscv32"), path = "heap/embedded_alloc.rs")]
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), path = "heap/talc.rs")]
mod heap;
mod tracking;

use core::fmt::Write;

use board::{Console, Wire};
use pipeline::Config;
use tracking::HEAP;

/// A micro:bit has 16 KiB of RAM.
#[cfg(target_abi = "eabi")]
const CONFIG: &str = include_str!("../config/windowsill.json");
#[cfg(not(target_abi = "eabi"))]
const CONFIG: &str = include_str!("../config/greenhouse.json");

board::entry!(main);

fn main() -> bool {
    tracking::init();
    let result = measure();
    if let Err(reason) = &result {
        _ = writeln!(Console, "error: {reason}");
    }
    let pipeline = board::used_stack();
    let Some(mut wire) = Wire::open() else { return false };
    let dumped = HEAP.dump(&mut wire);
    let dump = board::used_stack();
    _ = write!(Console, "{}", HEAP.report());
    let report = board::used_stack();
    _ = writeln!(Console, "# stack: pipeline {pipeline}, with dump {dump}, with report {report} bytes");
    if let Err(error) = dumped {
        _ = writeln!(Console, "error: {error}");
    }
    dumped.is_ok() && result.is_ok() && tracking::equation_holds()
}

fn measure() -> Result<(), pipeline::Invalid> {
    let config = {
        let _stage = HEAP.stage("parse");
        Config::parse(CONFIG)?
    };
    let raw = {
        let _stage = HEAP.stage("sample");
        pipeline::sample(&config)
    };
    let filtered = {
        let _stage = HEAP.stage("filter");
        pipeline::filter(&raw)
    };
    let _stage = HEAP.stage("report");
    _ = Console.write_str(&pipeline::report(&config, &raw, &filtered));
    Ok(())
}
