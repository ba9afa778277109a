//! The string table: each text once, the empty one first.

use indexmap::IndexSet;

/// Texts by number.
pub(super) struct Strings(IndexSet<String>);

impl Default for Strings {
    fn default() -> Self {
        Strings(IndexSet::from([String::new()]))
    }
}

impl Strings {
    /// The number of a text.
    pub(super) fn add(&mut self, text: &str) -> i64 {
        let known = self.0.get_index_of(text);
        known.unwrap_or_else(|| self.0.insert_full(text.into()).0) as i64
    }

    pub(super) fn into_table(self) -> Vec<String> {
        self.0.into_iter().collect()
    }
}
