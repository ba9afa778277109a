//! Stage `tokenise`: cut text into words and hand each index shard its part of every document.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::read::Document;

/// A hash map whose order is the same in every run.
pub(crate) type WordMap<V> = HashMap<String, V, BuildHasherDefault<DefaultHasher>>;

/// Longer runs of letters are encoded data, not words.
const LONGEST_WORD: usize = 32;

/// The words of one document that belong to one shard, with the positions of each.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) source: u32,
    /// The number of words of the document in all shards together.
    pub(crate) length: u32,
    pub(crate) words: WordMap<Vec<u32>>,
}

/// Tokenises all documents on `workers` threads, for as many shards. The blocks wait in the channels.
pub(crate) fn blocks(documents: Vec<Document>, workers: usize) -> Vec<Receiver<Block>> {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..workers).map(|_| unbounded()).unzip();
    let (orders, todo) = unbounded();
    thread::scope(|scope| {
        for worker in 1..=workers {
            let (todo, senders) = (todo.clone(), senders.clone());
            thread::Builder::new()
                .name(format!("tokenise-{worker}"))
                .spawn_scoped(scope, move || todo.iter().for_each(|document| tokenise(document, &senders)))
                .expect("the system starts a thread");
        }
        for document in documents {
            orders.send(document).expect("a tokeniser is waiting");
        }
        drop(orders);
    });
    receivers
}

fn tokenise(document: Document, shards: &[Sender<Block>]) {
    let mut parts: Vec<WordMap<Vec<u32>>> = shards.iter().map(|_| WordMap::default()).collect();
    let mut length = 0;
    let mut lower = String::new();
    for word in Words::new(&document.text) {
        fold_case(word.text, &mut lower);
        let part = &mut parts[shard_of(&lower, shards.len())];
        match part.get_mut(&lower) {
            Some(positions) => positions.push(word.position),
            None => drop(part.insert(lower.clone(), vec![word.position])),
        }
        length = word.position + 1;
    }
    for (words, shard) in parts.into_iter().zip(shards) {
        shard.send(Block { source: document.source, length, words }).expect("the shard keeps its receiver");
    }
}

/// The shard that is responsible for a (lower-case) word.
pub(crate) fn shard_of(word: &str, shards: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    hasher.finish() as usize % shards
}

/// Writes `word` in lower case, and replaces the contents of `lower`.
pub(crate) fn fold_case(word: &str, lower: &mut String) {
    lower.clear();
    lower.extend(word.chars().flat_map(char::to_lowercase));
}

/// A word as it appears in the text.
#[derive(Debug, PartialEq)]
pub(crate) struct Word<'text> {
    pub(crate) text: &'text str,
    /// Byte offset in the text.
    pub(crate) offset: usize,
    /// The number of words before it.
    pub(crate) position: u32,
}

/// The words of a text: runs of letters and digits. Identifiers are cut at `_` and where `camelCase` changes case.
pub(crate) struct Words<'text> {
    text: &'text str,
    offset: usize,
    position: u32,
}

impl<'text> Words<'text> {
    pub(crate) fn new(text: &'text str) -> Self {
        Self { text, offset: 0, position: 0 }
    }

    /// The next run, whatever its length.
    fn run(&mut self) -> Option<(usize, &'text str)> {
        let rest = &self.text[self.offset..];
        let start = self.offset + rest.find(char::is_alphanumeric)?;
        let mut previous_is_lower = false;
        let turn = |c: char| {
            let turns = !c.is_alphanumeric() || (previous_is_lower && c.is_uppercase());
            previous_is_lower = c.is_lowercase();
            turns
        };
        let end = self.text[start..].find(turn).map_or(self.text.len(), |length| start + length);
        self.offset = end;
        Some((start, &self.text[start..end]))
    }
}

impl<'text> Iterator for Words<'text> {
    type Item = Word<'text>;

    fn next(&mut self) -> Option<Word<'text>> {
        loop {
            let (offset, text) = self.run()?;
            if (2..=LONGEST_WORD).contains(&text.len()) {
                let position = self.position;
                self.position += 1;
                return Some(Word { text, offset, position });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        Words::new(text).map(|word| word.text).collect()
    }

    #[test]
    fn identifiers_are_cut_where_they_turn() {
        assert_eq!(words("fn lock_free(HashMap, x: u32)"), ["fn", "lock", "free", "Hash", "Map", "u32"]);
        assert_eq!(words("Größe – naïve"), ["Größe", "naïve"]);
    }

    #[test]
    fn positions_count_words_and_offsets_count_bytes() {
        let last = Words::new("é one a two").last().unwrap();
        assert_eq!(last, Word { text: "two", offset: 9, position: 2 });
    }

    #[test]
    fn encoded_data_is_no_word() {
        assert!(words(&"f0".repeat(40)).is_empty());
    }

    #[test]
    fn every_word_reaches_exactly_one_shard() {
        let documents = vec![Document { source: 7, text: "One two one THREE".into() }];
        let mut found: Vec<_> = blocks(documents, 3).iter().flat_map(|shard| shard.iter()).collect();
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|block| block.source == 7 && block.length == 4));
        let mut all: Vec<_> = found.iter_mut().flat_map(|block| block.words.drain()).collect();
        all.sort();
        let expected = [("one", vec![0, 2]), ("three", vec![3]), ("two", vec![1])];
        assert_eq!(all, expected.map(|(word, positions)| (word.to_owned(), positions)));
    }
}
