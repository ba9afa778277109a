//! Programs that end in different ways: `leave return|exit|thread|panic|abort|moved`. `caught` catches a panic and
//! continues.

use std::alloc::System;
use std::hint::black_box;

use memtrack::Tracker;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() {
    std::mem::forget(kept());
    match std::env::args().nth(1).as_deref() {
        Some("return") => {}
        Some("exit") => std::process::exit(7),
        Some("thread") => std::thread::spawn(|| std::process::exit(7)).join().unwrap(),
        Some("panic") => panic!("as asked for"),
        Some("moved") => std::env::set_current_dir("/").unwrap(),
        Some("abort") => std::process::abort(),
        Some("caught") => caught(),
        other => panic!("no way to leave {other:?}"),
    }
}

#[inline(never)]
fn kept() -> Vec<u8> {
    black_box(Vec::with_capacity(12345))
}

/// A panic unwinds through a stage, a tag, and frames that hold blocks.
fn caught() {
    std::panic::set_hook(Box::new(|_| {}));
    let unwind = || {
        std::panic::catch_unwind(|| {
            let (_stage, _tag) = (HEAP.stage("panicking"), HEAP.tag("panicking"));
            let _block = black_box(Vec::<u8>::with_capacity(500));
            holds_a_block(3)
        })
        .unwrap_err();
    };
    // The first panic includes allocations that the runtime never frees.
    unwind();
    let before = HEAP.stats();
    (0..100).for_each(|_| unwind());
    let after = HEAP.stats();
    say!("live {}", after.live_bytes as i64 - before.live_bytes as i64);
    say!("live-blocks {}", after.live_blocks as i64 - before.live_blocks as i64);
    let stage = HEAP.stages().find(|stage| stage.name() == "panicking").unwrap();
    say!("runs {}", stage.runs);
    say!("running {}", u8::from(stage.running));
    black_box(after_all());
}

#[inline(never)]
fn holds_a_block(deeper: usize) -> Vec<u8> {
    let block = black_box(vec![1; 100 * deeper]);
    if deeper == 0 {
        panic!("as asked for");
    }
    black_box(holds_a_block(deeper - 1));
    block
}

#[inline(never)]
fn after_all() -> Vec<u8> {
    black_box(Vec::with_capacity(777))
}
