//! The reader of a dump. A dump is a sequence of snapshots; a snapshot is a header and sections.
//!
//! The reader yields everything before damage. Behind damage it searches for the next intact header or section.

use crate::frame::{Frame, Head, is_cut_off, may_begin};
use crate::section::Section;
use crate::{CURRENT, HEADER_LEN, MAGIC, MAX_PAYLOAD, MIN_SUPPORTED, OVERHEAD};

/// Why a file is not read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// The file does not begin with [`MAGIC`].
    NotADump,
    /// The file has a newer version of the format.
    TooNew(u16),
    /// The file has a version that is no longer read.
    TooOld(u16),
}

/// The kind of damage at one place of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// The file ends in the middle of a header or section.
    Truncated,
    /// A header or section with a wrong CRC-32, or bytes that are neither.
    Corrupt,
    /// A snapshot of a version that is not read.
    Version(u16),
    /// So much of the file is damaged that the reader has stopped its search.
    GivenUp,
}

/// Bytes that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The offset of the first of them in the dump.
    pub offset: usize,
    /// How many there are.
    pub length: usize,
    /// The kind of damage.
    pub kind: DamageKind,
}

/// A piece of a dump.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A snapshot begins.
    Snapshot {
        /// The offset of its header.
        offset: usize,
        /// Its version.
        version: u16,
    },
    /// A section with the right CRC-32.
    Section(Section<'a>),
    /// Bytes that could not be read.
    Damage(Damage),
}

/// Reads a dump in memory: an iterator over its [`Item`]s.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The bytes whose CRC-32 may still turn out wrong. A hostile file is full of beginnings of long sections: this bounds the
    /// time that it takes.
    search: usize,
}

impl<'a> Reader<'a> {
    /// Opens a dump.
    ///
    /// # Errors
    /// When the bytes are no dump, or have a version that is not read.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Rejected> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Rejected::NotADump);
        }
        if let Some(Head::Header { version }) =
            Frame::at(bytes).filter(Frame::is_intact).map(|frame| frame.head)
        {
            if version > CURRENT {
                return Err(Rejected::TooNew(version));
            }
            if version < MIN_SUPPORTED {
                return Err(Rejected::TooOld(version));
            }
        }
        Ok(Self::damaged(bytes))
    }

    /// Opens a dump whose beginning may be missing, as after a late start on a serial line.
    #[must_use]
    pub fn damaged(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0, search: bytes.len().saturating_mul(4).saturating_add(4 * MAX_PAYLOAD) }
    }

    fn item(&mut self, head: Head<'a>) -> Item<'a> {
        let offset = self.at;
        match head {
            Head::Header { version } => {
                self.at += HEADER_LEN;
                if (MIN_SUPPORTED..=CURRENT).contains(&version) {
                    return Item::Snapshot { offset, version };
                }
                let length = self.next_header() - offset;
                self.at = offset + length;
                Item::Damage(Damage { offset, length, kind: DamageKind::Version(version) })
            }
            Head::Section { tag, payload } => {
                self.at += OVERHEAD + payload.len();
                Item::Section(Section { tag, offset: offset + 8, payload })
            }
        }
    }

    fn next_header(&self) -> usize {
        let rest = &self.bytes[self.at..];
        rest.windows(MAGIC.len()).position(|w| w == MAGIC).map_or(self.bytes.len(), |i| self.at + i)
    }

    /// Whether the frame's CRC-32 is right. A wrong one is charged to the search.
    fn fits(&mut self, frame: &Frame<'_>) -> bool {
        let fits = frame.is_intact();
        if !fits {
            self.search = self.search.saturating_sub(frame.cost());
        }
        fits
    }

    /// Skips to the next intact header or section.
    fn resynchronise(&mut self) -> Damage {
        let offset = self.at;
        let mut kind =
            if is_cut_off(&self.bytes[offset..]) { DamageKind::Truncated } else { DamageKind::Corrupt };
        self.at += 1;
        while self.at < self.bytes.len() {
            if self.search == 0 {
                kind = DamageKind::GivenUp;
                self.at = self.bytes.len();
                break;
            }
            // Few bytes can be the first byte of a frame: skip the others without a look at what follows.
            match self.bytes[self.at..].iter().position(|&byte| may_begin(byte)) {
                Some(skipped) => self.at += skipped,
                None => {
                    self.at = self.bytes.len();
                    break;
                }
            }
            let frame = Frame::at(&self.bytes[self.at..]).filter(Frame::is_known);
            if frame.is_some_and(|frame| self.fits(&frame)) {
                break;
            }
            self.at += 1;
        }
        Damage { offset, length: self.at - offset, kind }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        Some(match Frame::at(rest).filter(|frame| self.fits(frame)) {
            Some(frame) => self.item(frame.head),
            None => Item::Damage(self.resynchronise()),
        })
    }
}
