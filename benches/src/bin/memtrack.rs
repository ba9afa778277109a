//! memtrack with the defaults of `Tracker::new`: every allocation with its full stack.

use std::alloc::System;

use memtrack::Tracker;
use memtrack_benches::Options;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() -> Result<(), memtrack::Error> {
    let options = Options::from_args();
    options.run(|| Some(HEAP.stats().total_allocs));
    match options.output {
        Some(path) => HEAP.dump_to_path(path),
        None => Ok(()),
    }
}
