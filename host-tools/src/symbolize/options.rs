//! How to name addresses.

use std::sync::Arc;

use super::find::Search;
use super::progress::Progress;

/// How to name addresses.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to search for binaries.
    pub search: Search,
    /// Whether inlined functions are frames of their own.
    pub inlines: bool,
    /// Whether to search for names at all.
    pub names: bool,
    /// Counts the addresses that have been named.
    pub progress: Arc<Progress>,
}

impl Default for Options {
    fn default() -> Self {
        Options { search: Search::default(), inlines: true, names: true, progress: Arc::default() }
    }
}
