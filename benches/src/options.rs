//! The command line of every measured program: `WORKLOAD [--iterations N] [--output FILE]`.

use std::path::PathBuf;
use std::process::exit;

use lexopt::prelude::*;

use crate::workload::Workload;

/// The command line of a measured program.
#[derive(Debug)]
pub struct Options {
    pub(crate) workload: Workload,
    pub(crate) iterations: u64,
    /// The path for the tool's own output, if it has any.
    pub output: Option<PathBuf>,
}

impl Options {
    /// Reads the program's arguments, or ends the program with a message.
    pub fn from_args() -> Self {
        Self::parse(lexopt::Parser::from_env()).unwrap_or_else(|error| {
            eprintln!("{error}; usage: WORKLOAD [--iterations N] [--output FILE]");
            exit(2);
        })
    }

    fn parse(mut arguments: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let (mut workload, mut iterations, mut output) = (None, 1, None);
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("iterations") => iterations = arguments.value()?.parse()?,
                Long("output") => output = Some(arguments.value()?.into()),
                Value(name) if workload.is_none() => workload = Some(name.parse()?),
                _ => return Err(argument.unexpected()),
            }
        }
        let workload = workload.ok_or("the workload is missing")?;
        Ok(Self { workload, iterations, output })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Order;

    fn parse(arguments: &[&str]) -> Result<Options, lexopt::Error> {
        Options::parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn all_options_are_parsed() {
        let options = parse(&["W3x8", "--iterations", "12", "--output", "x.bin"]).unwrap();
        assert_eq!((options.workload, options.iterations), (Workload::Threads(8), 12));
        assert_eq!(options.output, Some("x.bin".into()));
    }

    #[test]
    fn every_workload_has_a_name() {
        let named = |name: &str| parse(&[name]).unwrap().workload;
        assert_eq!(named("W1x64"), Workload::Ring(Order::Random(64)));
        assert_eq!(named("W1-in-turn"), Workload::Ring(Order::InTurn));
        assert_eq!(
            [named("W2"), named("W4"), named("growth")],
            [Workload::Json, Workload::Live, Workload::Growth]
        );
        assert_eq!([named("W5x16"), named("stacks-256")], [Workload::Own(16), Workload::Tree(256)]);
    }

    #[test]
    fn invalid_command_lines_are_refused() {
        for wrong in [
            &[][..],
            &["W9"],
            &["W3x0"],
            &["W1x1025"],
            &["W5x"],
            &["W1", "W2"],
            &["W1", "--iterations", "-1"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
