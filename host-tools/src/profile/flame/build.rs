//! Builds a tree of frames from paths.

use std::collections::HashMap;

use super::tree::{Flame, FlameNode, MAX_NODES, narrow};
use crate::Error;
use crate::profile::labels::Labels;

/// A tree under construction.
pub(super) struct Builder {
    nodes: Vec<FlameNode>,
    /// Finds the child of a node by its label.
    ids: HashMap<(u32, u32), u32>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Builder { nodes: vec![FlameNode::default()], ids: HashMap::new() }
    }

    /// Adds a value to a path, which begins with the outermost label.
    ///
    /// # Errors
    /// Returns an error if the tree grows beyond [`MAX_NODES`].
    pub(super) fn add(&mut self, path: impl IntoIterator<Item = u32>, value: u64) -> Result<(), Error> {
        let mut at = 0;
        for label in path {
            let nodes = &mut self.nodes;
            at = *self.ids.entry((at, label)).or_insert_with(|| {
                nodes.push(FlameNode { label, parent: at, ..FlameNode::default() });
                narrow(nodes.len() - 1)
            });
        }
        let own = &mut self.nodes[at as usize].own;
        // The caller checks that the sum of all values fits.
        *own = own.wrapping_add(value);
        if self.nodes.len() > MAX_NODES { Err(Error::TooManyFrames) } else { Ok(()) }
    }

    /// Adds up the sums.
    pub(super) fn finish(self, labels: Labels) -> Flame {
        drop(self.ids);
        let mut nodes = self.nodes;
        for index in (0..nodes.len()).rev() {
            // Children have higher indexes than their parents, so this node's total is complete.
            nodes[index].total = nodes[index].total.wrapping_add(nodes[index].own);
            if index > 0 {
                let total = nodes[index].total;
                let parent = nodes[index].parent as usize;
                nodes[parent].total = nodes[parent].total.wrapping_add(total);
                nodes[parent].children.push(narrow(index));
            }
        }
        let of: Vec<u32> = nodes.iter().map(|node| node.label).collect();
        let name = |&child: &u32| labels.text(of[child as usize]);
        nodes.iter_mut().for_each(|node| node.children.sort_by(|a, b| name(a).cmp(name(b))));
        Flame { labels, nodes }
    }
}
