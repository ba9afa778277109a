//! A code counter: lines of code, comments and blanks by language.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use tokei::{Config, Languages};

use crate::{Options, sources};

/// Counts the lines of all sources. The result is a table.
///
/// # Errors
/// When the sources are not found.
pub fn run(options: &Options) -> Result<String> {
    let folders = sources::folders(&options.metadata)?;
    // Files that a package tells git to ignore are a part of it.
    let config = Config { no_ignore: Some(true), ..Config::default() };
    let mut languages = Languages::new();
    languages.get_statistics(&folders, &[], &config);
    let mut table = String::new();
    for (name, language) in &languages {
        let all = language.summarise();
        let (files, code, comments, blanks) = (language.reports.len(), all.code, all.comments, all.blanks);
        writeln!(table, "{name}: {files} files, {code} code, {comments} comments, {blanks} blanks")?;
    }
    ensure!(languages.total().code > 0, "no code was found");
    Ok(table)
}
