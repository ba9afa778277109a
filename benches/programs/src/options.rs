//! The command line of every program. It is a part of that of `examples/word-index`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use lexopt::prelude::*;

/// The options of a program.
#[derive(Debug)]
pub struct Options {
    /// The output of `cargo metadata`.
    pub metadata: PathBuf,
    /// The file for the result.
    pub output: PathBuf,
    /// The file for the heap profile.
    pub dump: Option<PathBuf>,
}

impl Options {
    pub(crate) fn from_args() -> Result<Self> {
        Self::parse(lexopt::Parser::from_env()).context("usage: --metadata FILE --output FILE [--dump FILE]")
    }

    fn parse(mut arguments: lexopt::Parser) -> Result<Self> {
        let (mut metadata, mut output, mut dump) = (None, None, None);
        while let Some(argument) = arguments.next()? {
            let file = match argument {
                Long("metadata") => &mut metadata,
                Long("output") => &mut output,
                Long("dump") => &mut dump,
                _ => return Err(argument.unexpected().into()),
            };
            *file = Some(PathBuf::from(arguments.value()?));
        }
        let metadata = metadata.context("--metadata is missing")?;
        Ok(Self { metadata, output: output.context("--output is missing")?, dump })
    }
}
