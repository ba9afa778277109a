//! A tree of frames with sums.

use crate::profile::labels::Labels;

/// The most frames in a tree. A real profile has far fewer; a hostile dump may have more than fit into
/// memory.
pub(super) const MAX_NODES: usize = 1 << 25;

/// A tree of frames.
pub struct Flame {
    pub(super) labels: Labels,
    /// Node 0 is the root, without a label.
    pub(super) nodes: Vec<FlameNode>,
}

/// A frame under its callers.
#[derive(Clone, Debug, Default)]
pub struct FlameNode {
    pub(super) label: u32,
    pub(super) parent: u32,
    /// The value of this frame itself.
    pub own: u64,
    /// The value of this frame and its callees.
    pub total: u64,
    /// Its callees, by name.
    pub children: Vec<u32>,
}

impl Flame {
    /// The root. Its total is the sum of all values.
    #[must_use]
    pub fn root(&self) -> &FlameNode {
        &self.nodes[0]
    }

    /// A node.
    #[must_use]
    pub fn node(&self, index: u32) -> &FlameNode {
        &self.nodes[index as usize]
    }

    /// The name of a node's frame.
    #[must_use]
    pub fn label(&self, node: &FlameNode) -> &str {
        self.labels.text(node.label)
    }

    /// Visits every node but the root, callers before callees, siblings by name, with the path of labels.
    ///
    /// # Errors
    /// Returns the first error of `enter`.
    pub fn visit<'f, E>(
        &'f self,
        mut enter: impl FnMut(&[&'f str], &'f FlameNode) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut path = Vec::new();
        let mut ahead: Vec<(u32, usize)> =
            self.root().children.iter().rev().map(|&child| (child, 0)).collect();
        while let Some((index, depth)) = ahead.pop() {
            let node = self.node(index);
            path.truncate(depth);
            path.push(self.label(node));
            enter(&path, node)?;
            ahead.extend(node.children.iter().rev().map(|&child| (child, depth + 1)));
        }
        Ok(())
    }

    /// Sorts callees by size, the largest first.
    pub fn sort_by_size(&mut self) {
        for index in 0..self.nodes.len() {
            let mut children = std::mem::take(&mut self.nodes[index].children);
            // The sort is stable: equal ones stay in the order of their names.
            children.sort_by_key(|&child| std::cmp::Reverse(self.node(child).total));
            self.nodes[index].children = children;
        }
    }

    /// Removes frames whose share of the total is too small. Their values count for their callers, and those
    /// of outermost frames for a new frame `[other]`. The total stays the same.
    pub fn prune(&mut self, min_percent: f64) {
        let least = self.root().total as f64 * min_percent / 100.0;
        for index in 0..self.nodes.len() {
            let children = std::mem::take(&mut self.nodes[index].children);
            let (small, large): (Vec<u32>, Vec<u32>) =
                children.into_iter().partition(|&child| (self.node(child).total as f64) < least);
            let taken: u64 = small.iter().map(|&child| self.node(child).total).sum();
            self.nodes[index].own += taken;
            self.nodes[index].children = large;
        }
        let others = std::mem::take(&mut self.nodes[0].own);
        if others > 0 {
            let label = self.labels.label("[other]");
            let last = narrow(self.nodes.len());
            self.nodes.push(FlameNode { label, own: others, total: others, ..FlameNode::default() });
            self.nodes[0].children.push(last);
        }
    }

    /// The value of each function itself and with its callees, the largest first. A function that calls
    /// itself counts once.
    #[must_use]
    pub fn functions(&self) -> Vec<(&str, u64, u64)> {
        let mut sums = vec![(0u64, 0u64); self.labels.len()];
        let mut outer: Vec<(usize, usize)> = Vec::new();
        let mut active = vec![0usize; self.labels.len()];
        let mut ahead: Vec<(u32, usize)> = self.root().children.iter().map(|&child| (child, 0)).collect();
        while let Some((index, depth)) = ahead.pop() {
            while let Some((_, left)) = outer.pop_if(|&mut (at, _)| at >= depth) {
                active[left] -= 1;
            }
            let node = self.node(index);
            let label = node.label as usize;
            sums[label].0 += node.own;
            if active[label] == 0 {
                sums[label].1 += node.total;
            }
            active[label] += 1;
            outer.push((depth, label));
            ahead.extend(node.children.iter().map(|&child| (child, depth + 1)));
        }
        let named = self.labels.all().zip(sums).map(|(label, (own, total))| (label, own, total));
        let mut functions: Vec<_> = named.filter(|&(_, _, total)| total > 0).collect();
        functions.sort_by(|a, b| (b.1, b.2, a.0).cmp(&(a.1, a.2, b.0)));
        functions
    }
}

/// The index of a node or label. There are at most [`MAX_NODES`] nodes.
pub(super) fn narrow(index: usize) -> u32 {
    debug_assert!(index <= 2 * MAX_NODES);
    index as u32
}
