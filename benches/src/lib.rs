//! The workloads that `cargo xtask bench` runs under memtrack and its peers.
//!
//! Each program in `src/bin` is this library behind one global allocator. It runs one workload and prints
//! what that cost, one `key value` a line:
//!
//! ```text
//! $ bench-plain W1 --iterations 20000000
//! pairs 20000000
//! cpu_ns 561298000
//! wall_ns 561911527
//! peak_rss_bytes 2371584
//! ```
//!
//! Preparation (the JSON text, the random order) is not part of the figures, nor is what a tool does after the
//! last step, such as writing its output; the time of the whole process is taken from outside by `bench-measure`.
//!
//! The parts are measured alone under [`STACKS`], by the programs in `micro` and, in instructions, by `bench-events`; what is
//! done for the first time by [`Wide`].
//! Only ratios between programs that ran alternately on one machine mean anything.

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
pub use usage::{Usage, cpu_time};
pub use workload::chain;

impl Options {
    /// Runs the workload and prints its figures. `allocations` tells how many there were so far, where the
    /// allocator counts them: a workload like W2 cannot know its own number.
    pub fn run(&self, allocations: impl Fn() -> Option<u64>) {
        let mut workload = workload::prepare(self.workload, self.iterations);
        let (counted, before) = (allocations(), Usage::now());
        let pairs = workload.run();
        let spent = Usage::now().since(&before);
        let counted = allocations().zip(counted).map(|(now, before)| now - before);
        if let Some(pairs) = pairs.or(counted) {
            println!("pairs {pairs}");
        }
        println!("cpu_ns {}", spent.cpu.as_nanos());
        println!("wall_ns {}", spent.wall.as_nanos());
        println!("peak_rss_bytes {}", usage::peak_rss());
    }
}
