//! jemalloc. The environment variable `_RJEM_MALLOC_CONF` turns its profiler on and sets the sampling interval.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static HEAP: Jemalloc = Jemalloc;

fn main() {
    memtrack_benches::Options::from_args().run(|| None);
}
