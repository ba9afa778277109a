//! The command line.

mod commands;
mod fold;
mod help;
mod shared;
mod values;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use commands::{Check, Diff, Info, Merge, Record, Serve, Top};
pub use fold::{Fold, List};
pub use shared::{Names, Show};

/// Turns memtrack dumps into flame graphs and reports.
#[derive(Parser)]
#[command(
    name = "memtrack-fold",
    version,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true
)]
#[command(after_help = help::examples_and_exit_codes())]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub fold: Fold,
}

#[derive(Subcommand)]
pub enum Command {
    /// Show the contents of a dump: program, threads, stages, losses, table use, missing names
    Info(Info),
    /// Compare two dumps by function
    Diff(Diff),
    /// Merge several dumps into one: of many runs of a program, or of the processes of one family
    Merge(Merge),
    /// Serve the report of a dump to the browsers of this machine
    Serve(Serve),
    /// Watch a program that records (MEMTRACK_RECORD): totals, threads, stages, stacks
    Top(Top),
    /// Compare a dump with limits: exit code 1 if one is exceeded
    Check(Check),
    /// Write the completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual page, or the pages of all commands into a directory
    Man {
        /// The directory, like /usr/local/share/man/man1
        dir: Option<PathBuf>,
    },
    /// Run an unchanged program, and record the allocations of it and its children
    Record(Record),
}
