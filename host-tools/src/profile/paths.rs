//! The path of each sample through a view, from the outermost frame inwards.

use std::collections::HashMap;

use memtrack_format::Node;
use regex::Regex;

use super::labels::Labels;
use super::model::{MAX_DEPTH, Profile};
use super::sample::{At, Sample};
use super::view::View;
use crate::Error;
use crate::hash::Map;
use crate::symbolize::{Frame, Text, hidden};

/// A frame on a path, or an entry in the place of one: a thread, a tag or a remark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// The number of its label in `Labels`.
    pub label: u32,
    /// The position of the frame; `None` for other entries.
    pub at: Option<At>,
}

/// A tree of paths. Node 0 is the empty path.
pub(super) trait Tree {
    /// The node of the path that has one step more than `at`.
    fn grow(&mut self, at: u32, step: Step) -> u32;
    /// Checks the size, after each path.
    ///
    /// # Errors
    /// Returns an error if the tree has become too large.
    fn check(&self) -> Result<(), Error>;
}

/// Builds paths as nodes of a tree.
///
/// Stacks share their outer frames, and so do their paths: the path of a stack node is that of its caller and one address more.
pub(super) struct Paths<'p, T> {
    profile: &'p Profile,
    view: &'p View,
    threads: HashMap<u32, &'p str>,
    pub(super) labels: Labels,
    pub(super) tree: T,
    /// Labels of function names that are already known.
    named: Map<Text, u32>,
    filter: Option<Matches<'p>>,
    hide: Option<Matches<'p>>,
    /// Thread, heap and tag of the last sample, and their steps.
    roots: Option<((u32, u32, u32, bool), Path)>,
    /// The number of times that the steps outside of the frames have changed, from 1.
    turn: u32,
    /// The path of each stack node that was last added to the tree.
    known: Vec<Known>,
    chain: Vec<u32>,
}

/// A path, or the outer part of one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Path {
    /// Its node in the tree. The tree has no hidden steps.
    node: u32,
    /// Whether a step matches the filter, hidden or not. Without a filter, each path is wanted.
    wanted: bool,
}

/// The path of a stack node.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The turn in which it was added; 0 if it never was.
    turn: u32,
    node: u32,
    wanted: bool,
    /// The number of addresses on the stack, at most [`MAX_DEPTH`].
    depth: u16,
}

const _: () = assert!(MAX_DEPTH <= u16::MAX as usize, "`Known` has a depth of 16 bits");

impl<'p, T: Tree> Paths<'p, T> {
    pub(super) fn new(profile: &'p Profile, view: &'p View, tree: T) -> Self {
        Paths {
            profile,
            view,
            threads: profile.threads.iter().map(|thread| (thread.id, thread.label.as_str())).collect(),
            labels: Labels::default(),
            tree,
            named: Map::default(),
            filter: view.filter.as_ref().map(Matches::new),
            hide: view.hide.as_ref().map(Matches::new),
            roots: None,
            turn: 0,
            known: vec![Known::default(); profile.nodes.len()],
            chain: Vec::new(),
        }
    }

