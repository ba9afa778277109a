//! The reader: a dump is a sequence of snapshots, a snapshot a header and sections. Whatever the damage, what
//! stands before it is read, and what stands behind it is searched for.

use core::marker::PhantomData;

use crate::field::{Get, Malformed};
use crate::record::{Node, Record};
use crate::{CURRENT, HEADER_LEN, MAGIC, MAX_PAYLOAD, MIN_SUPPORTED, OVERHEAD, Tag, crc32, varint};

/// Why a file as a whole is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// It does not begin with [`MAGIC`].
    NotADump,
    /// It was written by a newer version of the format.
    TooNew(u16),
    /// It was written by a version that is no longer read.
    TooOld(u16),
}

/// What is wrong at one place of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// The file ends in the middle of a header or section.
    Truncated,
    /// A header or section whose CRC-32 does not fit, or bytes that are neither.
    Corrupt,
    /// A snapshot of a version that is not read.
    Version(u16),
    /// So much of the file is damaged that the search for the rest was given up.
    GivenUp,
}

/// Bytes that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where it begins.
    pub offset: usize,
    /// How many bytes were skipped.
    pub length: usize,
    /// What is wrong.
    pub kind: DamageKind,
}

/// A piece of a dump.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A snapshot begins.
    Snapshot {
        /// Where.
        offset: usize,
        /// Its version.
        version: u16,
    },
    /// A section whose CRC-32 fits.
    Section(Section<'a>),
    /// Bytes that could not be read.
    Damage(Damage),
}

/// A section.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    /// What it holds.
    pub tag: Tag,
    /// Where its payload begins in the dump.
    pub offset: usize,
    /// Its payload.
    pub payload: &'a [u8],
}

impl<'a> Section<'a> {
    /// Its records, for a section of that tag. After the first [`Malformed`] record the rest is not read.
    #[must_use]
    pub fn records<R: Record<'a>>(&self) -> Records<'a, R> {
        let bytes = if self.tag == R::TAG { self.payload } else { &[] };
        Records { rest: Get::new(bytes), record: PhantomData }
    }

    /// Its stack nodes with their ids, for a section of [`Tag::NODE`].
    #[must_use]
    pub fn nodes(&self) -> Nodes<'a> {
        let bytes = if self.tag == Tag::NODE { self.payload } else { &[] };
        Nodes { rest: Get::new(bytes), next: None, address: 0 }
    }
}

/// The records of a section.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a, R> {
    rest: Get<'a>,
    record: PhantomData<R>,
}

impl<'a, R: Record<'a>> Iterator for Records<'a, R> {
    type Item = Result<R, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result = self.rest.varint().and_then(|n| self.rest.bytes(n)).and_then(|b| R::get(&mut Get::new(b)));
        if result.is_err() {
            self.rest = Get::new(&[]);
        }
        Some(result)
    }
}

/// The stack nodes of a section.
#[derive(Clone, Copy, Debug)]
pub struct Nodes<'a> {
    rest: Get<'a>,
    next: Option<u32>,
    address: u64,
}

impl Nodes<'_> {
    fn read(&mut self) -> Result<(u32, Node), Malformed> {
        let id = match self.next {
            Some(id) => id,
            None => u32::try_from(self.rest.varint()?).map_err(|_| Malformed)?,
        };
        let up = u32::try_from(self.rest.varint()?).map_err(|_| Malformed)?;
        let parent = id.checked_sub(up).filter(|&parent| parent < id && id >= Node::FIRST).ok_or(Malformed)?;
        self.address = self.address.wrapping_add(varint::unzigzag(self.rest.varint()?) as u64);
        self.next = Some(id.checked_add(1).ok_or(Malformed)?);
        Ok((id, Node { parent, address: self.address }))
    }
}

impl Iterator for Nodes<'_> {
    type Item = Result<(u32, Node), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result = self.read();
        if result.is_err() {
            self.rest = Get::new(&[]);
        }
        Some(result)
    }
}

