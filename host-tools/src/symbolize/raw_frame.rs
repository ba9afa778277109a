//! A frame as it is in a binary.

use std::borrow::Cow;

/// A frame as in the binary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct RawFrame<'i> {
    /// The symbol, mangled if the compiler mangles.
    pub(super) symbol: Option<Cow<'i, str>>,
    /// Path of the source file.
    pub(super) file: Option<Cow<'i, str>>,
    /// The line in that file; 0 if unknown.
    pub(super) line: u32,
}
