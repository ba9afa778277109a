//! The command line.

mod show;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use memtrack_host_tools::export::{Format, svg::Palette, text};
use memtrack_host_tools::limits::Size;
use memtrack_host_tools::profile::Metric;
use memtrack_host_tools::units;
use regex::Regex;

pub use show::{Names, Show};

/// Turns memtrack dumps into flame graphs and reports.
#[derive(Parser)]
#[command(
    name = "memtrack-fold",
    version,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true
)]
#[command(after_help = "\
Examples:
  memtrack-fold run.memtrack                       folded stacks of all bytes
  memtrack-fold run.memtrack -m peak -o peak.svg   flame graph of what was alive at the peak
  memtrack-fold run.memtrack -m peak -s parse      what stage \"parse\" held at its own peak
  memtrack-fold run.memtrack -o report.html        everything, for the browser
  memtrack-fold info run.memtrack                  what is in the dump, and what was lost
  memtrack-fold diff old.memtrack new.memtrack     what grew
  memtrack-fold merge run.*.memtrack -o all.memtrack
  memtrack-fold check run.memtrack --max-peak 64MiB
  memtrack-fold record -- ./program                a dump of a program that stays as it is

A dump called like a command is given as ./info.

Exit codes:
  0 done, 1 a check failed, 2 wrong usage, 3 not a dump or damaged (what could be read is
  still written), 4 input or output failed")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub fold: Fold,
}

#[derive(Subcommand)]
pub enum Command {
    /// Tell what is in a dump: program, threads, stages, losses, table use, missing names
    Info(Info),
    /// Tell what changed between two dumps, by function
    Diff(Diff),
    /// Make one dump of several: of many runs of a program, or of the processes of one family
    Merge(Merge),
    /// Show the report of a dump to the browsers of this machine
    Serve(Serve),
    /// Watch a program that records (MEMTRACK_RECORD): totals, threads, stages, stacks
    Top(Top),
    /// Compare a dump with limits: exit code 1 when one is exceeded
    Check(Check),
    /// Write the completions of a shell
    Completions {
        /// Which
        shell: clap_complete::Shell,
    },
    /// Write the manual page, or those of all commands into a directory
    Man {
        /// The directory, like /usr/local/share/man/man1
        dir: Option<PathBuf>,
    },
    /// Run a program that stays as it is, and record what it and its children allocate
    Record(Record),
}

#[derive(Args)]
pub struct Fold {
    /// The dump, or - for standard input; gzip and zstd are unpacked
    #[arg(required = true)]
    dump: Option<PathBuf>,
    /// Write to FILE instead of standard output; its extension (.html .svg .txt .json .csv .pb.gz …) says the format
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Format of the output
    #[arg(short, long, value_parser = one_of(&Format::ALL, Format::name))]
    pub format: Option<Format>,
    #[command(flatten)]
    pub show: Show,
    /// List the threads, highest peak first
    #[arg(long, group = "list", conflicts_with = "format")]
    pub list_threads: bool,
    /// List the stages, highest peak first
    #[arg(long, group = "list", conflicts_with = "format")]
    pub list_stages: bool,
    /// List how large blocks are, by powers of two
    #[arg(long, group = "list", conflicts_with = "format")]
    pub list_sizes: bool,
    /// Callers and callees of the functions that match, as text
    #[arg(long, value_name = "REGEX", value_parser = show::pattern, conflicts_with_all = ["list", "format"])]
    pub peek: Option<Regex>,
    /// Functions in the text's table
    #[arg(long, value_name = "N", default_value_t = text::TOP)]
    pub top: usize,
    /// Colours of the graph
    #[arg(long, value_name = "PALETTE", default_value = "mem", value_parser = one_of(&Palette::ALL, Palette::name))]
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

    /// Whether a list is asked for instead of stacks.
    pub fn list(&self) -> bool {
        self.list_threads || self.list_stages || self.list_sizes
    }
}

