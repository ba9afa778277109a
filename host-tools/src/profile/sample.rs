//! Samples and their stacks.

use memtrack_format::Figures;

use crate::symbolize::Frame;

/// The figures of one combination of thread, tag, heap and stack.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Thread id.
    pub thread: u32,
    /// Tag id, 0 for none.
    pub tag: u32,
    /// Heap id, 0 for the wrapped allocator.
    pub heap: u32,
    /// Whether neither thread nor stack is known.
    pub unattributed: bool,
    /// Whether inner frames are missing.
    pub cut: bool,
    /// The innermost node.
    pub(super) node: u32,
    /// The figures.
    pub figures: Figures,
}

/// The position of a frame. Functions that were inlined at one address have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// Index of the address in [`crate::symbolize::Symbols::locations`].
    pub location: u32,
    /// Index in [`crate::symbolize::Location::frames`].
    pub inlined: u32,
}

/// A sample's frames.
pub struct Stack {
    /// The frames, innermost first.
    pub frames: Vec<Frame>,
    /// The position of each frame.
    pub places: Vec<At>,
    /// Whether outer frames are missing.
    pub truncated: bool,
}
