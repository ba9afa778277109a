//! `memtrack-fold` turns dumps into flame graphs and reports. It is a thin command line over the library.

mod args;
mod check;
mod diff;
mod fold;
mod info;
mod man;
mod merge;
mod messages;
mod opened;
mod outcome;
mod progress;
#[cfg_attr(not(any(target_os = "linux", target_os = "macos")), path = "no_record.rs")]
mod record;
mod report;
mod serve;
mod top;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use memtrack_host_tools::exit::Exit;
use memtrack_host_tools::output;

use args::{Cli, Command};
use messages::fail;
use outcome::Outcome;

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
        Ok(exit) => ExitCode::from(exit.row().code),
        Err(error) => {
            fail(&error.to_string());
            ExitCode::from(error.exit().row().code)
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "memtrack-fold", &mut script);
    output::write(None, |out| Ok(out.write_all(&script)))?;
    Ok(Exit::Done)
}
