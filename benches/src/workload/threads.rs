//! W3: each thread works like W1, and passes every fourth block to the next thread, which frees it.
//!
//! Blocks are passed in batches, so that the cost of the channel is small beside the allocations. A thread sends a
//! batch, then frees one that it received, and is at most [`AHEAD`] batches ahead of the thread before it. The
//! threads cannot wait for each other in a circle, because each sends first: a thread that waits for batch `n −
//! AHEAD` has sent batch `n`.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::Prepared;
use super::chain::{self, Block};
use super::ring::{FEW, Slots};
use crate::random::Random;

/// Blocks in a batch.
const BATCH: usize = 64;
/// Batches that a thread sends before it waits for the first one. On average a channel holds as many.
const AHEAD: u64 = 8;

pub(crate) struct Threads {
    pub(crate) count: usize,
    /// Steps of each thread.
    pub(crate) steps: u64,
}

type Batch = Vec<Block>;

impl Prepared for Threads {
    fn run(&mut self) -> Option<u64> {
        let (senders, mut receivers): (Vec<_>, Vec<_>) = (0..self.count).map(|_| channel::<Batch>()).unzip();
        // Thread n sends to the receiver of thread n + 1.
        receivers.rotate_right(1);
        thread::scope(|scope| {
            for (number, (next, own)) in (1..).zip(senders.into_iter().zip(receivers)) {
                let steps = self.steps;
                thread::Builder::new()
                    .name(format!("ring-{number}"))
                    .spawn_scoped(scope, move || work(number, steps, next, own))
                    .expect("the system starts a thread");
            }
        });
        Some(self.steps * self.count as u64)
    }
}

fn work(seed: u64, steps: u64, next: Sender<Batch>, own: Receiver<Batch>) {
    let mut slots = Slots::new();
    let mut random = Random::new(seed);
    let mut batch = Batch::with_capacity(BATCH);
    let mut sent = 0;
    for step in 0..steps {
        let path = random.within(0, FEW as usize - 1) as u64;
        let block = chain::allocate(random.within(16, 1024), path);
        if step % 4 != 3 {
            slots.replace(step, block);
            continue;
        }
        batch.push(block);
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Batch::with_capacity(BATCH));
            next.send(full).expect("a receiver lives until its sender is dropped");
            sent += 1;
            if sent > AHEAD {
                drop(own.recv());
            }
        }
    }
    drop(next);
    own.iter().for_each(drop);
}
