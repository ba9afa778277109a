//! Stages, one in another, with known peaks. The dump, which the environment asks for, has a snapshot of each.

use std::hint::black_box;

use crate::{Done, HEAP, block};

const MIB: usize = 1 << 20;

/// The stage `read` has 3 MiB at its peak, and `index` in it 2 MiB more; `write` has 1 MiB.
pub(crate) fn run() -> Done {
    {
        let _read = HEAP.stage("read");
        let _tag = HEAP.tag("work");
        let document = black_box(block(3 * MIB));
        {
            let _index = HEAP.stage("index");
            black_box(block(2 * MIB));
        }
        black_box(document);
    }
    {
        let _write = HEAP.stage("write");
        let _tag = HEAP.tag("work");
        black_box(block(MIB));
    }
    Ok(())
}
