//! W4: a million blocks of 16–128 bytes alive at once, freed in random order; and a program that only grows to as many.

use super::Prepared;
use super::chain::{self, Block};
use super::ring::FEW;
use crate::random::Random;

const BLOCKS: usize = 1 << 20;

pub(crate) struct Live {
    rounds: u64,
    blocks: Vec<Option<Block>>,
    /// The order in which the blocks are freed; empty when they stay.
    order: Vec<u32>,
}

impl Live {
    pub(crate) fn shuffle(rounds: u64) -> Self {
        let mut random = Random::new(4);
        let mut order: Vec<u32> = (0..BLOCKS as u32).collect();
        for last in (1..BLOCKS).rev() {
            order.swap(last, random.within(0, last));
        }
        Self { order, ..Self::growth(rounds) }
    }

    /// Blocks that stay.
    pub(crate) fn growth(rounds: u64) -> Self {
        Self { rounds, blocks: (0..BLOCKS).map(|_| None).collect(), order: Vec::new() }
    }
}

impl Prepared for Live {
    fn run(&mut self) -> Option<u64> {
        let mut random = Random::new(5);
        for _ in 0..self.rounds {
            for slot in &mut self.blocks {
                let path = random.within(0, FEW as usize - 1) as u64;
                *slot = Some(chain::allocate(random.within(16, 128), path));
            }
            for &place in &self.order {
                self.blocks[place as usize] = None;
            }
        }
        Some(self.rounds * BLOCKS as u64)
    }
}
