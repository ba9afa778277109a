//! dhat-rs: every allocation with its full stack.

use std::path::Path;

use memtrack_benches::Options;

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

fn main() {
    let options = Options::from_args();
    let output = options.output.as_deref().unwrap_or(Path::new("/dev/null"));
    let _profiler = dhat::Profiler::builder().file_name(output).build();
    options.run(|| Some(dhat::HeapStats::get().total_blocks));
}
