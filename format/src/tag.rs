//! The four-letter names of sections. Those of this version are columns of the table of records (`table.rs`).

/// The kind of records in a section. A reader skips sections of unknown tags: newer writers may add them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub [u8; 4]);

impl core::fmt::Debug for Tag {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|&byte| write!(f, "{}", core::ascii::escape_default(byte)))
    }
}
