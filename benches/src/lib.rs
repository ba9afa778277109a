//! The workloads that `cargo xtask bench` runs under memtrack and its peers.
//!
//! Each program in `src/bin` is this library with one global allocator. It runs one workload and prints its cost, one
//! `key value` per line:
//!
//! ```text
//! $ bench-plain W1x8 --iterations 20000000
//! pairs 20000000
//! cpu_ns 561298000
//! wall_ns 561911527
//! peak_rss_bytes 2371584
//! ```
//!
//! The figures exclude the preparation (the JSON text, the random order) and everything after the last step, such as
//! a tool's output. `bench-measure` measures the whole process from outside.
//!
//! The programs in `micro` measure the parts alone under [`STACKS`], `bench-events` counts their instructions, and
//! [`Wide`] measures first captures and first events. Only ratios between programs that ran alternately on one
//! machine are meaningful.

mod cold;
mod options;
mod random;
mod stacks;
mod usage;
mod workload;

pub use cold::Wide;
pub use options::Options;
pub use random::Random;
pub use stacks::{STACKS, Stacks, descend};
pub use usage::{Spent, Usage, children_cpu_time, cpu_time};
pub use workload::chain;

impl Options {
    /// Runs the workload and prints its figures. `allocations` returns the number of allocations so far, if the
    /// allocator counts them: a workload such as W2 does not know its own number.
    pub fn run(&self, allocations: impl Fn() -> Option<u64>) {
        let mut workload = workload::prepare(self.workload, self.iterations);
        let (counted, before) = (allocations(), Usage::now());
        let pairs = workload.run();
        let spent = Usage::now().since(&before);
        let counted = allocations().zip(counted).map(|(now, before)| now - before);
        spent.print(pairs.or(counted));
    }
}
