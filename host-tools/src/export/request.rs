//! The input of a writer: a profile, a view of it, and the look of the output.

use super::style::Style;
use crate::Error;
use crate::profile::stacks::{Split, Stacks};
use crate::profile::{Flame, Profile, View};

/// The input of a writer.
pub(super) struct Request<'r> {
    pub(super) profile: &'r Profile,
    pub(super) view: &'r View,
    pub(super) style: &'r Style,
    /// Whether stacks of different threads and tags stay apart.
    pub(super) split: Split,
}

impl Request<'_> {
    /// The tree of frames, with one metric.
    pub(super) fn flame(&self) -> Result<Flame, Error> {
        self.view.flame(self.profile)
    }

    /// The stacks, with all metrics.
    pub(super) fn stacks(&self) -> Result<Stacks<'_>, Error> {
        Stacks::new(self.profile, self.view, self.split)
    }

    /// The title above some stacks.
    pub(super) fn title(&self, stacks: &Stacks<'_>) -> String {
        self.style.title(self.profile, self.view, stacks.total(self.view.metric))
    }

    /// The view with the innermost frames at the root.
    pub(super) fn innermost_first(&self) -> View {
        View { reverse: true, ..self.view.clone() }
    }

    /// The view with the outermost frames at the root.
    pub(super) fn outermost_first(&self) -> View {
        View { reverse: false, ..self.view.clone() }
    }
}
