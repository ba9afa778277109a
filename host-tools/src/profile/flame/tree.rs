//! A tree of frames with sums.

use crate::profile::labels::Labels;
use crate::profile::prefixes::narrow;

/// A tree of frames.
pub struct Flame {
    pub(super) labels: Labels,
    /// Node 0 is the root, without a label.
    pub(super) nodes: Vec<FlameNode>,
    /// The callees of all nodes, those of one node behind each other.
    pub(super) sorted: Vec<u32>,
}

/// A frame under its callers.
#[derive(Clone, Debug, Default)]
pub struct FlameNode {
    pub(super) label: u32,
    /// The value of this frame itself.
    pub own: u64,
    /// The value of this frame and its callees.
    pub total: u64,
    /// Where its callees begin in [`Flame::sorted`].
    pub(super) first: u32,
    /// The number of its callees.
    pub(super) children: u32,
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

    /// The callees of a node: by name, or by size after [`Flame::sort_by_size`].
    #[must_use]
    pub fn children(&self, node: &FlameNode) -> &[u32] {
        &self.sorted[node.callees()]
    }

    /// The names of all frames, by number.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.labels.all()
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
            self.children(self.root()).iter().rev().map(|&child| (child, 0)).collect();
        while let Some((index, depth)) = ahead.pop() {
            let node = self.node(index);
            path.truncate(depth);
            path.push(self.label(node));
            enter(&path, node)?;
            ahead.extend(self.children(node).iter().rev().map(|&child| (child, depth + 1)));
        }
        Ok(())
    }

    /// Sorts callees by size, the largest first.
    pub fn sort_by_size(&mut self) {
        let Flame { nodes, sorted, .. } = self;
        for node in nodes.iter() {
            // The sort is stable: equal ones stay in the order of their names.
            sorted[node.callees()].sort_by_key(|&child| std::cmp::Reverse(nodes[child as usize].total));
        }
    }

    /// Removes frames whose share of the total is too small. Their values count for their callers, and those
    /// of outermost frames for a new frame `[other]`. The total stays the same.
    pub fn prune(&mut self, min_percent: f64) {
        let least = self.root().total as f64 * min_percent / 100.0;
        let is_small = |node: &FlameNode| (node.total as f64) < least;
        for index in 0..self.nodes.len() {
            let node = &self.nodes[index];
            if node.children == 0 {
                continue;
            }
            let callees = &mut self.sorted[node.callees()];
            // The sort is stable: the large ones stay in the order of their names.
            callees.sort_by_key(|&child| is_small(&self.nodes[child as usize]));
            let large = callees.partition_point(|&child| !is_small(&self.nodes[child as usize]));
            let taken: u64 = callees[large..].iter().map(|&child| self.nodes[child as usize].total).sum();
            self.nodes[index].children = narrow(large);
            self.nodes[index].own += taken;
        }
        let others = std::mem::take(&mut self.nodes[0].own);
        if others > 0 {
            let label = self.labels.label("[other]");
            let last = narrow(self.nodes.len());
            self.nodes.push(FlameNode { label, own: others, total: others, ..FlameNode::default() });
            // The root's callees move to the end, where there is room for one more.
            let callees = self.nodes[0].callees();
            self.nodes[0].first = narrow(self.sorted.len());
            self.nodes[0].children += 1;
            self.sorted.extend_from_within(callees);
            self.sorted.push(last);
        }
    }

    /// The value of each function itself and with its callees, the largest first. A function that calls
    /// itself counts once.
    #[must_use]
    pub fn functions(&self) -> Vec<(&str, u64, u64)> {
        let mut sums = vec![(0u64, 0u64); self.labels.len()];
        let mut outer: Vec<(usize, usize)> = Vec::new();
        let mut active = vec![0usize; self.labels.len()];
        let mut ahead: Vec<(u32, usize)> =
            self.children(self.root()).iter().map(|&child| (child, 0)).collect();
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
            ahead.extend(self.children(node).iter().map(|&child| (child, depth + 1)));
        }
        let named = self.labels.all().zip(sums).map(|(label, (own, total))| (label, own, total));
        let mut functions: Vec<_> = named.filter(|&(_, _, total)| total > 0).collect();
        functions.sort_by(|a, b| (b.1, b.2, a.0).cmp(&(a.1, a.2, b.0)));
        functions
    }
}

impl FlameNode {
    /// The place of its callees in [`Flame::sorted`].
    fn callees(&self) -> std::ops::Range<usize> {
        self.first as usize..(self.first + self.children) as usize
    }

    /// The number of its name in [`Flame::names`].
    #[must_use]
    pub fn name(&self) -> usize {
        self.label as usize
    }
}
