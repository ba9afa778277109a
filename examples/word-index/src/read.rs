//! Stage `read`: bring the whole text into memory, on several threads.

use std::fs;
use std::thread;

use anyhow::{Context, Result};
use crossbeam_channel::{bounded, unbounded};

use crate::corpus::Corpus;

/// The text of one source.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) source: u32,
    pub(crate) text: String,
}

/// Reads every source. The receiver of a document owns its text; the threads that read it have ended by then.
pub(crate) fn documents(corpus: &Corpus, workers: usize) -> Result<Vec<Document>> {
    let (orders, todo) = bounded::<u32>(64);
    let (done, documents) = unbounded();
    thread::scope(|scope| {
        for worker in 1..=workers {
            let (todo, done) = (todo.clone(), done.clone());
            let read = move || todo.iter().try_for_each(|source| done.send(document(corpus, source)));
            thread::Builder::new().name(format!("read-{worker}")).spawn_scoped(scope, read)?;
        }
        drop((todo, done));
        for source in 0..corpus.sources.len() as u32 {
            orders.send(source).context("all readers are gone")?;
        }
        drop(orders);
        let mut documents = documents.iter().collect::<Result<Vec<_>>>()?;
        documents.sort_by_key(|document| document.source);
        Ok(documents)
    })
}

/// Replaces bytes that are not UTF-8: a few sources are test data in other encodings on purpose.
fn document(corpus: &Corpus, source: u32) -> Result<Document> {
    let path = corpus.path(source);
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text =
        String::from_utf8(bytes).unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned());
    Ok(Document { source, text })
}