#[derive(Args)]
pub struct Diff {
    /// The older dump
    pub old: PathBuf,
    /// The newer dump
    pub new: PathBuf,
    /// Write to FILE instead of standard output; its extension (.svg .html .folded .txt) says the format
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Format of the output: folded, svg, html or text
    #[arg(short, long, value_parser = one_of(&Format::ALL, Format::name))]
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
Sums are summed up. The merged peak is the sum of the peaks of all dumps, each at its own moment: at
least what they ever held together. A stage's peak is the highest of all dumps. Threads of one name
become one, with the highest of their own peaks.")]
pub struct Merge {
    /// The dumps; gzip and zstd are unpacked
    #[arg(required = true, num_args = 2..)]
    pub dumps: Vec<PathBuf>,
    /// The merged dump, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Merge dumps of different programs too
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Args)]
pub struct Top {
    /// The file of the recording, or the number of the process that records
    #[arg(value_name = "FILE|PID")]
    pub target: PathBuf,
    /// What to count: m goes on to the next
    #[arg(short, long, default_value = "live", value_parser = one_of(&Metric::ALL, Metric::name))]
    pub metric: Metric,
    /// Seconds from one look to the next
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    pub interval: f64,
    /// Print one screen as text and end, as when standard output is no terminal
    #[arg(long)]
    pub once: bool,
    #[command(flatten)]
    pub names: Names,
}

#[derive(Args)]
pub struct Serve {
    /// The dump, or - for standard input; gzip and zstd are unpacked
    pub dump: PathBuf,
    /// The port of this machine to listen on; 0 is any that is free
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
#[command(group = clap::ArgGroup::new("limit").required(true).multiple(true))]
pub struct Check {
    /// The dump, or - for standard input; gzip and zstd are unpacked
    pub dump: PathBuf,
    /// Most bytes alive at a time
    #[arg(long, value_name = "SIZE", group = "limit", value_parser = size)]
    pub max_peak: Option<Size>,
    /// Most bytes alive while a stage ran; may be given several times
    #[arg(long = "max-stage-peak", value_name = "NAME=SIZE", group = "limit", value_parser = named_size)]
    pub max_stage_peaks: Vec<(String, Size)>,
    /// Most bytes still alive when the dump was taken
    #[arg(long, value_name = "SIZE", group = "limit", value_parser = size)]
    pub max_live_at_exit: Option<Size>,
    /// Most allocations
    #[arg(long, value_name = "N", group = "limit")]
    pub max_allocs: Option<u64>,
    /// Take limits from a TOML file: the same names, max-stage-peak is a table; options win over it
    #[arg(long, value_name = "FILE", group = "limit")]
    pub limits: Option<PathBuf>,
    /// Leave what is known to stay out of what is live: a file of LeakSanitizer's or valgrind's suppressions; may be given
    /// several times
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
pub struct Info {
    /// The dump, or - for standard input; gzip and zstd are unpacked
    pub dump: PathBuf,
    /// Only the snapshots of this tracker, where several wrote to the file
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
#[command(after_help = "\
Each process that the program starts leaves a dump of its own beside it, named by process id.
The exit code, or the signal, is the program's; 127 and 126 when it cannot be run, 4 when it
cannot be recorded.")]
pub struct Record {
    /// The dump; that of a child gets its process id behind the name [default: PROGRAM.PID.memtrack]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Do not tell where the dump is
    #[arg(short, long)]
    pub quiet: bool,
    /// The library that is preloaded, when libmemtrack.so is neither beside this program nor in ../lib
    #[arg(long, value_name = "PATH", env = "MEMTRACK_LIBRARY")]
    pub library: Option<PathBuf>,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
}

/// How much of a dump is read.
#[derive(Args)]
pub struct Reading {
    /// Most bytes that a compressed dump or a pipe may hold, like 2GiB [default: 64MiB or 32 times the compressed size; a
    /// memory image what it claims, a pipe 4GiB]
    #[arg(id = "input_limit", long = "limit", value_name = "SIZE", value_parser = units::parse_bytes)]
    pub limit: Option<u64>,
}

/// A parser of names for a fixed set of values.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|&value| name(value)))
        .try_map(move |given| all.iter().copied().find(|&value| name(value) == given).ok_or("no such value"))
}

fn interval(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.05..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("give a number of seconds from 0.05 to 3600".into()),
    }
}

fn size(text: &str) -> Result<Size, String> {
    units::parse_bytes(text).map(Size)
}

fn named_size(text: &str) -> Result<(String, Size), String> {
    let (name, value) = text.rsplit_once('=').ok_or("give NAME=SIZE, like parse=10MiB")?;
    Ok((name.into(), size(value)?))
}
