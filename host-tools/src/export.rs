//! Formats: each a small file over the model.

pub mod csv;
pub mod dhat;
mod each;
pub mod firefox;
pub mod folded;
pub mod heaptrack;
pub mod html;
pub mod jemalloc;
pub mod json;
pub mod massif;
pub mod pprof;
pub mod speedscope;
pub mod svg;
pub mod text;

use std::io::{self, Write};
use std::path::Path;

use regex::Regex;

use crate::Error;
use crate::clean::clean;
use crate::profile::stacks::{Split, Stacks};
use crate::profile::{Profile, View};

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Folded stacks, one a line.
    Folded,
    /// A flame graph.
    Svg,
    /// A report for a browser.
    Html,
    /// Tables and a tree for the terminal.
    Text,
    /// Everything, for programs.
    Json,
    /// A row for each stack.
    Csv,
    /// For speedscope.
    Speedscope,
    /// For `go tool pprof` and all who read its files.
    Pprof,
    /// For `dh_view.html` and the Firefox Profiler.
    Dhat,
    /// For `ms_print` and massif-visualizer.
    Massif,
    /// For `heaptrack_print` and `heaptrack_gui`.
    Heaptrack,
    /// For the Firefox Profiler and `profiler-cli`.
    Firefox,
    /// For `jeprof`.
    Jemalloc,
}

/// Format, name on the command line, how names of files end.
type Row = (Format, &'static str, &'static [&'static str]);

/// Longer endings come before those that they end in.
const FORMATS: [Row; 13] = [
    (Format::Folded, "folded", &[".folded", ".collapsed", ".stacks"]),
    (Format::Svg, "svg", &[".svg"]),
    (Format::Html, "html", &[".html", ".htm"]),
    (Format::Text, "text", &[".txt", ".text"]),
    (Format::Speedscope, "speedscope", &[".speedscope.json", ".speedscope"]),
    (Format::Dhat, "dhat", &[".dhat.json", ".dhat"]),
    (Format::Firefox, "firefox", &[".firefox.json", ".profile.json"]),
    (Format::Json, "json", &[".json"]),
    (Format::Csv, "csv", &[".csv"]),
    (Format::Pprof, "pprof", &[".pb.gz", ".pb", ".pprof"]),
    (Format::Massif, "massif", &[".massif", "massif.out"]),
    (Format::Heaptrack, "heaptrack", &[".heaptrack"]),
    (Format::Jemalloc, "jemalloc", &[".heap"]),
];

impl Format {
    /// All of them.
    pub const ALL: [Format; FORMATS.len()] = {
        let mut all = [Format::Folded; FORMATS.len()];
        let mut index = 0;
        while index < all.len() {
            all[index] = FORMATS[index].0;
            index += 1;
        }
        all
    };

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// When it asks for none.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ends = |row: &&Row| row.2.iter().any(|ending| name.ends_with(ending));
        FORMATS.iter().find(ends).map(|row| row.0).ok_or_else(|| Error::UnknownFormat { path: path.into() })
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
    /// A line under the title, before what a reader must know.
    pub subtitle: Option<String>,
    /// The root at the top of a graph.
    pub inverted: bool,
    /// Rows of the text's table of functions; [`text::TOP`] when `None`.
    pub top: Option<usize>,
    /// Instead of the text's tables, those of the callers and callees of the functions that match.
    pub peek: Option<Regex>,
}

impl Style {
    /// The title of a view.
    fn title(&self, profile: &Profile, view: &View, total: u64) -> String {
        self.title.as_deref().map_or_else(|| view.title(profile, total), clean)
    }

    /// What stands under the title.
    #[must_use]
    pub fn subtitle(&self, of_view: Option<String>) -> Option<String> {
        let parts: Vec<String> = self.subtitle.as_deref().map(clean).into_iter().chain(of_view).collect();
        (!parts.is_empty()).then(|| parts.join(" · "))
    }
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
    let flame = || view.flame(profile);
    let stacks = |split| Stacks::new(profile, view, split);
    Ok(match format {
        Format::Folded => folded::write(flame()?, style, out),
        Format::Svg => svg::write(flame()?, profile, view, style, out),
        Format::Html => {
            let run = html::Run { profile, moments: &[], warnings: &[] };
            return html::write(&[(run, view)], &html::Start::default(), style, out);
        }
        Format::Text => match &style.peek {
            Some(pattern) => {
                // Who calls whom is not what is shown at the root.
                let flame = View { reverse: false, ..view.clone() }.flame(profile)?;
                text::peek(&flame, pattern, profile, view, style, out)?
            }
            None => text::write(flame()?, profile, view, style, out),
        },
        Format::Json => json::write(&stacks(Split::ByThread)?, profile, out),
        Format::Csv => csv::write(&stacks(Split::ByThread)?, profile, out),
        Format::Speedscope => {
            let stacks = stacks(Split::Merged)?;
            speedscope::write(&stacks, &style.title(profile, view, stacks.total(view.metric)), view, out)
        }
        Format::Pprof => pprof::write(&stacks(Split::ByThread)?, profile, view, out),
        Format::Dhat => dhat::write(&stacks(Split::Merged)?, profile, out),
        Format::Firefox => {
            let stacks = stacks(Split::ByThread)?;
            let title = style.title(profile, view, stacks.total(view.metric));
            firefox::write(&stacks, profile, view, &title, out)
        }
        Format::Jemalloc => jemalloc::write(&stacks(Split::ByThread)?, profile, view, out),
        Format::Heaptrack => heaptrack::write(&stacks(Split::Merged)?, profile, out),
        Format::Massif => {
            let innermost_first = View { reverse: true, ..view.clone() };
            let stacks = Stacks::new(profile, &innermost_first, Split::Merged)?;
            massif::write(&stacks, profile, style.min_percent, out)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_says_the_format() {
        for (name, format) in [
            ("a.folded", Format::Folded),
            ("dir.svg/a.b.svg", Format::Svg),
            ("a.json", Format::Json),
            ("a.speedscope.json", Format::Speedscope),
            ("a.dhat.json", Format::Dhat),
            ("a.pb.gz", Format::Pprof),
            ("massif.out", Format::Massif),
        ] {
            assert_eq!(Format::of(Path::new(name)).ok(), Some(format), "{name}");
        }
        for name in ["a", "svg", "a.svg/b", "a.docx", "a.gz"] {
            assert_eq!(Format::of(Path::new(name)).ok(), None, "{name}");
        }
    }

    #[test]
    fn each_format_has_one_name() {
        let names: std::collections::BTreeSet<_> = Format::ALL.iter().map(|format| format.name()).collect();
        assert_eq!(names.len(), Format::ALL.len());
        assert!(Format::ALL.iter().all(|&format| !format.name().is_empty()));
    }
}
