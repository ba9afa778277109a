//! Writing a dump of 65536 cells, each with a stack of its own, to a file.

mod stacks;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::hint::black_box;

use criterion::Criterion;
use memtrack::Tracker;
use stacks::descend;

static HEAP: Tracker<System> = Tracker::new(System);

/// Four levels choose one of sixteen functions each.
const STACKS: u64 = 1 << 16;

fn main() {
    let layout = Layout::new::<u64>();
    for path in 0..STACKS {
        // SAFETY: the layout is not of size zero. The blocks stay, so that the cells hold something.
        descend(12, path, || assert!(!black_box(unsafe { HEAP.alloc(layout) }).is_null()));
    }
    let file = std::env::temp_dir().join(format!("memtrack-bench-{}", std::process::id()));
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("dump of 65536 cells", |bencher| {
        bencher.iter(|| HEAP.dump_to_path(&file).expect("the dump is written"));
    });
    criterion.final_summary();
    if let Ok(metadata) = fs::metadata(&file) {
        println!("its size: {} bytes", metadata.len());
        fs::remove_file(&file).expect("what was written can be removed");
    }
}
