//! Samples become a tree of frames with sums: what every graph and table of stacks is drawn from.

use std::collections::HashMap;

use indexmap::IndexSet;
use regex::Regex;

use super::{Profile, Sample, View};
use crate::Error;
use crate::symbolize::{Text, hidden};

/// Most frames of a tree. A real profile has far fewer; a hostile dump may ask for more than fit into memory.
const MAX_NODES: usize = 1 << 25;

/// A tree of frames.
pub struct Flame {
    labels: IndexSet<String>,
    /// Node 0 is the root, without a label.
    nodes: Vec<FlameNode>,
}

/// A frame under its callers.
#[derive(Clone, Debug, Default)]
pub struct FlameNode {
    label: usize,
    parent: usize,
    /// What this frame counts itself.
    pub own: u64,
    /// What it and its callees count.
    pub total: u64,
    /// Its callees, by name.
    pub children: Vec<usize>,
}

impl Flame {
    pub(super) fn new(profile: &Profile, view: &View) -> Result<Self, Error> {
        let mut builder = Builder::new(profile, view);
        let mut total = 0u128;
        for sample in profile.samples.iter().filter(|sample| view.has(sample)) {
            let value = view.metric.of(&sample.figures);
            if value > 0 && builder.path(sample) {
                total += u128::from(value);
                builder.add(value)?;
            }
        }
        if u64::try_from(total).is_err() {
            return Err(Error::Figures { metric: view.metric.title() });
        }
        Ok(builder.finish())
    }

    /// The root: its total is the sum of everything.
    #[must_use]
    pub fn root(&self) -> &FlameNode {
        &self.nodes[0]
    }

    /// A node.
    #[must_use]
    pub fn node(&self, index: usize) -> &FlameNode {
        &self.nodes[index]
    }

    /// The name of a node's frame.
    #[must_use]
    pub fn label(&self, node: &FlameNode) -> &str {
        self.labels.get_index(node.label).map_or("", String::as_str)
    }

    /// Visits every node but the root, callers before callees, siblings by name; `enter` gets the path of labels
    /// and says whether to go on to the callees.
    pub fn visit<'f, E>(
        &'f self,
        mut enter: impl FnMut(&[&'f str], &'f FlameNode) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut path = Vec::new();
        let mut ahead: Vec<(usize, usize)> =
            self.root().children.iter().rev().map(|&child| (child, 0)).collect();
        while let Some((index, depth)) = ahead.pop() {
            let node = &self.nodes[index];
            path.truncate(depth);
            path.push(self.label(node));
            if enter(&path, node)? {
                ahead.extend(node.children.iter().rev().map(|&child| (child, depth + 1)));
            }
        }
        Ok(())
    }

    /// Takes frames that hold less than a share of the whole into their callers, and outermost ones into
    /// `[other]`. The sum stays the same.
    pub fn prune(&mut self, min_percent: f64) {
        let least = self.root().total as f64 * min_percent / 100.0;
        for index in 0..self.nodes.len() {
            let children = std::mem::take(&mut self.nodes[index].children);
            let (small, large): (Vec<usize>, Vec<usize>) =
                children.into_iter().partition(|&child| (self.nodes[child].total as f64) < least);
            let taken: u64 = small.iter().map(|&child| self.nodes[child].total).sum();
            self.nodes[index].own += taken;
            self.nodes[index].children = large;
        }
        let others = std::mem::take(&mut self.nodes[0].own);
        if others > 0 {
            let label = self.labels.insert_full("[other]".into()).0;
            self.nodes.push(FlameNode { label, own: others, total: others, ..FlameNode::default() });
            let last = self.nodes.len() - 1;
            self.nodes[0].children.push(last);
        }
    }

    /// For each function what it counts itself and with its callees (once where it calls itself), the largest
    /// first.
    #[must_use]
    pub fn functions(&self) -> Vec<(&str, u64, u64)> {
        let mut sums = vec![(0u64, 0u64); self.labels.len()];
        let mut outer: Vec<(usize, usize)> = Vec::new();
        let mut active = vec![0usize; self.labels.len()];
        let mut ahead: Vec<(usize, usize)> = self.root().children.iter().map(|&child| (child, 0)).collect();
        while let Some((index, depth)) = ahead.pop() {
            while let Some((_, left)) = outer.pop_if(|&mut (at, _)| at >= depth) {
                active[left] -= 1;
            }
            let node = &self.nodes[index];
            sums[node.label].0 += node.own;
            if active[node.label] == 0 {
                sums[node.label].1 += node.total;
            }
            active[node.label] += 1;
            outer.push((depth, node.label));
            ahead.extend(node.children.iter().map(|&child| (child, depth + 1)));
        }
        let named = self.labels.iter().zip(sums).map(|(label, (own, total))| (label.as_str(), own, total));
        let mut functions: Vec<_> = named.filter(|&(_, _, total)| total > 0).collect();
        functions.sort_by(|a, b| (b.1, b.2, a.0).cmp(&(a.1, a.2, b.0)));
        functions
    }
}

