//! The table of formats: names, files, viewers, contents and writers.

use std::io::{self, Write};

use super::facts::{Difference, Facts, MetricOption};
use super::request::Request;
use super::style::Style;
use super::{
    csv, dhat, firefox, folded, heaptrack, html, jemalloc, json, massif, pprof, speedscope, svg, text,
};
use crate::Error;
use crate::profile::stacks::{Split, Stacks};
use crate::profile::{Metric, Profile, View};
use crate::rows::rows;

rows! {
    /// An output format.
    Format: Facts {
        /// Folded stacks, one per line.
        Folded {
            name: "folded",
            endings: &[".folded", ".collapsed", ".stacks"],
            summary: "folded stacks, one per line",
            viewers: "speedscope, `flamegraph.pl`, inferno",
            metric: MetricOption::Only,
            default_metric: Metric::Bytes,
            split: Split::Merged,
            timeline: false,
            names: true,
            holds: "lines `outer;…;inner COUNT`",
            difference: Some(Difference::Folded),
            write: |it, out| Ok(folded::write(it.flame()?, it.style, out)),
        }
        /// A flame graph.
        Svg {
            name: "svg",
            endings: &[".svg"],
            summary: "a flame graph",
            viewers: "a browser",
            metric: MetricOption::Only,
            default_metric: Metric::Bytes,
            split: Split::Merged,
            timeline: false,
            names: true,
            holds: "a flame graph with search",
            difference: Some(Difference::Svg),
            write: |it, out| Ok(svg::write(it.flame()?, it.profile, it.view, it.style, out)),
        }
        /// A report for a browser.
        Html {
            name: "html",
            endings: &[".html", ".htm"],
            summary: "a report for the browser, in one file",
            viewers: "a browser",
            metric: MetricOption::First,
            default_metric: Metric::Peak,
            split: Split::ByThread,
            timeline: true,
            names: true,
            holds: "everything, see below",
            difference: Some(Difference::Html),
            write: |it, out| {
                let run = html::Run { profile: it.profile, moments: &[], warnings: &[] };
                html::write(&[(run, it.view)], &html::Start::default(), it.style, out)
            },
        }
        /// Tables and a tree for the terminal.
        Text {
            name: "text",
            endings: &[".txt", ".text"],
            summary: "tables and a tree of calls for the terminal",
            viewers: "a terminal",
            metric: MetricOption::Only,
            default_metric: Metric::Bytes,
            split: Split::Merged,
            timeline: false,
            names: true,
            holds: "the functions with the largest figures, and the tree of calls",
            difference: Some(Difference::Text),
            write: |it, out| match &it.style.peek {
                Some(pattern) => {
                    let flame = it.outermost_first().flame(it.profile)?;
                    text::peek(&flame, pattern, it.profile, it.view, it.style, out)
                }
                None => Ok(text::write(it.flame()?, it.profile, it.view, it.style, out)),
            },
        }
        /// Everything, for programs.
        Json {
            name: "json",
            endings: &[".json"],
            summary: "everything, for programs",
            viewers: "programs",
            metric: MetricOption::Ignored,
            default_metric: Metric::Bytes,
            split: Split::ByThread,
            timeline: true,
            names: true,
            holds: "everything; versioned, [described](../docs/json.md), fields are only added",
            difference: None,
            write: |it, out| Ok(json::write(&it.stacks()?, it.profile, out)),
        }
        /// A row for each stack.
        Csv {
            name: "csv",
            endings: &[".csv"],
            summary: "a row for each stack of each thread and tag",
            viewers: "spreadsheets, data frames",
            metric: MetricOption::Ignored,
            default_metric: Metric::Bytes,
            split: Split::ByThread,
            timeline: false,
            names: true,
            holds: "all metrics, a row for each stack of each thread and tag; text that a spreadsheet would take \
                    for a formula begins with `'`",
            difference: None,
            write: |it, out| Ok(csv::write(&it.stacks()?, it.profile, out)),
        }
        /// For speedscope.
        Speedscope {
            name: "speedscope",
            endings: &[".speedscope.json", ".speedscope"],
            summary: "for speedscope",
            viewers: "speedscope",
            metric: MetricOption::First,
            default_metric: Metric::Bytes,
            split: Split::Merged,
            timeline: false,
            names: true,
            holds: "a profile for each metric",
            difference: None,
            write: |it, out| {
                let stacks = it.stacks()?;
                Ok(speedscope::write(&stacks, &it.title(&stacks), it.view, out))
            },
        }
        /// For `go tool pprof` and the other programs that read its files.
        Pprof {
            name: "pprof",
            endings: &[".pb.gz", ".pb", ".pprof"],
            summary: "for go tool pprof",
            viewers: "`go tool pprof`, speedscope and others",
            metric: MetricOption::First,
            default_metric: Metric::Bytes,
            split: Split::ByThread,
            timeline: false,
            names: true,
            holds: "all metrics as sample types; thread, tag and stage as labels",
            difference: None,
            write: |it, out| Ok(pprof::write(&it.stacks()?, it.profile, it.view, out)),
        }
        /// For `dh_view.html` and the Firefox Profiler.
        Dhat {
            name: "dhat",
            endings: &[".dhat.json", ".dhat"],
            summary: "for valgrind's dh_view.html and the Firefox Profiler",
            viewers: "valgrind's `dh_view.html`, the Firefox Profiler",
            metric: MetricOption::Ignored,
            default_metric: Metric::Bytes,
            split: Split::Merged,
            timeline: false,
            names: true,
            holds: "bytes and blocks: total, at the peak, at the end",
            difference: None,
            write: |it, out| Ok(dhat::write(&it.stacks()?, it.profile, out)),
        }
        /// For `ms_print` and massif-visualizer.
        Massif {
            name: "massif",
            endings: &[".massif", "massif.out"],
            summary: "for ms_print and massif-visualizer",
            viewers: "`ms_print`, massif-visualizer",
            metric: MetricOption::Ignored,
            default_metric: Metric::Bytes,
            split: Split::Merged,
            timeline: true,
            names: true,
            holds: "trees of the peak and of the end",
            difference: None,
            write: |it, out| {
                let stacks = Stacks::new(it.profile, &it.innermost_first(), it.split)?;
                Ok(massif::write(&stacks, it.profile, it.style.min_percent, out))
            },
        }
        /// For the Firefox Profiler and `profiler-cli`.
        Firefox {
            name: "firefox",
            endings: &[".firefox.json", ".profile.json"],
            summary: "for the Firefox Profiler",
            viewers: "the Firefox Profiler, `profiler-cli`",
            metric: MetricOption::Moment,
            default_metric: Metric::Bytes,
            split: Split::ByThread,
            timeline: true,
            names: true,
            holds: "bytes retained and allocated; the timeline as a counter",
            difference: None,
            write: |it, out| {
                let stacks = it.stacks()?;
                Ok(firefox::write(&stacks, it.profile, it.view, &it.title(&stacks), out))
            },
        }
        /// For `jeprof`.
        Jemalloc {
            name: "jemalloc",
            endings: &[".heap"],
            summary: "for jeprof",
            viewers: "`jeprof`",
            metric: MetricOption::Moment,
            default_metric: Metric::Bytes,
            split: Split::ByThread,
            timeline: false,
            names: false,
            holds: "bytes and blocks, live and allocated; `jeprof` names the addresses itself",
            difference: None,
            write: |it, out| Ok(jemalloc::write(&it.stacks()?, it.profile, it.view, out)),
        }
        /// For `heaptrack_print` and `heaptrack_gui`.
        Heaptrack {
            name: "heaptrack",
            endings: &[".heaptrack"],
            summary: "for heaptrack_print and heaptrack_gui",
            viewers: "`heaptrack_print`, `heaptrack_gui`",
            metric: MetricOption::Ignored,
            default_metric: Metric::Bytes,
            split: Split::Merged,
            timeline: false,
            names: true,
            holds: "calls, temporary blocks, peak, leaks",
            difference: None,
            write: |it, out| Ok(heaptrack::write(&it.stacks()?, it.profile, out)),
        }
    }
}

impl Format {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

/// Writes a view in a format.
///
/// # Errors
/// Returns [`Error`] if the view can't be shown, with an [`io::Error`] inside if it can't be written.
pub fn write(
    format: Format,
    profile: &Profile,
    view: &View,
    style: &Style,
    out: &mut dyn Write,
) -> Result<io::Result<()>, Error> {
    let row = format.row();
    (row.write)(&Request { profile, view, style, split: row.split }, out)
}
