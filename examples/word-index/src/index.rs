//! Stage `index`: merge the blocks into one inverted index, each shard on its own thread.
//!
//! A shard's words point to packed postings: for each document that has the word, ascending, the gap to the
//! document before, the number of positions and the gaps between them, all as LEB128 variable-length numbers.

use std::thread;

use crossbeam_channel::Receiver;

use crate::tokenise::{Block, WordMap, shard_of};

/// The documents that have one word, packed.
#[derive(Debug)]
pub(crate) struct Postings {
    /// The number of documents that have the word.
    pub(crate) documents: u32,
    packed: Box<[u8]>,
}

/// One document that has the word, and the positions of the word.
#[derive(Debug, PartialEq)]
pub(crate) struct Posting {
    pub(crate) source: u32,
    pub(crate) positions: Vec<u32>,
}

#[derive(Debug)]
struct Shard {
    words: WordMap<Postings>,
    /// `(source, words in it)`, the same in every shard.
    lengths: Vec<(u32, u32)>,
}

/// Which documents have which words.
#[derive(Debug)]
pub struct Index {
    shards: Vec<Shard>,
    /// Words of each document, by its source number.
    pub(crate) lengths: Vec<u32>,
}

impl Index {
    /// Builds a shard from each channel's blocks.
    pub(crate) fn build(blocks: Vec<Receiver<Block>>) -> Self {
        let mut shards: Vec<Shard> = thread::scope(|scope| {
            let start = |(number, blocks): (usize, Receiver<Block>)| {
                thread::Builder::new()
                    .name(format!("index-{}", number + 1))
                    .spawn_scoped(scope, move || Shard::build(&blocks))
                    .expect("the system starts a thread")
            };
            let threads: Vec<_> = blocks.into_iter().enumerate().map(start).collect();
            threads.into_iter().map(|thread| thread.join().expect("an index thread ends well")).collect()
        });
        let mut lengths = std::mem::take(&mut shards[0].lengths);
        shards.iter_mut().for_each(|shard| shard.lengths = Vec::new());
        lengths.sort_unstable();
        Self { shards, lengths: lengths.into_iter().map(|(_, length)| length).collect() }
    }

    /// The postings of a lower-case word.
    pub(crate) fn postings(&self, word: &str) -> Option<&Postings> {
        self.shards[shard_of(word, self.shards.len())].words.get(word)
    }

    /// The number of different words.
    pub(crate) fn vocabulary(&self) -> usize {
        self.shards.iter().map(|shard| shard.words.len()).sum()
    }

    /// Bytes of all postings.
    pub(crate) fn packed_bytes(&self) -> usize {
        let bytes = |shard: &Shard| shard.words.values().map(|postings| postings.packed.len()).sum::<usize>();
        self.shards.iter().map(bytes).sum()
    }
}

impl Shard {
    fn build(blocks: &Receiver<Block>) -> Self {
        let mut lengths = Vec::new();
        let mut merged: WordMap<Vec<Posting>> = WordMap::default();
        for block in blocks {
            lengths.push((block.source, block.length));
            for (word, positions) in block.words {
                merged.entry(word).or_default().push(Posting { source: block.source, positions });
            }
        }
        let words = merged.into_iter().map(|(word, postings)| (word, Postings::pack(postings))).collect();
        Self { words, lengths }
    }
}

impl Postings {
    fn pack(mut postings: Vec<Posting>) -> Self {
        postings.sort_unstable_by_key(|posting| posting.source);
        let mut packed = Vec::new();
        let mut previous = 0;
        for posting in &postings {
            push(&mut packed, posting.source - previous);
            previous = posting.source;
            push(&mut packed, posting.positions.len() as u32);
            push_gaps(&mut packed, &posting.positions);
        }
        Self { documents: postings.len() as u32, packed: packed.into_boxed_slice() }
    }

    /// The postings in order of their documents.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Posting> {
        let mut rest = &*self.packed;
        let mut source = 0;
        (0..self.documents).map(move |_| {
            source += pull(&mut rest);
            let count = pull(&mut rest);
            let mut position = 0;
            let positions = (0..count).map(|_| {
                position += pull(&mut rest);
                position
            });
            Posting { source, positions: positions.collect() }
        })
    }
}

fn push_gaps(packed: &mut Vec<u8>, ascending: &[u32]) {
    let mut previous = 0;
    for &number in ascending {
        push(packed, number - previous);
        previous = number;
    }
}

fn push(packed: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        packed.push(number as u8 | 0x80);
        number >>= 7;
    }
    packed.push(number as u8);
}

fn pull(packed: &mut &[u8]) -> u32 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let (&byte, rest) = packed.split_first().expect("postings end with a whole number");
        *packed = rest;
        number |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Document;
    use crate::tokenise::blocks;

    #[test]
    fn packing_keeps_every_number() {
        let posting = |source, positions: &[u32]| Posting { source, positions: positions.into() };
        let unsorted =
            vec![posting(300, &[0, 127, 128, u32::MAX]), posting(2, &[5]), posting(70_000, &[16_384])];
        let postings = Postings::pack(unsorted);
        assert_eq!(postings.documents, 3);
        let unpacked: Vec<_> = postings.iter().collect();
        let expected = [posting(2, &[5]), posting(300, &[0, 127, 128, u32::MAX]), posting(70_000, &[16_384])];
        assert_eq!(unpacked, expected);
    }

    #[test]
    fn the_index_knows_where_each_word_stands() {
        let texts = ["a stack of stacks", "no such word", "Stack stack"];
        let documents = texts.iter().zip(0..).map(|(&text, source)| Document { source, text: text.into() });
        let index = Index::build(blocks(documents.collect(), 2));
        assert_eq!(index.lengths, [3, 3, 2]);
        let found: Vec<_> = index.postings("stack").unwrap().iter().collect();
        assert_eq!(found[0], Posting { source: 0, positions: vec![0] });
        assert_eq!(found[1], Posting { source: 2, positions: vec![0, 1] });
        assert!(index.postings("heap").is_none());
        assert_eq!(index.vocabulary(), 6);
    }
}
