//! Grows a tree of frames path by path.

use std::collections::HashMap;

use indexmap::IndexSet;

use super::{Flame, FlameNode, MAX_NODES, narrow};
use crate::Error;

/// A tree that grows.
pub(super) struct Builder {
    flame: Flame,
    /// From a node and a label to the child with that label.
    ids: HashMap<(u32, u32), u32>,
}

impl Builder {
    pub(super) fn new() -> Self {
        let flame = Flame { labels: IndexSet::from([String::new()]), nodes: vec![FlameNode::default()] };
        Builder { flame, ids: HashMap::new() }
    }

    /// The number of a label.
    pub(super) fn label(&mut self, label: &str) -> u32 {
        let labels = &mut self.flame.labels;
        narrow(labels.get_index_of(label).unwrap_or_else(|| labels.insert_full(label.into()).0))
    }

    /// A label by its number.
    pub(super) fn text(&self, label: u32) -> &str {
        self.flame.labels.get_index(label as usize).map_or("", String::as_str)
    }

    /// Books a value on a path, outermost label first.
    ///
    /// # Errors
    /// When the tree grows beyond [`MAX_NODES`].
    pub(super) fn add(&mut self, path: &[u32], value: u64) -> Result<(), Error> {
        let mut at = 0;
        for &label in path {
            let nodes = &mut self.flame.nodes;
            at = *self.ids.entry((at, label)).or_insert_with(|| {
                nodes.push(FlameNode { label, parent: at, ..FlameNode::default() });
                narrow(nodes.len() - 1)
            });
        }
        let own = &mut self.flame.nodes[at as usize].own;
        // Whether the sum of all fits is for the caller to check.
        *own = own.wrapping_add(value);
        if self.flame.nodes.len() > MAX_NODES { Err(Error::TooManyFrames) } else { Ok(()) }
    }

    /// The tree with its sums.
    pub(super) fn finish(self) -> Flame {
        let mut flame = self.flame;
        drop(self.ids);
        let nodes = &mut flame.nodes;
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
        let labels: Vec<u32> = nodes.iter().map(|node| node.label).collect();
        let name = |&child: &u32| flame.labels.get_index(labels[child as usize] as usize);
        flame.nodes.iter_mut().for_each(|node| node.children.sort_by(|a, b| name(a).cmp(&name(b))));
        flame
    }
}
