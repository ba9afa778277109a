//! Work of two threads in two stages, with the same figures on every processor. The allocations of the standard
//! library lie outside the tag `work`.
//!
//! `cargo xtask foreign` runs it on other processors and stores the dumps in `tests/corpus/foreign`. The suite
//! `foreign` reads those dumps, and one that this program writes on the local machine.

extern crate alloc;

mod work;

use std::alloc::System;
use std::process::ExitCode;
use std::thread;

use memtrack::Tracker;
use work::{Kept, ROOM, inner, outer, recursive};

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: foreign DUMP");
        return ExitCode::from(2);
    };
    let mut kept = Kept::with_capacity(ROOM);
    {
        let _stage = HEAP.stage("read");
        let _tag = HEAP.tag("work");
        outer(&mut kept, 3, 1000);
    }
    let thread = thread::Builder::new().name("worker".into()).spawn(worker);
    let others = thread.expect("a thread starts").join().expect("the thread does not panic");
    {
        let _stage = HEAP.stage("index");
        let _tag = HEAP.tag("work");
        inner(&mut kept, 50, true);
        recursive(&mut kept, 5);
    }
    let dumped = HEAP.dump_to_path(&path);
    drop((kept, others));
    match dumped {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("foreign: {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[inline(never)]
fn worker() -> Kept {
    let mut kept = Kept::with_capacity(ROOM);
    let _tag = HEAP.tag("work");
    outer(&mut kept, 2, 300);
    kept
}
