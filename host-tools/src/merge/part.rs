//! A dump to merge.

use std::path::Path;

use crate::reader::Dump;

/// A dump to merge.
pub struct Part<'p> {
    /// The file that holds it.
    pub path: &'p Path,
    /// Its content.
    pub dump: &'p Dump<'p>,
}
