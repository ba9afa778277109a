//! A search tool: the lines that match a pattern, with the files and their numbers.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use anyhow::{Context, Result, ensure};
use grep_regex::RegexMatcher;
use grep_searcher::sinks::Lossy;
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::{Options, sources};

const PATTERNS: [&str; 4] =
    [r"\bunsafe\b", r"(?i)allocat(e|or|ion)", r"fn \w+<", r"\b(Box|Vec|String)::new\("];

/// Searches all sources for each of the patterns. The result lists the lines.
///
/// # Errors
/// When the sources are not found or cannot be read.
pub fn run(options: &Options) -> Result<String> {
    let folders = sources::folders(&options.metadata)?;
    let mut result = String::new();
    for pattern in PATTERNS {
        let lines = search(&folders, &RegexMatcher::new_line_matcher(pattern)?)?;
        ensure!(!lines.is_empty(), "nothing matches {pattern}");
        result += &format!("{pattern}: {} lines\n{}\n", lines.len(), lines.join("\n"));
    }
    Ok(result)
}

/// The lines of all files that match, on as many threads as ripgrep has, in the order of their files.
fn search(folders: &[PathBuf], matcher: &RegexMatcher) -> Result<Vec<String>> {
    let (first, others) = folders.split_first().context("no folder")?;
    let mut walk = WalkBuilder::new(first);
    for folder in others {
        walk.add(folder);
    }
    let (found, all) = mpsc::channel();
    walk.standard_filters(false).build_parallel().run(|| {
        let mut searcher = SearcherBuilder::new().binary_detection(BinaryDetection::quit(0)).build();
        let (matcher, found) = (matcher.clone(), found.clone());
        Box::new(move |entry| {
            let lines = entry.map_err(Into::into).and_then(|entry| lines(&mut searcher, &matcher, &entry));
            // The receiver lives until the walk is over.
            _ = found.send(lines);
            WalkState::Continue
        })
    });
    drop(found);
    let mut files = all.iter().collect::<Result<Vec<_>>>()?;
    files.sort_unstable();
    Ok(files.concat())
}

/// The lines of one file that match.
fn lines(searcher: &mut Searcher, matcher: &RegexMatcher, entry: &DirEntry) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let path: &Path = entry.path();
    if entry.file_type().is_some_and(|kind| kind.is_file()) {
        let sink = Lossy(|number, line| {
            lines.push(format!("{}:{number}:{}", path.display(), line.trim_end()));
            Ok(true)
        });
        searcher.search_path(matcher, path, sink).with_context(|| path.display().to_string())?;
    }
    Ok(lines)
}
