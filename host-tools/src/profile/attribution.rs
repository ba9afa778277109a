//! How much is known of the allocations.
//!
//! An allocation may lack its thread or a part of its stack. A reader has to know the number of these
//! allocations before trusting any figure.

use std::collections::HashSet;

use memtrack_format::{Node, ThreadState};

use super::model::{MAX_DEPTH, Profile};
use super::sample::Sample;

/// Allocations by how much is known of them. The sum is the number of allocations that the tracker observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    /// With thread and complete stack.
    pub full: u64,
    /// With a part of the stack, or without the thread.
    pub part: u64,
    /// With neither thread nor stack.
    pub none: u64,
}

impl Attribution {
    /// All allocations.
    #[must_use]
    pub fn observed(self) -> u64 {
        self.full.saturating_add(self.lost())
    }

    /// Allocations that were not recorded in full.
    #[must_use]
    pub fn lost(self) -> u64 {
        self.part.saturating_add(self.none)
    }
}

impl Profile {
    /// How much is known of the allocations of all samples.
    #[must_use]
    pub fn attribution(&self) -> Attribution {
        let overflow: HashSet<u32> = self
            .threads
            .iter()
            .filter(|thread| thread.state == ThreadState::Overflow)
            .map(|thread| thread.id)
            .collect();
        let mut sums = Attribution::default();
        for sample in &self.samples {
            let sum = match sample.unattributed {
                true => &mut sums.none,
                false if sample.cut || overflow.contains(&sample.thread) || self.is_truncated(sample) => {
                    &mut sums.part
                }
                false => &mut sums.full,
            };
            *sum = sum.saturating_add(sample.figures.allocs);
        }
        sums
    }

    /// Whether outer frames are missing.
    fn is_truncated(&self, sample: &Sample) -> bool {
        let mut at = sample.node;
        for _ in 0..MAX_DEPTH {
            if at < Node::FIRST {
                break;
            }
            at = self.nodes[at as usize].parent;
        }
        at != Node::ROOT
    }
}
