//! Stage `render`: show the best hits with the lines that contain them.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use crate::corpus::Corpus;
use crate::index::Index;
use crate::query::{Answer, Hit};
use crate::tokenise::Words;

const LONGEST_LINE: usize = 100;

/// The answers as a Markdown page.
pub(crate) fn markdown(corpus: &Corpus, index: &Index, answers: &[Answer]) -> Result<String> {
    let mut page = String::new();
    let words: u64 = index.lengths.iter().map(|&length| u64::from(length)).sum();
    writeln!(page, "# What the dependencies say\n")?;
    writeln!(
        page,
        "{} packages, {} files, {words} words, {} different ones, {} bytes of postings.",
        corpus.packages(),
        corpus.sources.len(),
        index.vocabulary(),
        index.packed_bytes(),
    )?;
    for answer in answers {
        writeln!(page, "\n## {}\n\n{} files match.\n", answer.query, answer.matches)?;
        for (rank, hit) in answer.hits.iter().enumerate() {
            let (package, path) = corpus.title(hit.source);
            let (number, line) = line_of(corpus, hit)?;
            writeln!(page, "{}. {package}, {path}:{number} ({:.2})\n   `` {line} ``", rank + 1, hit.score)?;
        }
    }
    Ok(page)
}

/// Number and text of the line that the hit points to. The text is no longer in memory, so the file is read once more.
fn line_of(corpus: &Corpus, hit: &Hit) -> Result<(usize, String)> {
    let path = corpus.path(hit.source);
    let bytes = fs::read(path).with_context(|| format!("cannot read {} again", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let word = Words::new(&text)
        .find(|word| word.position == hit.position)
        .with_context(|| format!("{} has changed since it was indexed", path.display()))?;
    let before = &text[..word.offset];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or_default().trim();
    Ok((before.matches('\n').count() + 1, line.chars().take(LONGEST_LINE).collect()))
}
