//! The command line.

use std::path::PathBuf;

use anyhow::{Result, bail};
use lexopt::prelude::*;

const HELP: &str = "\
word-index: search the sources of this workspace's dependencies

Usage: word-index [OPTIONS] [QUERY]...

  QUERY             words to look for; several words in one argument rank together
  -o, --output FILE write the result there instead of to standard output
      --top N       results per query (default 5)
      --workers N   threads per stage (default 4)
      --metadata FILE   take `cargo metadata`'s JSON from a file instead of running cargo
      --dump FILE   write the heap profile there (tracked program only)
";

const QUERIES: [&str; 6] = [
    "lock free queue",
    "unwind the stack frame",
    "parse json number",
    "memory ordering acquire release",
    "checksum table",
    "why this is safe",
];

/// The options that the user gave.
#[derive(Debug)]
pub struct Options {
    /// The queries.
    pub queries: Vec<String>,
    /// Results per query.
    pub top: usize,
    /// Threads in each stage that has more than one.
    pub workers: usize,
    /// The output of `cargo metadata` from an earlier run.
    pub metadata: Option<PathBuf>,
    /// The file for the result, instead of standard output.
    pub output: Option<PathBuf>,
    /// The file for the heap profile.
    pub dump: Option<PathBuf>,
}

impl Options {
    /// Reads the program's arguments; `--help` prints the help and ends the program.
    pub fn from_args() -> Result<Self> {
        Self::parse(lexopt::Parser::from_env())
    }

    fn parse(mut arguments: lexopt::Parser) -> Result<Self> {
        let mut options =
            Self { queries: Vec::new(), top: 5, workers: 4, metadata: None, output: None, dump: None };
        while let Some(argument) = arguments.next()? {
            match argument {
                Short('o') | Long("output") => options.output = Some(arguments.value()?.into()),
                Long("top") => options.top = arguments.value()?.parse()?,
                Long("workers") => options.workers = arguments.value()?.parse()?,
                Long("metadata") => options.metadata = Some(arguments.value()?.into()),
                Long("dump") => options.dump = Some(arguments.value()?.into()),
                Short('h') | Long("help") => {
                    print!("{HELP}");
                    std::process::exit(0);
                }
                Value(query) => options.queries.push(query.string()?),
                _ => return Err(argument.unexpected().into()),
            }
        }
        if options.workers == 0 {
            bail!("--workers must be at least 1");
        }
        if options.queries.is_empty() {
            options.queries = QUERIES.map(String::from).into();
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn defaults_and_values() {
        let options = parse(&["two words", "--top", "3", "-o", "page.md", "other"]).unwrap();
        assert_eq!(options.queries, ["two words", "other"]);
        assert_eq!((options.top, options.workers), (3, 4));
        assert_eq!(options.output, Some("page.md".into()));
        assert_eq!(parse(&[]).unwrap().queries.len(), QUERIES.len());
    }

    #[test]
    fn nonsense_is_refused() {
        for wrong in [&["--workers", "0"][..], &["--top", "many"], &["--colour"], &["--dump"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
