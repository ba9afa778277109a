//! Options of the commands.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use memtrack_host_tools::export::Format;
use memtrack_host_tools::limits::Size;
use memtrack_host_tools::profile::Metric;

use super::shared::{Names, Reading, Show};
use super::values;

#[derive(Args)]
pub struct Info {
    /// The dump, or - for standard input; gzip and zstd are unpacked
    pub dump: PathBuf,
    /// Only the snapshots of this tracker, if several wrote to the file
    #[arg(long, value_name = "N")]
    pub tracker: Option<usize>,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub names: Names,
}

#[derive(Args)]
pub struct Diff {
    /// The older dump
    pub old: PathBuf,
    /// The newer dump
    pub new: PathBuf,
    #[arg(short, long, value_name = "FILE", help = values::output_help(|format| format.difference.is_some()))]
    pub output: Option<PathBuf>,
    /// Format of the output
    #[arg(short, long, value_parser = values::differences())]
    pub format: Option<Format>,
    #[command(flatten)]
    pub show: Show,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub names: Names,
}

#[derive(Args)]
#[command(after_help = "\
Sums are added. The merged peak is the sum of the peaks of all dumps, each at its own moment: an
upper bound of the memory that they ever held together. A stage's peak is the highest of all dumps.
Threads of one name become one, with the highest of their own peaks.")]
pub struct Merge {
    /// The dumps; gzip and zstd are unpacked
    #[arg(required = true, num_args = 2..)]
    pub dumps: Vec<PathBuf>,
    /// The merged dump, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Merge dumps of different programs, too
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("limit").required(true).multiple(true))]
pub struct Check {
    /// The dump, or - for standard input; gzip and zstd are unpacked
    pub dump: PathBuf,
    /// Limit of the bytes that are alive at a time
    #[arg(long, value_name = "SIZE", group = "limit", value_parser = values::size)]
    pub max_peak: Option<Size>,
    /// Limit of the bytes that are alive while a stage runs; may be given several times
    #[arg(long = "max-stage-peak", value_name = "NAME=SIZE", group = "limit", value_parser = values::named_size)]
    pub max_stage_peaks: Vec<(String, Size)>,
    /// Limit of the bytes that are still alive when the dump is taken
    #[arg(long, value_name = "SIZE", group = "limit", value_parser = values::size)]
    pub max_live_at_exit: Option<Size>,
    /// Limit of the number of allocations
    #[arg(long, value_name = "N", group = "limit")]
    pub max_allocs: Option<u64>,
    /// Read limits from a TOML file with the same names; max-stage-peak is a table; options override the file
    #[arg(long, value_name = "FILE", group = "limit")]
    pub limits: Option<PathBuf>,
    /// Do not count known leaks as live: a file of suppressions for LeakSanitizer or valgrind; may be given several
    /// times
    #[arg(long = "suppressions", value_name = "FILE")]
    pub suppressions: Vec<PathBuf>,
    /// Write the table to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub names: Names,
}

#[derive(Args)]
pub struct Serve {
    /// The dump, or - for standard input; gzip and zstd are unpacked
    pub dump: PathBuf,
    /// The port of this machine to listen on; 0 selects a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    #[command(flatten)]
    pub show: Show,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub names: Names,
}

#[derive(Args)]
pub struct Top {
    /// The file of the recording, or the number of the process that records
    #[arg(value_name = "FILE|PID")]
    pub target: PathBuf,
    /// The metric to begin with; the key m shows the next
    #[arg(short, long, default_value = "live", value_parser = values::metrics())]
    pub metric: Metric,
    /// Seconds between two updates
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = values::interval)]
    pub interval: f64,
    /// Print one screen as text and end; this is the default if standard output is not a terminal
    #[arg(long)]
    pub once: bool,
    #[command(flatten)]
    pub names: Names,
}

#[derive(Args)]
#[command(after_help = "\
Each process that the program starts leaves a dump of its own beside it, named by process id.
The exit code, or the signal, is the program's. It is 127 or 126 if the program cannot run, and 4 if
it cannot be recorded.")]
pub struct Record {
    /// The dump; the dump of a child has its process id behind the name [default: PROGRAM.PID.memtrack]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Do not print the place of the dump
    #[arg(short, long)]
    pub quiet: bool,
    /// The library to preload, if libmemtrack.so (libmemtrack.dylib) is neither beside this program nor in ../lib
    #[arg(long, value_name = "PATH", env = "MEMTRACK_LIBRARY")]
    pub library: Option<PathBuf>,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
}
