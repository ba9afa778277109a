//! An address with its frames.

use super::internal::Origin;
use crate::modules::Place;

/// Text in [`Symbols`](super::Symbols).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(pub(super) u32);

/// One function at one line of the source.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Its readable name.
    pub function: Text,
    /// Its symbol as in the binary; the readable name if there is none.
    pub symbol: Text,
    /// Path of the source file.
    pub file: Option<Text>,
    /// The line in that file; 0 if unknown.
    pub line: u32,
    /// Whether it belongs to the program or to code below it.
    pub origin: Origin,
}

/// An address with its frames.
#[derive(Clone, Debug)]
pub struct Location {
    /// The address.
    pub address: u64,
    /// Its position in a module; `None` if it is outside of all modules.
    pub place: Option<Place>,
    /// The frames there, innermost first; never empty.
    pub frames: Vec<Frame>,
    /// Whether a name was found.
    pub named: bool,
}
