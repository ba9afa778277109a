//! Parts of documents that commands write.

use std::fs;

use anyhow::{Context, Result};

use crate::workspace;

/// A part of a document, between two lines.
pub(crate) struct Part {
    pub(crate) page: &'static str,
    pub(crate) begin: &'static str,
    pub(crate) end: &'static str,
}

impl Part {
    /// Replaces the text between the lines. The other text stays as it is.
    pub(crate) fn write(&self, text: &str) -> Result<()> {
        let Self { page, begin, end } = self;
        let path = workspace::root().join(page);
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {page}"))?;
        let (before, rest) = old.split_once(begin).with_context(|| format!("{page} has no {begin}"))?;
        let (_, after) = rest.split_once(end).with_context(|| format!("{page} has no {end}"))?;
        fs::write(path, [before, begin, "\n", text, "\n", end, after].concat())?;
        Ok(())
    }
}
