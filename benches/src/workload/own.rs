//! W5: threads that work like W1, each with its own blocks alone.

use std::sync::Barrier;
use std::thread;

use super::Prepared;
use super::ring::{FEW, Order, Ring};

pub(crate) struct Own {
    pub(crate) threads: usize,
    /// Steps of each thread.
    pub(crate) steps: u64,
}

impl Prepared for Own {
    fn run(&mut self) -> Option<u64> {
        let (threads, steps) = (self.threads, self.steps);
        // No thread ends before all have worked: the peak of resident memory has that of each.
        let all = Barrier::new(threads);
        thread::scope(|scope| {
            for seed in 1..=threads as u64 {
                let all = &all;
                let work = move || {
                    Ring { order: Order::Random(FEW), steps, seed }.run();
                    all.wait();
                };
                let builder = thread::Builder::new().name(format!("own-{seed}"));
                builder.spawn_scoped(scope, work).expect("the system starts a thread");
            }
        });
        Some(steps * threads as u64)
    }
}
