//! The facts about a format.

use std::io::{self, Write};

use super::request::Request;
use crate::Error;
use crate::profile::Metric;
use crate::profile::stacks::Split;

/// The facts about a format.
pub struct Facts {
    /// Its name on the command line.
    pub name: &'static str,
    /// The ends of file names that select it; the usual one is first.
    pub endings: &'static [&'static str],
    /// Its contents in one line, for `--help` and completions.
    pub summary: &'static str,
    /// The programs that open it, in Markdown.
    pub viewers: &'static str,
    /// The effect of `--metric`.
    pub metric: MetricOption,
    /// The default of `--metric`.
    pub default_metric: Metric,
    /// Whether a stack has figures of its own for each thread and tag.
    pub split: Split,
    /// Whether live bytes over time are in it.
    pub timeline: bool,
    /// Whether it has the names of functions. If not, the viewer finds them by address.
    pub names: bool,
    /// Its contents in Markdown.
    pub holds: &'static str,
    /// How `diff` writes it, if it does.
    pub difference: Option<Difference>,
    pub(super) write: Writer,
}

/// The effect of `--metric` on a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricOption {
    /// The file holds this metric only.
    Only,
    /// The file holds all metrics, and the viewer begins with this one.
    First,
    /// The file holds the moment of the peak if the metric is of the peak, else the end.
    Moment,
    /// None: the file is the same for all metrics.
    Ignored,
}

/// How a difference of two dumps is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Lines with two counts.
    Folded,
    /// A flame graph.
    Svg,
    /// A report of both dumps.
    Html,
    /// A table of functions.
    Text,
}

pub(super) type Writer = fn(&Request<'_>, &mut dyn Write) -> Result<io::Result<()>, Error>;