struct Builder<'p> {
    profile: &'p Profile,
    view: &'p View,
    flame: Flame,
    ids: HashMap<(usize, usize), usize>,
    /// Labels of function names that were met before.
    known: HashMap<Text, usize>,
    /// Whether labels match the view's patterns, as far as asked.
    filtered: HashMap<usize, bool>,
    hidden: HashMap<usize, bool>,
    /// The path of the sample at hand, outermost first.
    path: Vec<usize>,
}

impl<'p> Builder<'p> {
    fn new(profile: &'p Profile, view: &'p View) -> Self {
        let flame = Flame { labels: IndexSet::from([String::new()]), nodes: vec![FlameNode::default()] };
        Builder {
            profile,
            view,
            flame,
            ids: HashMap::new(),
            known: HashMap::new(),
            filtered: HashMap::new(),
            hidden: HashMap::new(),
            path: Vec::new(),
        }
    }

    /// Finds the path of a sample; `false` when the view leaves it out.
    fn path(&mut self, sample: &Sample) -> bool {
        self.path.clear();
        self.roots(sample);
        let first = self.path.len();
        self.frames(sample);
        if self.view.reverse {
            self.path[first..].reverse();
        }
        if let Some(filter) = &self.view.filter {
            let labels = &self.flame.labels;
            let known = &mut self.filtered;
            if !self.path.iter().any(|&label| matches(filter, labels, known, label)) {
                return false;
            }
        }
        if let Some(hide) = &self.view.hide {
            let labels = &self.flame.labels;
            let known = &mut self.hidden;
            self.path.retain(|&label| !matches(hide, labels, known, label));
            if self.path.is_empty() {
                self.push("[hidden]");
            }
        }
        true
    }

    /// Thread, heap and tags.
    fn roots(&mut self, sample: &Sample) {
        let profile = self.profile;
        if self.view.per_thread && !sample.unattributed {
            match profile.threads.iter().find(|thread| thread.id == sample.thread) {
                Some(thread) => self.push(&thread.label),
                None => self.push(&format!("thread #{}", sample.thread)),
            }
        }
        if sample.heap != 0 {
            match profile.heaps.get(&sample.heap) {
                Some(name) => self.push(&format!("[heap {name}]")),
                None => self.push(&format!("[heap #{}]", sample.heap)),
            }
        }
        for tag in profile.tag_path(sample.tag) {
            match profile.tags.get(&tag) {
                Some((_, name)) => self.push(&format!("tag {name}")),
                None => self.push(&format!("tag #{tag}")),
            }
        }
    }

    fn frames(&mut self, sample: &Sample) {
        if sample.unattributed {
            return self.push("[unattributed]");
        }
        let stack = self.profile.stack(sample);
        if stack.truncated {
            self.push("[truncated]");
        }
        let skipped = match self.view.show_internal {
            true => 0,
            false => hidden(stack.frames.iter().map(|frame| frame.origin)),
        };
        for frame in stack.frames[skipped..].iter().rev() {
            let text = frame.function;
            let label = match self.known.get(&text) {
                Some(&label) => label,
                None => {
                    let name = self.profile.symbols.text(text);
                    let label = self.flame.labels.insert_full(name.into()).0;
                    self.known.insert(text, label);
                    label
                }
            };
            self.path.push(label);
        }
        if sample.cut {
            self.push("[cut: stack table full]");
        }
        if stack.frames.is_empty() && !stack.truncated && !sample.cut {
            self.push("[no stack]");
        }
    }

    fn push(&mut self, label: &str) {
        let label = match self.flame.labels.get_index_of(label) {
            Some(known) => known,
            None => self.flame.labels.insert_full(label.into()).0,
        };
        self.path.push(label);
    }

    /// Books a value on the path.
    fn add(&mut self, value: u64) -> Result<(), Error> {
        let mut at = 0;
        for &label in &self.path {
            let nodes = &mut self.flame.nodes;
            at = *self.ids.entry((at, label)).or_insert_with(|| {
                nodes.push(FlameNode { label, parent: at, ..FlameNode::default() });
                nodes.len() - 1
            });
        }
        // The sum of all is checked in the end.
        self.flame.nodes[at].own = self.flame.nodes[at].own.wrapping_add(value);
        if self.flame.nodes.len() > MAX_NODES { Err(Error::TooManyFrames) } else { Ok(()) }
    }

    fn finish(mut self) -> Flame {
        let nodes = &mut self.flame.nodes;
        for index in (0..nodes.len()).rev() {
            // Children come after their parents: this one's are complete.
            nodes[index].total = nodes[index].total.wrapping_add(nodes[index].own);
            if index > 0 {
                let (total, parent) = (nodes[index].total, nodes[index].parent);
                nodes[parent].total = nodes[parent].total.wrapping_add(total);
                nodes[parent].children.push(index);
            }
        }
        let labels = &self.flame.labels;
        let names: Vec<&str> =
            nodes.iter().map(|node| labels.get_index(node.label).map_or("", String::as_str)).collect();
        for node in nodes.iter_mut() {
            node.children.sort_by_key(|&child| names[child]);
        }
        self.flame
    }
}

fn matches(
    pattern: &Regex,
    labels: &IndexSet<String>,
    known: &mut HashMap<usize, bool>,
    label: usize,
) -> bool {
    let text = || labels.get_index(label).map_or("", String::as_str);
    *known.entry(label).or_insert_with(|| pattern.is_match(text()))
}
