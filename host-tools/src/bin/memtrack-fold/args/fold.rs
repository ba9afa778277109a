//! Options of the program without a command.

use std::path::{Path, PathBuf};

use clap::Args;
use memtrack_host_tools::export::{Format, Palette, text};
use regex::Regex;

use super::shared::{Names, Reading, Show};
use super::values;

#[derive(Args)]
pub struct Fold {
    /// The dump, or - for standard input; gzip and zstd are unpacked
    #[arg(required = true)]
    dump: Option<PathBuf>,
    #[arg(short, long, value_name = "FILE", help = values::output_help(|_| true))]
    pub output: Option<PathBuf>,
    /// Format of the output
    #[arg(short, long, value_parser = values::formats())]
    pub format: Option<Format>,
    #[command(flatten)]
    pub show: Show,
    /// List the threads, highest peak first
    #[arg(long, group = "list", conflicts_with = "format")]
    pub list_threads: bool,
    /// List the stages, highest peak first
    #[arg(long, group = "list", conflicts_with = "format")]
    pub list_stages: bool,
    /// List the sizes of blocks, by powers of two
    #[arg(long, group = "list", conflicts_with = "format")]
    pub list_sizes: bool,
    /// Show the callers and callees of the functions that match, as text
    #[arg(long, value_name = "REGEX", value_parser = values::pattern, conflicts_with_all = ["list", "format"])]
    pub peek: Option<Regex>,
    /// Number of functions in the table of the text format
    #[arg(long, value_name = "N", default_value_t = text::TOP)]
    pub top: usize,
    /// Colours of the graph
    #[arg(long, value_name = "PALETTE", default_value = "mem", value_parser = values::palettes())]
    pub color: Palette,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub names: Names,
}

impl Fold {
    /// The dump; required unless there is a command.
    pub fn dump(&self) -> &Path {
        self.dump.as_deref().unwrap_or(Path::new("-"))
    }

    /// The list to show instead of stacks.
    pub fn list(&self) -> Option<List> {
        let asked = [
            (self.list_threads, List::Threads),
            (self.list_stages, List::Stages),
            (self.list_sizes, List::Sizes),
        ];
        asked.into_iter().find_map(|(is_asked, list)| is_asked.then_some(list))
    }
}

/// A list of the parts of a dump.
#[derive(Clone, Copy)]
pub enum List {
    Threads,
    Stages,
    Sizes,
}
