//! An inverted index over text that every machine with cargo has: the source code of this workspace's
//! dependencies. It answers ranked queries with the files and lines that match best.
//!
//! The work runs in stages, and each uses the heap in another way:
//!
//! | stage      | threads        | allocations                               | still alive afterwards  |
//! |------------|----------------|-------------------------------------------|-------------------------|
//! | `metadata` | main           | the JSON tree of `cargo metadata`         | a list of packages      |
//! | `scan`     | main           | paths                                     | a list of sources       |
//! | `read`     | `read-N`       | the whole text                            | the text, until the next stage |
//! | `tokenise` | `tokenise-N`   | words and positions of each document      | blocks in the channels; the text is freed |
//! | `index`    | `index-N`      | hash maps, growing lists                  | packed postings, to the end |
//! | `query`    | main           | scores of every matching document         | the best few            |
//! | `render`   | main           | the files of the hits, read once more     | nothing                 |
//!
//! Blocks change hands on the way: text read by one thread is freed by another, words made by a
//! tokeniser live on in an index shard. This library does not know which profiler watches the heap: it only
//! calls `stage(name)` and holds the returned value until the stage is over.

mod corpus;
mod index;
mod metadata;
mod options;
mod query;
mod read;
mod render;
mod tokenise;

use anyhow::{Context, Result};

pub use index::Index;
pub use options::Options;

/// Runs the whole program and returns the index to the caller. `stage` gets the name of each stage; its result is
/// dropped at the end of the stage.
pub fn run<Guard>(options: &Options, stage: impl Fn(&'static str) -> Guard) -> Result<Index> {
    let packages = {
        let _stage = stage("metadata");
        metadata::packages(options.metadata.as_deref())?
    };
    let corpus = {
        let _stage = stage("scan");
        corpus::Corpus::scan(packages)?
    };
    let documents = {
        let _stage = stage("read");
        read::documents(&corpus, options.workers)?
    };
    let blocks = {
        let _stage = stage("tokenise");
        tokenise::blocks(documents, options.workers)
    };
    let index = {
        let _stage = stage("index");
        Index::build(blocks)
    };
    let answers = {
        let _stage = stage("query");
        options.queries.iter().map(|query| index.answer(query, options.top)).collect::<Vec<_>>()
    };
    let _stage = stage("render");
    let page = render::markdown(&corpus, &index, &answers)?;
    match &options.output {
        Some(path) => {
            std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?
        }
        None => print!("{page}"),
    }
    Ok(index)
}
