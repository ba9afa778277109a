//! A program that writes a stage into its dump and then lets another program begin the same file: itself by `exec`, or a
//! child with the same variables.

use std::alloc::System;
use std::hint::black_box;
use std::os::unix::process::CommandExt;
use std::process::Command;

use memtrack::Tracker;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() {
    let mut ways = std::env::args().skip(1);
    let way = ways.next().expect("what to do");
    let program = std::env::current_exe().expect("its path");
    match way.as_str() {
        "exec" => {
            std::mem::forget(HEAP.in_stage("before", first_keeps));
            panic!("{}", Command::new(program).args([ways.next().unwrap_or_default()]).exec());
        }
        "spawn" => {
            std::mem::forget(HEAP.in_stage("before", first_keeps));
            let mut child = Command::new(program).arg("last").spawn().expect("it starts");
            say!("child {}", child.id());
            assert!(child.wait().expect("it ends").success());
            std::mem::forget(HEAP.in_stage("after", first_keeps));
        }
        _ => {
            say!("pid {}", std::process::id());
            std::mem::forget(HEAP.in_stage("of the last", last_keeps));
        }
    }
}

#[inline(never)]
fn first_keeps() -> Vec<u8> {
    black_box(vec![1; 10_000])
}

#[inline(never)]
fn last_keeps() -> Vec<u8> {
    black_box(vec![1; 70_000])
}
