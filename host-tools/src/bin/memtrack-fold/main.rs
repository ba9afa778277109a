//! `memtrack-fold`: dumps become flame graphs and reports. A thin command line over the library.

mod args;
mod fold;
mod info;
mod opened;
mod record;

use std::process::ExitCode;

use clap::Parser;
use memtrack_host_tools::Error;

use args::{Cli, Command};

/// Everything was written, but the input was damaged.
const DAMAGED: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Some(Command::Info(args)) => info::run(&args),
        Some(Command::Record(args)) => return record::run(&args),
        None => fold::run(&cli.fold),
    };
    match result {
        Ok(whole) => ExitCode::from(if whole { 0 } else { DAMAGED }),
        Err(error) => {
            say("error", anstyle::AnsiColor::Red, &error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}

/// Whether the input was read in full, or why nothing was written.
type Outcome = Result<bool, Error>;

/// Tells the user something that does not keep the output from being written.
fn warn(text: &str) {
    say("warning", anstyle::AnsiColor::Yellow, text);
}

/// One line on stderr, coloured on terminals unless `NO_COLOR` is set.
fn say(kind: &str, color: anstyle::AnsiColor, text: &str) {
    use std::io::Write;
    let style = anstyle::Style::new().bold().fg_color(Some(color.into()));
    // Nobody is left to be told when stderr is closed.
    let _ = writeln!(anstream::stderr(), "{style}{kind}:{style:#} {text}");
}
