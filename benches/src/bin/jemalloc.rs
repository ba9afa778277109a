//! jemalloc: whether and how finely its profiler samples is set from outside, in `_RJEM_MALLOC_CONF`.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static HEAP: Jemalloc = Jemalloc;

fn main() {
    memtrack_benches::Options::from_args().run(|| None);
}
