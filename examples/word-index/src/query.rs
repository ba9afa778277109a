//! Stage `query`: rank the documents that match.
//!
//! The score is Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) with the
//! usual `k1 = 1.2`, `b = 0.75`, plus a bonus for words that are close together, for which the index has positions.

use std::collections::BTreeMap;

use crate::index::{Index, Postings};
use crate::tokenise::{Words, fold_case};

const K1: f64 = 1.2;
const B: f64 = 0.75;
/// The score of two different query words side by side; a gap of `n` words divides it by `n`.
const CLOSENESS: f64 = 4.0;

/// A document that matches.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) source: u32,
    pub(crate) score: f64,
    /// The word to show: the place where the query's words are closest together.
    pub(crate) position: u32,
}

/// A query and its best results.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) query: String,
    pub(crate) matches: usize,
    pub(crate) hits: Vec<Hit>,
}

impl Index {
    /// The `top` best documents for the words of `query`.
    pub(crate) fn answer(&self, query: &str, top: usize) -> Answer {
        let mut matches: BTreeMap<u32, Candidate> = BTreeMap::new();
        let average =
            self.lengths.iter().map(|&length| f64::from(length)).sum::<f64>() / self.lengths.len() as f64;
        for (number, word) in distinct_words(query).into_iter().enumerate() {
            let Some(postings) = self.postings(&word) else { continue };
            let rarity = self.rarity(postings);
            for posting in postings.iter() {
                let length = f64::from(self.lengths[posting.source as usize]);
                let candidate = matches.entry(posting.source).or_default();
                candidate.score += rarity * saturation(posting.positions.len() as f64, length / average);
                candidate.occurrences.extend(posting.positions.iter().map(|&position| (position, number)));
            }
        }
        let count = matches.len();
        let mut hits: Vec<Hit> =
            matches.into_iter().map(|(source, candidate)| candidate.hit(source)).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.source.cmp(&b.source)));
        hits.truncate(top);
        Answer { query: query.into(), matches: count, hits }
    }

    /// Inverse document frequency, never negative.
    fn rarity(&self, postings: &Postings) -> f64 {
        let (all, having) = (self.lengths.len() as f64, f64::from(postings.documents));
        ((all - having + 0.5) / (having + 0.5)).ln_1p()
    }
}

/// The score of `count` occurrences in a document of this length relative to the average.
fn saturation(count: f64, length: f64) -> f64 {
    count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length))
}

fn distinct_words(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in Words::new(query) {
        let mut lower = String::new();
        fold_case(word.text, &mut lower);
        if !words.contains(&lower) {
            words.push(lower);
        }
    }
    words
}

/// A document while it is being scored.
#[derive(Default)]
struct Candidate {
    score: f64,
    /// `(position, number of the query's word)`.
    occurrences: Vec<(u32, usize)>,
}

impl Candidate {
    fn hit(mut self, source: u32) -> Hit {
        self.occurrences.sort_unstable();
        let closest = self
            .occurrences
            .windows(2)
            .filter(|pair| pair[0].1 != pair[1].1)
            .min_by_key(|pair| pair[1].0 - pair[0].0);
        match closest {
            Some(pair) => {
                let bonus = CLOSENESS / f64::from(pair[1].0 - pair[0].0);
                Hit { source, score: self.score + bonus, position: pair[0].0 }
            }
            None => Hit { source, score: self.score, position: self.occurrences[0].0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Document;
    use crate::tokenise::blocks;

    fn index(texts: &[&str]) -> Index {
        let documents = texts.iter().zip(0..).map(|(&text, source)| Document { source, text: text.into() });
        Index::build(blocks(documents.collect(), 2))
    }

    fn ranking(answer: &Answer) -> Vec<u32> {
        answer.hits.iter().map(|hit| hit.source).collect()
    }

    #[test]
    fn a_rare_word_counts_more_than_a_common_one() {
        let index = index(&["the heap", "the stack", "the end", "heap of the"]);
        assert_eq!(ranking(&index.answer("the stack", 1)), [1]);
    }

    #[test]
    fn words_side_by_side_win() {
        let index = index(&[
            "lock one two three four free",
            "one lock free two three four",
            "nothing of that sort here now",
        ]);
        let answer = index.answer("Lock-free", 5);
        assert_eq!((answer.matches, ranking(&answer)), (2, vec![1, 0]));
        assert_eq!(answer.hits[0].position, 1);
    }

    #[test]
    fn equal_scores_keep_the_order_of_the_documents() {
        let index = index(&["same text", "same text", "same text"]);
        assert_eq!(ranking(&index.answer("same", 2)), [0, 1]);
        assert!(index.answer("absent", 2).hits.is_empty());
    }
}
