//! Builds a tree of frames from paths.

use super::tree::{Flame, FlameNode};
use crate::Error;
use crate::profile::labels::Labels;
use crate::profile::paths::{Step, Tree};
use crate::profile::prefixes::{Children, Prefixes};

/// A tree under construction.
pub(super) struct Builder {
    paths: Prefixes<u32>,
    /// The values of the paths that have some.
    own: Vec<u64>,
}

impl Tree for Builder {
    fn grow(&mut self, at: u32, step: Step) -> u32 {
        self.paths.grow(at, step.label)
    }

    fn check(&self) -> Result<(), Error> {
        self.paths.check()
    }
}

impl Builder {
    /// A tree of about so many nodes.
    pub(super) fn new(nodes: usize) -> Self {
        Builder { paths: Prefixes::new(nodes), own: Vec::new() }
    }

    /// Adds a value to a path.
    pub(super) fn add(&mut self, path: u32, value: u64) {
        if self.own.len() <= path as usize {
            self.own.resize(self.paths.len(), 0);
        }
        let own = &mut self.own[path as usize];
        // The caller checks that the sum of all values fits.
        *own = own.wrapping_add(value);
    }

    /// Adds up the sums.
    pub(super) fn finish(mut self, labels: Labels) -> Flame {
        self.paths.close();
        self.own.resize(self.paths.len(), 0);
        let mut totals = self.own.clone();
        // Children have higher numbers than their parents, so a node's total is complete when its turn comes.
        for (index, &(parent, _)) in self.paths.nodes().iter().enumerate().rev() {
            totals[parent as usize] = totals[parent as usize].wrapping_add(totals[index + 1]);
        }
        let ranks = labels.ranks();
        let Children { starts, mut sorted } = self.paths.children(|label| ranks[label as usize]);
        let of = std::iter::once(0).chain(self.paths.nodes().iter().map(|&(_, label)| label));
        let sums = self.own.iter().zip(&totals).zip(starts.windows(2));
        let nodes = of.zip(sums).map(|(label, ((&own, &total), bounds))| {
            let siblings = &mut sorted[bounds[0] as usize..bounds[1] as usize];
            // Paths that the view has left out have no values. The sort is stable.
            siblings.sort_by_key(|&child| totals[child as usize] == 0);
            let count = siblings.partition_point(|&child| totals[child as usize] > 0);
            FlameNode { label, own, total, first: bounds[0], children: count as u32 }
        });
        let nodes = nodes.collect();
        Flame { labels, nodes, sorted }
    }
}
