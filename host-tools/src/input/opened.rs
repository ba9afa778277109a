//! A dump in memory.

use super::bytes::Bytes;
use crate::extents::Extents;

/// A dump in memory, and how reading went.
pub struct Input {
    /// The dump.
    pub bytes: Bytes,
    /// The parts that have data.
    pub(super) extents: Extents,
    /// The error of the compression, if there was one. `bytes` has everything before it.
    pub unpacking: Option<String>,
    /// Problems of the memory image from which `bytes` was made, or of the line over which it came.
    pub notes: Vec<String>,
    /// Whether a part of the image was unreadable, or a part of the packets did not arrive.
    pub damaged: bool,
}

impl Input {
    pub(super) fn new(bytes: Bytes, extents: Extents) -> Self {
        Input { bytes, extents, unpacking: None, notes: Vec::new(), damaged: false }
    }
}
