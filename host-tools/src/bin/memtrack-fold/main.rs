//! `memtrack-fold`: dumps become flame graphs and reports. A thin command line over the library.

mod args;
mod check;
mod diff;
mod fold;
mod info;
mod man;
mod merge;
mod opened;
mod progress;
mod record;
mod report;
mod serve;
mod top;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use memtrack_host_tools::{Error, output};

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Some(Command::Info(args)) => info::run(&args),
        Some(Command::Diff(args)) => diff::run(&args),
        Some(Command::Merge(args)) => merge::run(&args),
        Some(Command::Serve(args)) => serve::run(&args),
        Some(Command::Top(args)) => top::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Completions { shell }) => completions(shell),
        Some(Command::Man { dir }) => man::run(dir.as_deref()),
        Some(Command::Record(args)) => return record::run(&args),
        None => fold::run(&cli.fold),
    };
    match result {
        Ok(done) => ExitCode::from(done as u8),
        Err(error) => {
            fail(&error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}

/// How it went; the exit code.
#[derive(Clone, Copy)]
enum Done {
    /// All of the input was read.
    Whole = 0,
    /// A limit was exceeded.
    Exceeded = 1,
    /// Everything was written, but the input was damaged.
    Damaged = 3,
}

/// How it went, or why nothing was written.
type Outcome = Result<Done, Error>;

fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "memtrack-fold", &mut script);
    output::write(None, |out| Ok(out.write_all(&script)))?;
    Ok(Done::Whole)
}

/// Tells the user what ends the program with a code other than 0.
fn fail(text: &str) {
    say("error", anstyle::AnsiColor::Red, text);
}

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
