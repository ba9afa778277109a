//! Formats: each a small file over the model.

pub mod folded;
pub mod svg;
pub mod text;

use std::io::{self, Write};
use std::path::Path;

use crate::Error;
use crate::profile::{Profile, View};

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Folded stacks, one a line.
    Folded,
    /// A flame graph.
    Svg,
    /// Tables and a tree for the terminal.
    Text,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 3] = [Format::Folded, Format::Svg, Format::Text];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Folded => "folded",
            Format::Svg => "svg",
            Format::Text => "text",
        }
    }

    /// The format that a file's extension asks for.
    ///
    /// # Errors
    /// When it asks for none.
    pub fn of(path: &Path) -> Result<Self, Error> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("folded" | "collapsed" | "stacks") => Ok(Format::Folded),
            Some("svg") => Ok(Format::Svg),
            Some("txt" | "text") => Ok(Format::Text),
            _ => Err(Error::UnknownFormat { path: path.into() }),
        }
    }
}

/// How to draw it.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// The title, instead of one made from program and metric.
    pub title: Option<String>,
    /// Frames narrower than this share of the whole are left to their callers.
    pub min_percent: Option<f64>,
    /// The colours of a graph.
    pub palette: svg::Palette,
}

/// Writes a view in a format.
///
/// # Errors
/// [`Error`] when the view can't be shown, an [`io::Error`] inside when it can't be written.
pub fn write(
    format: Format,
    profile: &Profile,
    view: &View,
    style: &Style,
    out: &mut dyn Write,
) -> Result<io::Result<()>, Error> {
    let flame = view.flame(profile)?;
    Ok(match format {
        Format::Folded => folded::write(flame, style, out),
        Format::Svg => svg::write(flame, profile, view, style, out),
        Format::Text => text::write(flame, profile, view, style, out),
    })
}