/// Reads a dump that lies in memory. Iterate for its [`Item`]s.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bytes whose CRC may still be computed in search of an undamaged section: keeps a hostile file from
    /// costing more than a few times its length.
    search: usize,
}

impl<'a> Reader<'a> {
    /// Opens a dump.
    ///
    /// # Errors
    /// When it is no dump, or of a version that is not read.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Rejected> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Rejected::NotADump);
        }
        if let Some(Head::Header { version, .. }) = head_at(bytes, 0) {
            if version > CURRENT {
                return Err(Rejected::TooNew(version));
            }
            if version < MIN_SUPPORTED {
                return Err(Rejected::TooOld(version));
            }
        }
        Ok(Self::damaged(bytes))
    }

    /// Opens what is left of a dump: the beginning may be missing, as after a late start on a serial line.
    #[must_use]
    pub fn damaged(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0, search: bytes.len().saturating_mul(4).saturating_add(4 * MAX_PAYLOAD) }
    }

    fn item(&mut self, head: Head<'a>) -> Item<'a> {
        let offset = self.at;
        match head {
            Head::Header { version, .. } => {
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

    /// Skips to the next header or section that is whole.
    fn resynchronise(&mut self) -> Damage {
        let offset = self.at;
        let mut kind = if cut_off(&self.bytes[offset..]) { DamageKind::Truncated } else { DamageKind::Corrupt };
        self.at += 1;
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            let cost = match rest {
                [b'\x89', ..] => HEADER_LEN,
                [a, b, c, d, l0, l1, l2, l3, ..] if Tag::ALL.contains(&Tag([*a, *b, *c, *d])) => {
                    let length = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
                    if length > MAX_PAYLOAD || length + OVERHEAD > rest.len() { 0 } else { length }
                }
                _ => 0,
            };
            if cost > 0 {
                if cost > self.search {
                    kind = DamageKind::GivenUp;
                    self.at = self.bytes.len();
                    break;
                }
                self.search -= cost;
                if head_at(self.bytes, self.at).is_some() {
                    break;
                }
            }
            self.at += 1;
        }
        Damage { offset, length: self.at - offset, kind }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if self.at >= self.bytes.len() {
            return None;
        }
        Some(match head_at(self.bytes, self.at) {
            Some(head) => self.item(head),
            None => Item::Damage(self.resynchronise()),
        })
    }
}

enum Head<'a> {
    Header { version: u16 },
    Section { tag: Tag, payload: &'a [u8] },
}

/// The header or section at `at`, when it is whole and its CRC-32 fits.
fn head_at(bytes: &[u8], at: usize) -> Option<Head<'_>> {
    let rest = bytes.get(at..)?;
    if rest.starts_with(&MAGIC) {
        let (body, crc) = rest.get(..HEADER_LEN)?.split_last_chunk::<4>()?;
        return (crc32(body) == u32::from_le_bytes(*crc))
            .then(|| Head::Header { version: u16::from_le_bytes([body[8], body[9]]) });
    }
    let (tag, after) = rest.split_first_chunk::<4>()?;
    let (length, after) = after.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_PAYLOAD {
        return None;
    }
    let payload = after.get(..length)?;
    let crc = after.get(length..length + 4)?;
    (crc32(&rest[..8 + length]).to_le_bytes() == crc).then_some(Head::Section { tag: Tag(*tag), payload })
}

/// Whether `rest` looks like the beginning of a header or section whose end is missing.
fn cut_off(rest: &[u8]) -> bool {
    if rest.len() < HEADER_LEN && MAGIC.starts_with(&rest[..rest.len().min(MAGIC.len())]) {
        return true;
    }
    match rest {
        [a, b, c, d, l0, l1, l2, l3, ..] => {
            let length = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
            Tag::ALL.contains(&Tag([*a, *b, *c, *d])) && length <= MAX_PAYLOAD && length + OVERHEAD > rest.len()
        }
        short => Tag::ALL.iter().any(|tag| short.starts_with(&tag.0[..short.len().min(4)])),
    }
}
