//! A dump as it was given.

use super::bytes::Bytes;
use crate::extents::Extents;

/// A dump as it was given: its bytes, and whether a compressed one ended early.
pub struct Input {
    /// The dump.
    pub bytes: Bytes,
    /// Where there is something in it.
    pub(super) extents: Extents,
    /// What was wrong with the compression, if anything: what stands before that is in `bytes`.
    pub unpacking: Option<String>,
    /// What is wrong with the memory image of which `bytes` is the dump, or with the line that it came over.
    pub notes: Vec<String>,
    /// Whether something of that image could not be read, or did not arrive.
    pub damaged: bool,
}

impl Input {
    pub(super) fn new(bytes: Bytes, extents: Extents) -> Self {
        Input { bytes, extents, unpacking: None, notes: Vec::new(), damaged: false }
    }
}
