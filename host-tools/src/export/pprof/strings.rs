//! The string table. It has each text once, and begins with the empty one.

use indexmap::IndexSet;

/// The texts.
pub(super) struct Strings(IndexSet<String>);

impl Default for Strings {
    fn default() -> Self {
        Strings(IndexSet::from([String::new()]))
    }
}

impl Strings {
    /// The index of a text.
    pub(super) fn add(&mut self, text: &str) -> i64 {
        let known = self.0.get_index_of(text);
        known.unwrap_or_else(|| self.0.insert_full(text.into()).0) as i64
    }

    pub(super) fn into_table(self) -> Vec<String> {
        self.0.into_iter().collect()
    }
}
