//! How a view is drawn.

use regex::Regex;

use super::palette::Palette;
use crate::clean::clean;
use crate::profile::{Profile, View};

/// How to draw it.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// The title, instead of one made from program and metric.
    pub title: Option<String>,
    /// Frames narrower than this share of the whole are left to their callers.
    pub min_percent: Option<f64>,
    /// The colours of a graph.
    pub palette: Palette,
    /// A line under the title, before what a reader must know.
    pub subtitle: Option<String>,
    /// The root at the top of a graph.
    pub inverted: bool,
    /// Rows of the text's table of functions; [`TOP`](super::text::TOP) when `None`.
    pub top: Option<usize>,
    /// Instead of the text's tables, those of the callers and callees of the functions that match.
    pub peek: Option<Regex>,
}

impl Style {
    /// The title of a view.
    pub(super) fn title(&self, profile: &Profile, view: &View, total: u64) -> String {
        self.title.as_deref().map_or_else(|| view.title(profile, total), clean)
    }

    /// What stands under the title.
    #[must_use]
    pub fn subtitle(&self, of_view: Option<String>) -> Option<String> {
        let parts: Vec<String> = self.subtitle.as_deref().map(clean).into_iter().chain(of_view).collect();
        (!parts.is_empty()).then(|| parts.join(" · "))
    }
}
