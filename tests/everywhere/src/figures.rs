//! Known numbers of blocks and bytes. The peak comes before the end, and most of it is this work's.

use std::hint::black_box;

use crate::{Done, HEAP, block};

const MIB: usize = 1 << 20;

/// Six blocks: one MiB, two and three are live at the peak; a small one is resized twice; one KiB and two stay.
pub(crate) fn run(dump: &str) -> Done {
    let mut kept = Vec::with_capacity(2);
    {
        let _tag = HEAP.tag("work");
        let large = [block(MIB), block(2 * MIB), block(3 * MIB)];
        black_box(&large);
        drop(large);
        let mut grown = block(100);
        grown.push(1);
        grown.reserve_exact(299);
        grown.shrink_to(200);
        black_box(&grown);
        kept.extend([block(1024), block(2048)]);
    }
    let dumped = HEAP.dump_to_path(dump);
    black_box(&kept);
    dumped
}
