//! W1: one allocation and one free per step, 16–1024 bytes. A ring of 64 blocks delays the frees.

use super::Prepared;
use super::chain::{self, Block};
use crate::random::Random;

pub(crate) struct Ring {
    pub(crate) steps: u64,
}

impl Prepared for Ring {
    fn run(&mut self) -> Option<u64> {
        let mut slots = Slots::new();
        let mut random = Random::new(1);
        for step in 0..self.steps {
            slots.replace(step, chain::allocate(random.within(16, 1024), step));
        }
        Some(self.steps)
    }
}

/// The last 64 blocks. A new block replaces the oldest one, which is freed.
pub(crate) struct Slots([Option<Block>; 64]);

impl Slots {
    pub(crate) fn new() -> Self {
        Self([const { None }; 64])
    }

    #[inline]
    pub(crate) fn replace(&mut self, step: u64, block: Block) {
        self.0[step as usize % 64] = Some(block);
    }
}
