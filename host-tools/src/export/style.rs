//! The look of an output.

use regex::Regex;

use super::palette::Palette;
use crate::clean::clean;
use crate::profile::{Profile, View};

/// The look of an output.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// The title; `None` for a title with program and metric.
    pub title: Option<String>,
    /// Frames below this share of the whole are merged into their callers.
    pub min_percent: Option<f64>,
    /// The colours of a graph.
    pub palette: Palette,
    /// A line under the title, in front of the remarks about the view.
    pub subtitle: Option<String>,
    /// Whether the root of a graph is at the top.
    pub inverted: bool,
    /// The number of rows in the text's table of functions; `None` means [`TOP`](super::text::TOP).
    pub top: Option<usize>,
    /// Shows the callers and callees of the functions that match, instead of the usual text.
    pub peek: Option<Regex>,
}

impl Style {
    /// The title of a view.
    pub(super) fn title(&self, profile: &Profile, view: &View, total: u64) -> String {
        self.title.as_deref().map_or_else(|| view.title(profile, total), clean)
    }

    /// The line under the title.
    #[must_use]
    pub fn subtitle(&self, of_view: Option<String>) -> Option<String> {
        let parts: Vec<String> = self.subtitle.as_deref().map(clean).into_iter().chain(of_view).collect();
        (!parts.is_empty()).then(|| parts.join(" · "))
    }
}
