//! The triggers of a dump that the environment sets: an interval, a new peak, a failed allocation. The blocks are known at
//! each of them.

use std::hint::black_box;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use crate::{Done, HEAP, block};

const MIB: usize = 1 << 20;
/// The longest wait for the snapshots of an interval, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Changes of the file's length. A snapshot is written in a few pieces: so these are at least two snapshots.
const ROUNDS: usize = 6;

pub(crate) fn run(kind: &str) -> Done {
    match kind {
        "interval" => interval(),
        "peak" => peaks(),
        _ => failure(),
    }
    Ok(())
}

/// A block of 12345 bytes is live until snapshots are written. The small blocks are events, for a system on which the
/// tracker has no thread.
fn interval() {
    let dump = env::var_os("MEMTRACK_DUMP").unwrap_or_default();
    let length = || fs::metadata(&dump).map_or(0, |file| file.len());
    let kept = {
        let _tag = HEAP.tag("work");
        block(12345)
    };
    let end = Instant::now() + PATIENCE;
    for _ in 0..ROUNDS {
        let before = length();
        while length() == before && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
            block(1);
        }
    }
    black_box(kept);
}

/// Four peaks. The second is below the first, and the fourth is less than an eighth above the third.
fn peaks() {
    let _tag = HEAP.tag("work");
    for bytes in [3 * MIB, 2 * MIB, 5 * MIB, 5 * MIB + 1024] {
        block(bytes);
    }
}

/// The system has no memory for the largest block. One of 2345 bytes is live then.
fn failure() {
    let _tag = HEAP.tag("work");
    let kept = block(2345);
    let refused = Vec::<u8>::new().try_reserve_exact(black_box(isize::MAX as usize));
    assert!(refused.is_err(), "the system gave the block");
    black_box(kept);
}
