//! A view: which part of a profile is shown, and how.

use std::collections::HashSet;

use memtrack_format::Kind;
use regex::Regex;

use super::metric::{Metric, Moment};
use super::model::Profile;
use super::parts::Thread;
use super::sample::Sample;
use super::suppressed;
use crate::{Error, loss, units};

/// The number of causes of losses that fit into a subtitle.
const LOSSES: usize = 3;

/// The selection and arrangement of one output.
#[derive(Clone, Debug)]
pub struct View {
    /// The metric that is shown.
    pub metric: Metric,
    /// The threads that are shown; all if empty.
    pub threads: HashSet<u32>,
    /// The tags whose samples are shown; all if empty.
    pub tags: HashSet<u32>,
    /// Whether the thread is the root frame.
    pub per_thread: bool,
    /// Whether paths have neither thread nor tags. Formats with fields for those use it.
    pub bare_paths: bool,
    /// Whether frames of the tracker and the allocator are shown.
    pub show_internal: bool,
    /// Whether the innermost frames are at the root.
    pub reverse: bool,
    /// Shows only stacks with a frame that matches.
    pub filter: Option<Regex>,
    /// Leaves out frames that match. Their values count for their callers.
    pub hide: Option<Regex>,
    /// The selected threads and tags in words, for subtitles.
    pub scope: Vec<String>,
}

impl View {
    /// The whole profile.
    #[must_use]
    pub fn new(metric: Metric) -> Self {
        View {
            metric,
            threads: HashSet::new(),
            tags: HashSet::new(),
            per_thread: false,
            bare_paths: false,
            show_internal: false,
            reverse: false,
            filter: None,
            hide: None,
            scope: Vec::new(),
        }
    }

    /// Selects the threads called `name`, or the thread with that id.
    ///
    /// # Errors
    /// Returns an error if there is none.
    pub fn add_thread(&mut self, profile: &Profile, name: &str) -> Result<(), Error> {
        let mut found: Vec<u32> = Vec::new();
        // Labels may differ between snapshots: one of the whole program has the id where a stage has only one
        // thread of that name.
        let numbered = |thread: &Thread| format!("{} #{}", thread.name, thread.id);
        let called =
            |thread: &&Thread| thread.name == name || thread.label == name || numbered(thread) == name;
        found.extend(profile.threads.iter().filter(called).map(|thread| thread.id));
        if found.is_empty()
            && let Ok(id) = name.parse::<u32>()
        {
            found.extend(profile.threads.iter().map(|thread| thread.id).filter(|&known| known == id));
        }
        if found.is_empty() {
            let names = profile.threads.iter().map(|thread| thread.label.as_str());
            return Err(Error::unknown("thread", name, names));
        }
        self.threads.extend(found);
        self.scope.push(format!("thread {name}"));
        Ok(())
    }

    /// Selects the tags called `name`, and all tags under them.
    ///
    /// # Errors
    /// Returns an error if there is none.
    pub fn add_tag(&mut self, profile: &Profile, name: &str) -> Result<(), Error> {
        let called: HashSet<u32> =
            profile.tags.iter().filter(|(_, tag)| tag.1 == name).map(|(&id, _)| id).collect();
        if called.is_empty() {
            let names = profile.tags.values().map(|tag| tag.1.as_str());
            return Err(Error::unknown("tag", name, names));
        }
        let under = |&&id: &&u32| profile.tag_path(id).iter().any(|tag| called.contains(tag));
        self.tags.extend(profile.tags.keys().filter(under));
        self.scope.push(format!("tag {name}"));
        Ok(())
    }

    /// Whether the view has a sample's thread and tag. Its frames are compared later, when they have names.
    #[must_use]
    pub fn has(&self, sample: &Sample) -> bool {
        (self.threads.is_empty() || self.threads.contains(&sample.thread))
            && (self.tags.is_empty() || self.tags.contains(&sample.tag))
    }

    /// The title: program, metric, sum.
    #[must_use]
    pub fn title(&self, profile: &Profile, total: u64) -> String {
        format!("{}: {} ({})", profile.program.name, self.metric.title(), self.metric.human(total))
    }

    /// The user's selections, in words.
    #[must_use]
    pub fn narrowed(&self) -> Vec<String> {
        let patterns = [("filter", &self.filter), ("hide", &self.hide)].into_iter();
        let patterns = patterns.filter_map(|(option, pattern)| Some((option, pattern.as_ref()?)));
        let patterns = patterns.map(|(option, pattern)| crate::clean::clean(&format!("{option} {pattern}")));
        self.scope.iter().cloned().chain(patterns).collect()
    }

    /// The facts that a reader needs beside the title: stage, selections, losses, and files that may differ
    /// from those that ran.
    #[must_use]
    pub fn subtitle(&self, profile: &Profile) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(stage) = profile.stages.first().filter(|_| profile.kind == Kind::Stage) {
            parts.push(match self.metric.moment() {
                Moment::Peak => format!("stage {} at its peak", stage.name),
                Moment::Run | Moment::End => {
                    format!("from the program's start to the end of stage {}", stage.name)
                }
            });
            if stage.figures.lost > 0 {
                parts.push(format!("lost: {} while it ran", units::things(stage.figures.lost, "event")));
            }
        }
        parts.extend(self.narrowed());
        if self.metric.moment() == Moment::End {
            parts.extend(suppressed::summary(&profile.suppressed));
        }
        parts.extend(loss::summary(&profile.losses, LOSSES));
        let modules = profile.symbols.sources().iter().zip(profile.modules.all());
        parts.extend(modules.filter_map(|(source, module)| {
            source.path.as_ref()?;
            let why = match source.doubt {
                _ if source.forced => "names of another build (--force)",
                Some(_) => "names may be wrong (no build id)",
                None => return None,
            };
            Some(format!("{}: {why}", module.name()))
        }));
        (!parts.is_empty()).then(|| parts.join(" · "))
    }
}
