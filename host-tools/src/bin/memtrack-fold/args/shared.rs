//! Options that several commands share: the view of a dump, and the sources of names.

use std::path::PathBuf;

use clap::Args;
use memtrack_host_tools::Error;
use memtrack_host_tools::export::{Format, Style};
use memtrack_host_tools::profile::{Metric, Profile, View};
use memtrack_host_tools::suppress::Suppressions;
use memtrack_host_tools::symbolize::{Options, Search, Servers};
use regex::Regex;

use super::values;

/// The view of a dump, and its look.
#[derive(Args)]
pub struct Show {
    /// The metric [default: peak in a report, else bytes]
    #[arg(short, long, value_parser = values::metrics())]
    metric: Option<Metric>,
    /// Only this thread; may be given several times
    #[arg(short, long = "thread", value_name = "NAME|ID")]
    pub threads: Vec<String>,
    /// The thread as the root frame
    #[arg(long)]
    pub per_thread: bool,
    /// The cells of this stage, as at its own peak
    #[arg(short, long, value_name = "NAME")]
    pub stage: Option<String>,
    /// Only the snapshots of this tracker, if several wrote to the file; info lists them
    #[arg(long, value_name = "N")]
    pub tracker: Option<usize>,
    /// Only events under this tag; may be given several times
    #[arg(long = "tag", value_name = "NAME")]
    pub tags: Vec<String>,
    /// Show the frames of the tracker and of the allocator's entry points
    #[arg(long)]
    pub show_internal: bool,
    /// Only stacks with a frame that matches
    #[arg(long, value_name = "REGEX", value_parser = values::pattern)]
    pub filter: Option<Regex>,
    /// Leave out frames that match; their values count for their callers
    #[arg(long, value_name = "REGEX", value_parser = values::pattern)]
    pub hide: Option<Regex>,
    /// Do not count known leaks in live and live-blocks: a file of suppressions for LeakSanitizer or valgrind; may be
    /// given several times
    #[arg(long = "suppressions", value_name = "FILE")]
    pub suppressions: Vec<PathBuf>,
    /// Innermost frames at the root
    #[arg(long)]
    pub reverse: bool,
    /// Draw the root at the top of the graph
    #[arg(long)]
    pub inverted: bool,
    /// Title of graph or report
    #[arg(long)]
    pub title: Option<String>,
    /// An additional line under the title of graph or text
    #[arg(long, value_name = "TEXT")]
    pub subtitle: Option<String>,
    /// Merge frames below this share of the whole into their callers
    #[arg(long, visible_alias = "min-width", value_name = "PERCENT", value_parser = values::share)]
    pub min_percent: Option<f64>,
}

impl Show {
    /// The metric; each format has a default.
    pub fn metric(&self, format: Format) -> Metric {
        self.metric.unwrap_or(format.row().default_metric)
    }

    /// The look, for the library.
    pub fn style(&self) -> Style {
        Style {
            title: self.title.clone(),
            subtitle: self.subtitle.clone(),
            min_percent: self.min_percent,
            inverted: self.inverted,
            ..Style::default()
        }
    }

    /// The known leaks.
    pub fn suppressions(&self) -> Result<Suppressions, Error> {
        Suppressions::read(self.suppressions.iter().map(PathBuf::as_path))
    }

    /// The view, for the library.
    pub fn view(&self, profile: &Profile, format: Format) -> Result<View, Error> {
        let mut view = View {
            per_thread: self.per_thread,
            show_internal: self.show_internal,
            reverse: self.reverse,
            filter: self.filter.clone(),
            hide: self.hide.clone(),
            ..View::new(self.metric(format))
        };
        self.threads.iter().try_for_each(|name| view.add_thread(profile, name))?;
        self.tags.iter().try_for_each(|name| view.add_tag(profile, name))?;
        Ok(view)
    }
}

/// The sources of names.
#[derive(Args)]
#[command(next_help_heading = "Names")]
pub struct Names {
    /// The program or library with its symbols, if it is not at its path in the dump (moved, stripped, bare metal)
    #[arg(short, long = "binary", value_name = "PATH")]
    pub binaries: Vec<PathBuf>,
    /// Directory of separate debug files (.build-id/ab/cdef.debug), in addition to /usr/lib/debug
    #[arg(long = "debug-dir", value_name = "DIR", value_parser = values::directory)]
    pub debug_dirs: Vec<PathBuf>,
    /// Root of the target's files
    #[arg(long, value_name = "DIR", value_parser = values::directory)]
    pub sysroot: Option<PathBuf>,
    /// Use binaries whose build id differs from the dump's
    #[arg(long)]
    pub force: bool,
    /// Show inlined functions as part of their callers
    #[arg(long)]
    pub no_inlines: bool,
    /// Show module+0xoffset instead of names
    #[arg(long, conflicts_with_all = ["binaries", "debug_dirs", "sysroot", "force", "no_inlines"])]
    pub no_symbols: bool,
}

impl Names {
    /// The sources, for the library.
    pub fn options(&self) -> Options {
        Options {
            search: Search {
                binaries: self.binaries.clone(),
                debug_dirs: self.debug_dirs.clone(),
                sysroot: self.sysroot.clone(),
                force: self.force,
                servers: Servers::from_env(),
            },
            inlines: !self.no_inlines,
            names: !self.no_symbols,
            ..Options::default()
        }
    }
}

/// The limit of a dump's size.
#[derive(Args)]
pub struct Reading {
    /// Limit of the bytes in a compressed dump or a pipe, like 2GiB [default: 64MiB or 32 times the compressed size; the
    /// claimed size for a memory image, 4GiB for a pipe]
    #[arg(id = "input_limit", long = "limit", value_name = "SIZE", value_parser = values::bytes)]
    pub limit: Option<u64>,
}
