//! Known blocks of two threads, and a stage. The program says when they are there, and waits to be killed.

use std::hint::black_box;
use std::io::{Read, Write};
use std::thread;

use crate::{Done, HEAP, block};

pub(crate) fn run() -> Done {
    let _stage = HEAP.stage("serve");
    let mut kept = blocks(12345, 1);
    blocks(5000, 1);
    let worker = thread::Builder::new().name("worker".to_owned()).spawn(|| blocks(1000, 300));
    kept.extend(worker.ok().and_then(|worker| worker.join().ok()).unwrap_or_default());
    println!("ready");
    // Whoever reads the line need not wait for the end of a buffer. Both calls end when the other side is gone.
    let _ = std::io::stdout().flush();
    let _ = std::io::stdin().read(&mut [0]);
    black_box(kept);
    Ok(())
}

/// So many blocks of that many bytes.
fn blocks(bytes: usize, count: usize) -> Vec<Vec<u8>> {
    let mut blocks = Vec::with_capacity(count);
    let _tag = HEAP.tag("work");
    blocks.extend((0..count).map(|_| block(bytes)));
    blocks
}
