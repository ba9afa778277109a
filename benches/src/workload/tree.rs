//! One block under each of many stacks. The blocks stay, so the memory that a tracker takes is that of its tables.

use super::Prepared;
use super::chain::Block;
use crate::random::Random;
use crate::stacks::descend;

/// Levels of calls. At each one a stack has one of sixteen functions, at random: the stacks share little more than their first levels.
const LEVELS: usize = 22;
/// Bytes of a block.
const SIZE: usize = 64;

pub(crate) struct Tree {
    stacks: usize,
    blocks: Vec<Block>,
}

impl Tree {
    pub(crate) fn new(stacks: usize) -> Self {
        Self { stacks, blocks: Vec::with_capacity(stacks) }
    }
}

impl Prepared for Tree {
    fn run(&mut self) -> Option<u64> {
        let mut random = Random::new(7);
        for _ in 0..self.stacks {
            descend(LEVELS, random.bits(), || self.blocks.push(Box::new_uninit_slice(SIZE)));
        }
        Some(self.stacks as u64)
    }
}