    /// The samples of the view. Those with the same steps outside of their frames follow each other, because they share paths.
    pub(super) fn samples(&self) -> Vec<&'p Sample> {
        let mut samples: Vec<&Sample> =
            self.profile.samples.iter().filter(|sample| self.view.has(sample)).collect();
        let thread = |sample: &Sample| if self.view.per_thread { sample.thread } else { 0 };
        samples.sort_by_key(|sample| (thread(sample), sample.heap, sample.tag));
        samples
    }

    /// The path of a sample, outermost first; `None` if the view leaves it out.
    ///
    /// # Errors
    /// Returns an error if there are too many paths.
    pub(super) fn of(&mut self, sample: &Sample) -> Result<Option<u32>, Error> {
        let roots = self.roots(sample);
        let path = match self.view.reverse {
            _ if sample.unattributed => self.remark(roots, "[unattributed]"),
            _ if sample.node == Node::ROOT && !sample.cut => self.remark(roots, "[no stack]"),
            true => self.innermost_first(sample, roots),
            false => self.outermost_first(sample, roots),
        };
        self.tree.check()?;
        Ok(path.wanted.then(|| match path.node {
            0 if self.hide.is_some() => {
                let label = self.labels.label("[hidden]");
                self.tree.grow(0, Step { label, at: None })
            }
            node => node,
        }))
    }

    /// Adds a step to a path.
    fn step(&mut self, path: Path, step: Step) -> Path {
        let labels = &self.labels;
        let matches = |pattern: &mut Matches<'_>| pattern.matches(step.label, labels);
        let wanted = path.wanted || self.filter.as_mut().is_some_and(matches);
        let hidden = self.hide.as_mut().is_some_and(matches);
        Path { node: if hidden { path.node } else { self.tree.grow(path.node, step) }, wanted }
    }

    fn remark(&mut self, path: Path, text: &str) -> Path {
        let label = self.labels.label(text);
        self.step(path, Step { label, at: None })
    }

    /// The steps of thread, heap and tags.
    fn roots(&mut self, sample: &Sample) -> Path {
        let of = (sample.thread, sample.heap, sample.tag, sample.unattributed);
        if let Some((last, path)) = self.roots
            && last == of
        {
            return path;
        }
        let profile = self.profile;
        let View { bare_paths: bare, per_thread, .. } = *self.view;
        let thread = self.threads.get(&sample.thread).copied();
        let mut path = Path { node: 0, wanted: self.filter.is_none() };
        let mut push = |label: &str| path = self.remark(path, label);
        if per_thread && !bare && !sample.unattributed {
            match thread {
                Some(label) => push(label),
                None => push(&format!("thread #{}", sample.thread)),
            }
        }
        if sample.heap != 0 {
            match profile.heaps.get(&sample.heap) {
                Some(name) => push(&format!("[heap {name}]")),
                None => push(&format!("[heap #{}]", sample.heap)),
            }
        }
        for tag in profile.tag_path(if bare { 0 } else { sample.tag }) {
            match profile.tags.get(&tag) {
                Some((_, name)) => push(&format!("tag {name}")),
                None => push(&format!("tag #{tag}")),
            }
        }
        if self.roots.is_none_or(|(_, last)| last != path) {
            self.turn += 1;
        }
        self.roots = Some((of, path));
        path
    }

    fn outermost_first(&mut self, sample: &Sample, roots: Path) -> Path {
        let Shown { passed, first, inlined } = self.shown(sample);
        let mut chain = std::mem::take(&mut self.chain);
        chain.clear();
        let mut at = first;
        let mut start = None;
        while at >= Node::FIRST && passed + chain.len() < MAX_DEPTH {
            let known = self.known[at as usize];
            let has_all = inlined == 0 || !chain.is_empty();
            // A stack that is too deep lacks its outermost frames, so its path has another beginning.
            let fits = passed + chain.len() + usize::from(known.depth) <= MAX_DEPTH;
            if known.turn == self.turn && has_all && fits {
                start = Some(known);
                break;
            }
            chain.push(at);
            at = self.profile.nodes[at as usize].parent;
        }
        let is_shared = start.is_some() || at < Node::FIRST;
        let (mut path, mut depth) = match start {
            Some(known) => (Path { node: known.node, wanted: known.wanted }, known.depth),
            None if at == Node::ROOT => (roots, 0),
            None => (self.remark(roots, "[truncated]"), 0),
        };
        for &node in chain.iter().rev() {
            let left_out = if node == first { inlined } else { 0 };
            for index in (left_out..self.here(node).1.len()).rev() {
                path = self.frame(path, node, index);
            }
            depth += 1;
            if is_shared && left_out == 0 {
                let Path { node: of, wanted } = path;
                self.known[node as usize] = Known { turn: self.turn, node: of, wanted, depth };
            }
        }
        self.chain = chain;
        if sample.cut { self.cut(path) } else { path }
    }

    fn innermost_first(&mut self, sample: &Sample, roots: Path) -> Path {
        let Shown { passed, first, inlined } = self.shown(sample);
        let mut path = if sample.cut { self.cut(roots) } else { roots };
        let mut at = first;
        for depth in passed..MAX_DEPTH {
            if at < Node::FIRST {
                break;
            }
            for index in if depth == passed { inlined } else { 0 }..self.here(at).1.len() {
                path = self.frame(path, at, index);
            }
            at = self.profile.nodes[at as usize].parent;
        }
        if at == Node::ROOT { path } else { self.remark(path, "[truncated]") }
    }

    fn cut(&mut self, path: Path) -> Path {
        self.remark(path, "[cut: stack table full]")
    }

    /// The index of a stack node's location, and the frames there, innermost first.
    fn here(&self, node: u32) -> (u32, &'p [Frame]) {
        let location = self.profile.nodes[node as usize].location;
        (location, &self.profile.symbols.locations()[location as usize].frames)
    }

    /// Adds a frame of a stack node to a path.
    fn frame(&mut self, path: Path, node: u32, index: usize) -> Path {
        let (location, frames) = self.here(node);
        let function = frames[index].function;
        let name = || self.profile.symbols.text(function);
        let label = *self.named.entry(function).or_insert_with(|| self.labels.label(name()));
        let inlined = u32::try_from(index).unwrap_or(u32::MAX);
        self.step(path, Step { label, at: Some(At { location, inlined }) })
    }

    /// Where the frames begin that the view shows.
    fn shown(&self, sample: &Sample) -> Shown {
        let mut shown = Shown { passed: 0, first: sample.node, inlined: 0 };
        if self.view.show_internal {
            return shown;
        }
        let up = |&node: &u32| Some(self.profile.nodes[node as usize].parent);
        let nodes = std::iter::successors(Some(sample.node), up);
        let nodes = nodes.take_while(|&node| node >= Node::FIRST).take(MAX_DEPTH);
        shown.inlined = hidden(nodes.clone().flat_map(|node| self.here(node).1).map(|frame| frame.origin));
        for node in nodes {
            shown.first = node;
            let frames = self.here(node).1.len();
            if shown.inlined < frames {
                break;
            }
            shown.inlined -= frames;
            shown.passed += 1;
        }
        shown
    }
}

/// The innermost frame of a stack that a view shows.
struct Shown {
    /// The number of stack nodes inside of it, none of whose frames are shown.
    passed: usize,
    /// Its stack node.
    first: u32,
    /// The number of frames inside of it at the same node.
    inlined: usize,
}

/// The labels that match a pattern. The pattern is applied to each label once.
struct Matches<'p> {
    pattern: &'p Regex,
    known: Map<u32, bool>,
}

impl<'p> Matches<'p> {
    fn new(pattern: &'p Regex) -> Self {
        Matches { pattern, known: Map::default() }
    }

    fn matches(&mut self, label: u32, of: &Labels) -> bool {
        *self.known.entry(label).or_insert_with(|| self.pattern.is_match(of.text(label)))
    }
}
