//! The names of frames, each stored once.

use indexmap::IndexSet;

/// Texts by number. Number 0 is the empty text.
pub(super) struct Labels(IndexSet<String>);

impl Default for Labels {
    fn default() -> Self {
        Labels(IndexSet::from([String::new()]))
    }
}

impl Labels {
    /// The number of a text. A profile has far fewer frames than a `u32` counts.
    pub(super) fn label(&mut self, text: &str) -> u32 {
        let labels = &mut self.0;
        labels.get_index_of(text).unwrap_or_else(|| labels.insert_full(text.into()).0) as u32
    }

    /// The text with a number.
    pub(super) fn text(&self, label: u32) -> &str {
        self.0.get_index(label as usize).map_or("", String::as_str)
    }

    /// The number of texts.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All texts, by number.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The place of each text in alphabetical order, by number.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let texts: Vec<&str> = self.all().collect();
        let mut order: Vec<u32> = (0..).take(texts.len()).collect();
        order.sort_unstable_by_key(|&label| texts[label as usize]);
        let mut ranks = vec![0; texts.len()];
        (0..).zip(order).for_each(|(place, label)| ranks[label as usize] = place);
        ranks
    }
}
