//! The path of each sample through a view, from the outermost frame inwards.

use std::collections::HashMap;

use regex::Regex;

use super::labels::Labels;
use super::model::Profile;
use super::sample::{At, Sample};
use super::view::View;
use crate::symbolize::{Text, hidden};

/// A frame on a path, or an entry in the place of one: a thread, a tag or a remark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// The number of its label in `Labels`.
    pub label: u32,
    /// The position of the frame; `None` for other entries.
    pub at: Option<At>,
}

/// Builds paths. Their labels are in `Labels`.
pub(super) struct Paths<'p> {
    profile: &'p Profile,
    view: &'p View,
    threads: HashMap<u32, &'p str>,
    /// Labels of function names that are already known.
    known: HashMap<Text, u32>,
    filter: Option<Matches<'p>>,
    hide: Option<Matches<'p>>,
    path: Vec<Step>,
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

    /// The path of a sample, outermost first; `None` if the view leaves it out.
    pub(super) fn of(&mut self, sample: &Sample, to: &mut Labels) -> Option<&[Step]> {
        self.path.clear();
        self.roots(sample, to);
        let first = self.path.len();
        self.frames(sample, to);
        if self.view.reverse {
            self.path[first..].reverse();
        }
        if let Some(filter) = &mut self.filter
            && !self.path.iter().any(|step| filter.matches(step.label, to))
        {
            return None;
        }
        if let Some(hide) = &mut self.hide {
            self.path.retain(|step| !hide.matches(step.label, to));
            if self.path.is_empty() {
                self.path.push(remark("[hidden]", to));
            }
        }
        Some(&self.path)
    }

    /// Pushes thread, heap and tags.
    fn roots(&mut self, sample: &Sample, to: &mut Labels) {
        let profile = self.profile;
        let mut push = |label: &str| self.path.push(remark(label, to));
        let bare = self.view.bare_paths;
        if self.view.per_thread && !bare && !sample.unattributed {
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
        for tag in profile.tag_path(if bare { 0 } else { sample.tag }) {
            match profile.tags.get(&tag) {
                Some((_, name)) => push(&format!("tag {name}")),
                None => push(&format!("tag #{tag}")),
            }
        }
    }

    fn frames(&mut self, sample: &Sample, to: &mut Labels) {
        if sample.unattributed {
            return self.path.push(remark("[unattributed]", to));
        }
        let stack = self.profile.stack(sample);
        if stack.truncated {
            self.path.push(remark("[truncated]", to));
        }
        let skipped = match self.view.show_internal {
            true => 0,
            false => hidden(stack.frames.iter().map(|frame| frame.origin)),
        };
        let shown = stack.frames.iter().zip(&stack.places).skip(skipped).rev();
        for (frame, &at) in shown {
            let name = || self.profile.symbols.text(frame.function);
            let label = *self.known.entry(frame.function).or_insert_with(|| to.label(name()));
            self.path.push(Step { label, at: Some(at) });
        }
        if sample.cut {
            self.path.push(remark("[cut: stack table full]", to));
        }
        if stack.frames.is_empty() && !stack.truncated && !sample.cut {
            self.path.push(remark("[no stack]", to));
        }
    }
}

fn remark(label: &str, to: &mut Labels) -> Step {
    Step { label: to.label(label), at: None }
}

/// The labels that match a pattern. The pattern is applied to each label once.
struct Matches<'p> {
    pattern: &'p Regex,
    known: HashMap<u32, bool>,
}

impl<'p> Matches<'p> {
    fn new(pattern: &'p Regex) -> Self {
        Matches { pattern, known: HashMap::new() }
    }

    fn matches(&mut self, label: u32, of: &Labels) -> bool {
        *self.known.entry(label).or_insert_with(|| self.pattern.is_match(of.text(label)))
    }
}
