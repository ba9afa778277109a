//! The header of an image: the target, and where each table lies.

use super::memory::{Memory, Rule};

const MAGIC: u32 = u32::from_le_bytes(*b"\x89MTI");
const VERSION: u32 = 1;

/// Indexes of words in the header.
const STAGES: usize = 9;
const TIMELINE: usize = 10;
const MARKS: usize = 11;
const PLACES: usize = 12;
const WORDS: usize = PLACES + 3 * 8;

/// Where a table lies.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) stride: usize,
    pub(super) capacity: usize,
}

pub(super) struct Header {
    pub(super) rule: Rule,
    pub(super) arch: u8,
    pub(super) os: u8,
    pub(super) causes: usize,
    pub(super) classes: usize,
    pub(super) top_threads: usize,
    pub(super) depth: u32,
    /// Bytes of header and tables. A recording's annex begins behind them.
    pub(super) size: usize,
    pub(super) unwinder: Vec<u8>,
    pub(super) marks: usize,
    /// Bytes from the marks to the last word of the head.
    pub(super) head: usize,
    pub(super) threads: Place,
    pub(super) nodes: Place,
    pub(super) cells: Place,
    pub(super) tags: Place,
    pub(super) heaps: Place,
    pub(super) finished: Place,
    pub(super) active: Place,
    pub(super) timeline: Place,
}

/// The byte order of an image; `None` when the bytes are no image.
fn is_big_endian(bytes: &[u8]) -> Option<bool> {
    let first = *bytes.first_chunk::<4>()?;
    match (u32::from_le_bytes(first), u32::from_be_bytes(first)) {
        (MAGIC, _) => Some(false),
        (_, MAGIC) => Some(true),
        _ => None,
    }
}

/// Whether a file begins like an image.
#[must_use]
pub fn is_image(bytes: &[u8]) -> bool {
    is_big_endian(bytes).is_some()
}

/// The size of header and tables that an image claims in its first bytes; `None` when the bytes are no image.
#[must_use]
pub fn claimed_size(bytes: &[u8]) -> Option<usize> {
    Some(Header::read(bytes).ok()?.size)
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Result<Header, &'static str> {
        let big_endian = is_big_endian(bytes).ok_or("its first bytes are not those of a dump")?;
        let memory = Memory { bytes, big_endian };
        let words: [u32; WORDS] = std::array::from_fn(|place| memory.u32(4 * place));
        if bytes.len() < 4 * WORDS {
            return Err("it is a memory image that is cut off in its header");
        }
        if words[1] & 0xffff != VERSION {
            return Err(
                "it is a memory image of another version of memtrack: read it with the memtrack-fold of that version",
            );
        }
        let byte = |word: usize, place: usize| words[word].to_le_bytes()[place];
        let rule = Rule { big_endian, pointer: byte(1, 2).into(), long: byte(1, 3).into() };
        if !matches!((rule.pointer, rule.long), (4 | 8, 4 | 8)) {
            return Err(DAMAGED);
        }
        let place = |number: usize, base: usize| Place {
            offset: (words[PLACES + 3 * number] as usize).saturating_add(base),
            stride: words[PLACES + 3 * number + 1] as usize,
            capacity: words[PLACES + 3 * number + 2] as usize,
        };
        let name = words[5..9].iter().flat_map(|word| word.to_le_bytes());
        let (stages, timeline) = (words[STAGES] as usize, words[TIMELINE] as usize);
        Ok(Header {
            rule,
            arch: byte(2, 0),
            os: byte(2, 1),
            causes: byte(2, 2).into(),
            classes: byte(2, 3).into(),
            top_threads: byte(4, 3).into(),
            depth: words[4] & 0xff_ffff,
            size: words[3] as usize,
            unwinder: name.take_while(|&byte| byte != 0).collect(),
            marks: (words[MARKS] & 0xffff) as usize,
            head: (words[MARKS] >> 16) as usize,
            threads: place(0, 0),
            nodes: place(1, 0),
            cells: place(2, 0),
            tags: place(3, 0),
            heaps: place(4, 0),
            finished: place(5, stages),
            active: place(6, stages),
            timeline: place(7, timeline),
        })
        .and_then(Header::checked)
    }

    /// Checks that every table lies in the image and that its records have the size of this version.
    fn checked(self) -> Result<Header, &'static str> {
        use super::records::{Account, Node, Slot, Tag};
        use super::stages::{Active, Point, Stage};
        use super::tables::Head;
        let tables = [
            (&self.threads, Slot::size(&self)),
            (&self.nodes, Node::size(&self)),
            (&self.cells, Account::size(&self)),
            (&self.tags, Tag::size(&self)),
            (&self.heaps, Tag::size(&self)),
            (&self.finished, Stage::size(&self)),
            (&self.active, Active::size(&self)),
            (&self.timeline, Point::size(&self)),
        ];
        for (place, record) in tables {
            let bytes =
                place.stride.checked_mul(place.capacity).and_then(|bytes| bytes.checked_add(place.offset));
            if bytes.is_none_or(|end| end > self.size) {
                return Err(DAMAGED);
            }
            if place.stride != record {
                return Err(OTHER);
            }
        }
        if self.head != Head::size(&self) {
            return Err(OTHER);
        }
        Ok(self)
    }
}

const DAMAGED: &str = "it is a memory image whose header is damaged";
const OTHER: &str =
    "it is a memory image whose tables have another layout: its memtrack was built from other sources";
/// Offset of the credit, which follows the header.
pub(super) const ROOM: usize = 4 * WORDS;
