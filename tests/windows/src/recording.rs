//! Programs that record. Each prints what the suite compares with the file.

use std::hint::black_box;
use std::thread;

use crate::HEAP;
use crate::system::{GetCurrentProcess, TerminateProcess};

/// Distinct stacks, each of which takes a cell.
const STACKS: u32 = 1 << 15;

/// Ends the process as the task manager does: none of its own code runs any more.
fn terminate(code: u32) -> ! {
    // SAFETY: the call takes the handle of this process and a number, and does not return.
    unsafe { TerminateProcess(GetCurrentProcess(), code) };
    unreachable!("the process has ended")
}

fn blocks(bytes: usize, count: usize) -> Vec<Vec<u8>> {
    let mut blocks = Vec::with_capacity(count);
    let _tag = HEAP.tag("work");
    blocks.extend((0..count).map(|_| black_box(Vec::with_capacity(black_box(bytes)))));
    blocks
}

/// Has blocks of its own and of a thread `worker`, in a stage, when it is terminated.
pub(crate) fn terminated() -> ! {
    let _stage = HEAP.stage("serve");
    let worker = thread::Builder::new().name("worker".to_owned()).spawn(|| blocks(1000, 20));
    let kept = (blocks(700, 3), worker.ok().and_then(|worker| worker.join().ok()));
    println!(
        "error {}",
        HEAP.record_to("elsewhere.image").err().map(|error| error.to_string()).unwrap_or_default()
    );
    black_box(&kept);
    terminate(9)
}

/// Starts itself with the same variable, and is terminated.
pub(crate) fn parent() -> ! {
    let kept = blocks(700, 3);
    let child = std::env::current_exe()
        .and_then(|own| std::process::Command::new(own).args(["recorded", "child"]).status());
    black_box(&kept);
    terminate(if child.is_ok_and(|status| status.success()) { 9 } else { 1 })
}

/// The program that [`parent`] starts.
pub(crate) fn child() -> bool {
    black_box(blocks(50, 4)).len() == 4
}

/// Allocates on more stacks than the file has room for, on four threads at once, and writes a dump.
pub(crate) fn full(dump: &str) -> bool {
    let work = || (0..STACKS).map(|path| left(path, 15)).collect::<Vec<_>>();
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(work)).collect();
    let kept: Vec<_> = threads.into_iter().map(thread::JoinHandle::join).collect();
    let late = thread::spawn(|| blocks(1000, 5)).join();
    let is_done = HEAP.dump_to_path(dump).is_ok() && late.is_ok_and(|blocks| blocks.len() == 5);
    is_done && kept.iter().all(|blocks| blocks.as_ref().is_ok_and(|blocks| blocks.len() == STACKS as usize))
}

/// A different stack for each number: its bits choose the functions.
#[inline(never)]
fn left(path: u32, depth: u32) -> Box<u32> {
    black_box(match depth {
        0 => Box::new(path),
        _ if path >> depth & 1 == 0 => left(path, depth - 1),
        _ => right(path, depth - 1),
    })
}

#[inline(never)]
fn right(path: u32, depth: u32) -> Box<u32> {
    black_box(match depth {
        0 => Box::new(path + 1),
        _ if path >> depth & 1 == 0 => left(path, depth - 1),
        _ => right(path, depth - 1),
    })
}
