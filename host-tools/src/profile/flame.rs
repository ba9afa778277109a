//! A tree of frames with sums. Every graph and table of stacks is made from it.

mod around;
mod build;

use super::labels::Labels;
use super::paths::Paths;
use super::{Profile, View};
use crate::Error;
pub use around::Around;
use build::Builder;

/// The most frames in a tree. A real profile has far fewer; a hostile dump may have more than fit into
/// memory.
const MAX_NODES: usize = 1 << 25;

/// A tree of frames.
pub struct Flame {
    labels: Labels,
    /// Node 0 is the root, without a label.
    nodes: Vec<FlameNode>,
}

/// A frame under its callers.
#[derive(Clone, Debug, Default)]
pub struct FlameNode {
    label: u32,
    parent: u32,
    /// The value of this frame itself.
    pub own: u64,
    /// The value of this frame and its callees.
    pub total: u64,
    /// Its callees, by name.
    pub children: Vec<u32>,
}

impl Flame {
    pub(super) fn new(profile: &Profile, view: &View) -> Result<Self, Error> {
        let mut paths = Paths::new(profile, view);
        let mut labels = Labels::default();
        let mut builder = Builder::new();
        let mut total = 0u128;
        for sample in profile.samples.iter().filter(|sample| view.has(sample)) {
            let value = view.metric.of(&sample.figures);
            if value > 0
                && let Some(path) = paths.of(sample, &mut labels)
            {
                total += u128::from(value);
                builder.add(path.iter().map(|step| step.label), value)?;
            }
        }
        if u64::try_from(total).is_err() {
            return Err(Error::Figures { metric: view.metric.title() });
        }
        Ok(builder.finish(labels))
    }

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
fn narrow(index: usize) -> u32 {
    debug_assert!(index <= 2 * MAX_NODES);
    index as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flame(stacks: &[(&str, u64)]) -> Flame {
        let mut labels = Labels::default();
        let mut builder = Builder::new();
        for (stack, value) in stacks {
            builder.add(stack.split(';').map(|label| labels.label(label)), *value).expect("small");
        }
        builder.finish(labels)
    }

    fn lines(flame: &Flame) -> Vec<String> {
        let mut lines = Vec::new();
        let visited: Result<(), ()> = flame.visit(|path, node| {
            lines.push(format!("{} {} {}", path.join(";"), node.own, node.total));
            Ok(())
        });
        visited.expect("nothing fails");
        lines
    }

    #[test]
    fn siblings_are_sorted_and_sums_go_up() {
        let flame = flame(&[("b", 1), ("a;z", 2), ("a;c", 3), ("a", 4), ("a;z", 5)]);
        assert_eq!(lines(&flame), ["a 4 14", "a;c 3 3", "a;z 7 7", "b 1 1"]);
        assert_eq!(flame.root().total, 15);
    }

    #[test]
    fn pruning_keeps_the_sum() {
        let mut flame = flame(&[("a;b;c", 5), ("a;b", 5), ("a;x", 80), ("d", 4), ("e;f", 6)]);
        flame.prune(9.0);
        assert_eq!(lines(&flame), ["a 0 90", "a;b 10 10", "a;x 80 80", "[other] 10 10"]);
        assert_eq!(flame.root().total, 100);
    }

    #[test]
    fn the_largest_come_first_when_asked_for() {
        let mut flame = flame(&[("b;y", 1), ("b;x", 1), ("b;z", 5), ("a", 4)]);
        flame.sort_by_size();
        assert_eq!(lines(&flame), ["b 0 7", "b;z 5 5", "b;x 1 1", "b;y 1 1", "a 4 4"]);
    }

    #[test]
    fn a_function_that_calls_itself_counts_once() {
        let flame = flame(&[("f;g;f;g", 1), ("f;f", 2), ("g", 4), ("f;h", 8), ("h;f", 16)]);
        let functions = flame.functions();
        assert_eq!(functions, [("f", 18, 27), ("h", 8, 24), ("g", 5, 5)]);
    }

    #[test]
    fn callers_and_callees_add_up_to_the_function() {
        let flame = flame(&[("f;g;f;g", 1), ("f;f", 2), ("g", 4), ("f;h", 8), ("h;f", 16)]);
        let around = flame.around(|name| name == "f");
        let f = Around {
            name: "f",
            total: 27,
            own: 16,
            callers: vec![(Some("h"), 16), (None, 11)],
            callees: vec![("h", 8), ("f", 2), ("g", 1)],
        };
        assert_eq!(around, [f]);
        let names: Vec<_> = flame.around(|_| true).iter().map(|one| (one.name, one.total)).collect();
        assert_eq!(names, [("f", 27), ("h", 24), ("g", 5)]);
        assert!(flame.around(|_| false).is_empty());
    }

    #[test]
    fn an_empty_tree_has_a_root() {
        let mut flame = flame(&[]);
        flame.prune(50.0);
        assert_eq!((flame.root().total, lines(&flame).len(), flame.functions().len()), (0, 0, 0));
    }
}
