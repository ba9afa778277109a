//! The path of each sample from the outermost frame inwards, as a view shows it.

use std::collections::HashMap;

use regex::Regex;

use super::build::Builder;
use crate::profile::{Profile, Sample, View};
use crate::symbolize::{Text, hidden};

/// Finds paths. Labels stand in a [`Builder`].
pub(super) struct Paths<'p> {
    profile: &'p Profile,
    view: &'p View,
    threads: HashMap<u32, &'p str>,
    /// Labels of function names that were met before.
    known: HashMap<Text, u32>,
    filter: Option<Matches<'p>>,
    hide: Option<Matches<'p>>,
    path: Vec<u32>,
}

impl<'p> Paths<'p> {
    pub(super) fn new(profile: &'p Profile, view: &'p View) -> Self {
        Paths {
            profile,
            view,
            threads: profile.threads.iter().map(|thread| (thread.id, thread.label.as_str())).collect(),
            known: HashMap::new(),
            filter: view.filter.as_ref().map(Matches::new),
            hide: view.hide.as_ref().map(Matches::new),
            path: Vec::new(),
        }
    }

    /// The path of a sample, outermost first; `None` when the view leaves it out.
    pub(super) fn of(&mut self, sample: &Sample, to: &mut Builder) -> Option<&[u32]> {
        self.path.clear();
        self.roots(sample, to);
        let first = self.path.len();
        self.frames(sample, to);
        if self.view.reverse {
            self.path[first..].reverse();
        }
        if let Some(filter) = &mut self.filter
            && !self.path.iter().any(|&label| filter.matches(label, to))
        {
            return None;
        }
        if let Some(hide) = &mut self.hide {
            self.path.retain(|&label| !hide.matches(label, to));
            if self.path.is_empty() {
                self.path.push(to.label("[hidden]"));
            }
        }
        Some(&self.path)
    }

    /// Thread, heap and tags.
    fn roots(&mut self, sample: &Sample, to: &mut Builder) {
        let profile = self.profile;
        let mut push = |label: &str| self.path.push(to.label(label));
        if self.view.per_thread && !sample.unattributed {
            match self.threads.get(&sample.thread) {
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
        for tag in profile.tag_path(sample.tag) {
            match profile.tags.get(&tag) {
                Some((_, name)) => push(&format!("tag {name}")),
                None => push(&format!("tag #{tag}")),
            }
        }
    }

    fn frames(&mut self, sample: &Sample, to: &mut Builder) {
        if sample.unattributed {
            return self.path.push(to.label("[unattributed]"));
        }
        let stack = self.profile.stack(sample);
        if stack.truncated {
            self.path.push(to.label("[truncated]"));
        }
        let skipped = match self.view.show_internal {
            true => 0,
            false => hidden(stack.frames.iter().map(|frame| frame.origin)),
        };
        let shown = stack.frames[skipped..].iter().rev().map(|frame| frame.function);
        for function in shown {
            let name = || self.profile.symbols.text(function);
            self.path.push(*self.known.entry(function).or_insert_with(|| to.label(name())));
        }
        if sample.cut {
            self.path.push(to.label("[cut: stack table full]"));
        }
        if stack.frames.is_empty() && !stack.truncated && !sample.cut {
            self.path.push(to.label("[no stack]"));
        }
    }
}

/// Which labels match a pattern: each is asked once.
struct Matches<'p> {
    pattern: &'p Regex,
    known: HashMap<u32, bool>,
}

impl<'p> Matches<'p> {
    fn new(pattern: &'p Regex) -> Self {
        Matches { pattern, known: HashMap::new() }
    }

    fn matches(&mut self, label: u32, of: &Builder) -> bool {
        *self.known.entry(label).or_insert_with(|| self.pattern.is_match(of.text(label)))
    }
}
