//! Grows a tree of frames path by path.

use std::collections::HashMap;

use super::{Flame, FlameNode, MAX_NODES, narrow};
use crate::Error;
use crate::profile::labels::Labels;

/// A tree that grows.
pub(super) struct Builder {
    nodes: Vec<FlameNode>,
    /// From a node and a label to the child with that label.
    ids: HashMap<(u32, u32), u32>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Builder { nodes: vec![FlameNode::default()], ids: HashMap::new() }
    }

    /// Books a value on a path, outermost label first.
    ///
    /// # Errors
    /// When the tree grows beyond [`MAX_NODES`].
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
        // Whether the sum of all fits is for the caller to check.
        *own = own.wrapping_add(value);
        if self.nodes.len() > MAX_NODES { Err(Error::TooManyFrames) } else { Ok(()) }
    }

    /// The tree with its sums.
    pub(super) fn finish(self, labels: Labels) -> Flame {
        drop(self.ids);
        let mut nodes = self.nodes;
        for index in (0..nodes.len()).rev() {
            // Children come after their parents: this one's are complete.
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
