//! A dump of 65536 cells, each with a stack of its own. It is written to `dump.memtrack` beside criterion's figures.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;

use criterion::Criterion;
use memtrack::Tracker;
use memtrack_benches::descend;

static HEAP: Tracker<System> = Tracker::new(System);

/// Each of four levels chooses one of sixteen functions.
const STACKS: u64 = 1 << 16;

fn main() {
    let layout = Layout::new::<u64>();
    for path in 0..STACKS {
        // SAFETY: the size of the layout is not zero. The blocks stay alive, so that the cells are not empty.
        descend(4, path, || assert!(!black_box(unsafe { HEAP.alloc(layout) }).is_null()));
    }
    let place = std::env::var_os("CRITERION_HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    fs::create_dir_all(&place).expect("a folder for the dump");
    let file = place.join("dump.memtrack");
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("dump", |bencher| {
        bencher.iter(|| HEAP.dump_to_path(&file).expect("the dump is written"));
    });
    criterion.final_summary();
}
