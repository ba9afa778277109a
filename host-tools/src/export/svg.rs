//! Flame graphs, which inferno draws.

use std::io::{self, Write};

use inferno::flamegraph::{self, Direction, Options};

use super::folded;
use super::style::Style;
use crate::profile::{Flame, Metric, Profile, View};

/// Frames below this share would be narrower than a tenth of a pixel.
pub(crate) const MIN_PERCENT: f64 = 0.01;

/// Draws the graph.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(
    mut flame: Flame,
    profile: &Profile,
    view: &View,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut options = Options::default();
    options.title = style.title(profile, view, flame.root().total);
    options.subtitle = style.subtitle(view.subtitle(profile));
    options.direction = direction(style);
    options.count_name = view.metric.unit().into();
    options.colors = style.palette.row().colors;
    // The colours are the same every time. Small frames have been removed already.
    options.deterministic = true;
    options.min_width = 0.0;
    flame.prune(style.min_percent.unwrap_or(MIN_PERCENT));
    let mut lines: Vec<String> = Vec::new();
    folded::lines(&flame, |line| {
        lines.push(line.into());
        Ok::<(), io::Error>(())
    })?;
    if lines.is_empty() {
        return empty(&options, view.metric, out);
    }
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), out)
}

/// The direction in which the graph grows.
pub(crate) fn direction(style: &Style) -> Direction {
    if style.inverted { Direction::Inverted } else { Direction::Straight }
}

/// Draws a graph without frames. A program without leaks, or without temporary blocks, is a result and not an error.
pub(crate) fn empty(options: &Options<'_>, metric: Metric, out: &mut dyn Write) -> io::Result<()> {
    let text = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    writeln!(
        out,
        r##"<?xml version="1.0" encoding="UTF-8"?>
<svg version="1.1" width="1200" height="100" viewBox="0 0 1200 100" xmlns="http://www.w3.org/2000/svg">
<rect width="100%" height="100%" fill="#f8f8f8"/>
<g font-family="monospace" text-anchor="middle">
<text x="600" y="30" font-size="17">{}</text>
<text x="600" y="54" font-size="12">{}</text>
<text x="600" y="78" font-size="12">no {}</text>
</g>
</svg>"##,
        text(&options.title),
        text(options.subtitle.as_deref().unwrap_or_default()),
        text(metric.title())
    )
}
