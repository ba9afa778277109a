//! W1: one allocation and one free per step, 16–1024 bytes. A ring of 64 blocks delays the frees.
//!
//! Real programs come by their call sites in no fixed order, so each step draws one of the stacks. A loop over a few sites
//! has them in turn.

use super::Prepared;
use super::chain::{self, Block};
use crate::random::Random;

pub(crate) struct Ring {
    pub(crate) order: Order,
    pub(crate) steps: u64,
    /// Of the random numbers.
    pub(crate) seed: u64,
}

/// The order of the stacks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    /// Eight stacks in turn.
    InTurn,
    /// One of this many stacks at random.
    Random(u64),
}

/// Stacks in W1 in turn, and in W3, W4 and W5.
pub(crate) const FEW: u64 = 8;

impl Prepared for Ring {
    fn run(&mut self) -> Option<u64> {
        let mut slots = Slots::new();
        let mut random = Random::new(self.seed);
        for step in 0..self.steps {
            let path = match self.order {
                Order::InTurn => step % FEW,
                Order::Random(stacks) => random.within(0, stacks as usize - 1) as u64,
            };
            slots.replace(step, chain::allocate(random.within(16, 1024), path));
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
