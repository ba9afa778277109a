//! The header: the first words of a region, which say what wrote it and where its tables lie. All words are zero until a
//! tracker claims the region.

use super::layout::{Counts, Machine};
use super::read::Memory;

/// The first word, in the target's byte order, which it shows. In a little-endian file it reads `\x89MTI`.
pub const MAGIC: u32 = u32::from_le_bytes(*b"\x89MTI");
/// The version of the header, the [records](super::records) and the [rules](super::rules).
pub const VERSION: u32 = 1;

const BUILD: usize = 1;
const TARGET: usize = 2;
const SIZE: usize = 3;
const DEPTH: usize = 4;
const NAME: usize = 5;
const NAME_WORDS: usize = 4;
/// The word that says where the stages' tables are counted from. It is known when the program runs.
pub const STAGES: usize = NAME + NAME_WORDS;
/// The word that says where the timeline is counted from, likewise.
pub const TIMELINE: usize = STAGES + 1;
const MARKS: usize = TIMELINE + 1;
const PLACES: usize = MARKS + 1;
/// Words of a place.
const PLACE: usize = 3;
/// Words of the header. The credit lies right behind it.
pub const WORDS: usize = PLACES + PLACE * TABLES;

/// The tables, in the order of their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Thread slots.
    Slots,
    /// Stack nodes.
    Nodes,
    /// Cells.
    Cells,
    /// Tags.
    Tags,
    /// Heaps.
    Heaps,
    /// Finished stages.
    Finished,
    /// Stages that run.
    Active,
    /// Points of the timeline.
    Points,
}

/// How many tables there are.
pub const TABLES: usize = Table::Points as usize + 1;

/// Where a table lies: a `u32` with the number of its records, then the records, aligned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Where it begins: behind the region's first byte; of stages and the timeline, behind that of their word.
    pub offset: u32,
    /// Bytes from one record to the next.
    pub stride: u32,
    /// Records that fit.
    pub capacity: u32,
}

/// Bytes of the unwinder's name that are kept.
pub const UNWINDER_BYTES: usize = 4 * NAME_WORDS;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The target's widths and byte order.
    pub machine: Machine,
    /// [`Arch`](crate::Arch), by its code.
    pub arch: u8,
    /// [`Os`](crate::Os), by its code.
    pub os: u8,
    /// How many there are of what depends on the tracker. The slots are those of their [place](Self::places).
    pub counts: Counts,
    /// Bytes of the region.
    pub size: u32,
    /// Most frames captured of a stack, of 24 bits.
    pub depth: u32,
    /// The unwinder's name, filled up with zeros.
    pub unwinder: [u8; UNWINDER_BYTES],
    /// Where the tables of stages are counted from.
    pub stages: u32,
    /// Where the timeline is counted from.
    pub timeline: u32,
    /// Where the [marks](super::records::Head) lie.
    pub marks: u16,
    /// Bytes from there to the head's last field.
    pub marks_end: u16,
    /// Where each [`Table`] lies.
    pub places: [Place; TABLES],
}

impl Header {
    /// The header's words.
    #[must_use]
    pub const fn words(&self) -> [u32; WORDS] {
        let mut words = [0; WORDS];
        words[0] = MAGIC;
        words[BUILD] = VERSION | (self.machine.pointer as u32) << 16 | (self.machine.long as u32) << 24;
        words[TARGET] =
            u32::from_le_bytes([self.arch, self.os, self.counts.causes as u8, self.counts.classes as u8]);
        words[SIZE] = self.size;
        words[DEPTH] = self.depth & DEPTH_MASK | (self.counts.top_threads as u32) << DEPTH_BITS;
        words[STAGES] = self.stages;
        words[TIMELINE] = self.timeline;
        words[MARKS] = self.marks as u32 | (self.marks_end as u32) << 16;
        let mut i = 0;
        while i < TABLES {
            words[PLACES + PLACE * i] = self.places[i].offset;
            words[PLACES + PLACE * i + 1] = self.places[i].stride;
            words[PLACES + PLACE * i + 2] = self.places[i].capacity;
            i += 1;
        }
        with_unwinder(words, &self.unwinder)
    }

    /// The header that begins an image.
    ///
    /// # Errors
    /// When it is no header of this version.
    pub fn read(bytes: &[u8]) -> Result<Header, NoHeader> {
        let big_endian = is_big_endian(bytes).ok_or(NoHeader::OtherBytes)?;
        let bytes = bytes.get(..4 * WORDS).ok_or(NoHeader::CutOff)?;
        let memory = Memory { bytes, machine: Machine { big_endian, ..Machine::HERE } };
        let words: [u32; WORDS] = core::array::from_fn(|place| memory.u32(4 * place));
        let [low, high, pointer, long] = words[BUILD].to_le_bytes();
        if u32::from(u16::from_le_bytes([low, high])) != VERSION {
            return Err(NoHeader::OtherVersion);
        }
        let machine = Machine { big_endian, pointer: pointer.into(), long: long.into() };
        if !matches!((machine.pointer, machine.long), (4 | 8, 4 | 8)) {
            return Err(NoHeader::Damaged);
        }
        let [arch, os, causes, classes] = words[TARGET].to_le_bytes();
        let places: [Place; TABLES] = core::array::from_fn(|table| {
            let at = PLACES + PLACE * table;
            Place { offset: words[at], stride: words[at + 1], capacity: words[at + 2] }
        });
        let counts = Counts {
            causes: causes.into(),
            classes: classes.into(),
            top_threads: (words[DEPTH] >> DEPTH_BITS) as usize,
            slots: places[Table::Slots as usize].capacity as usize,
        };
        Ok(Header {
            machine,
            arch,
            os,
            counts,
            size: words[SIZE],
            depth: words[DEPTH] & DEPTH_MASK,
            unwinder: unwinder(&words),
            stages: words[STAGES],
            timeline: words[TIMELINE],
            marks: words[MARKS] as u16,
            marks_end: (words[MARKS] >> 16) as u16,
            places,
        })
    }

    /// Where a table begins, behind the region's first byte.
    #[must_use]
    pub const fn offset(&self, table: Table) -> usize {
        let base = match table {
            Table::Finished | Table::Active => self.stages,
            Table::Points => self.timeline,
            _ => 0,
        };
        (self.places[table as usize].offset as usize).saturating_add(base as usize)
    }
}

/// Bits of the depth in its word. The rest are those of [`Counts::top_threads`].
const DEPTH_BITS: u32 = 24;
const DEPTH_MASK: u32 = (1 << DEPTH_BITS) - 1;

/// Why bytes are not read as an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHeader {
    /// They begin no image.
    OtherBytes,
    /// They end in the header.
    CutOff,
    /// The image is of another version.
    OtherVersion,
    /// It has widths that no machine has.
    Damaged,
}

/// The byte order of the image that begins with `bytes`; `None` when they begin none.
#[must_use]
pub fn is_big_endian(bytes: &[u8]) -> Option<bool> {
    let first = *bytes.first_chunk::<4>()?;
    match (u32::from_le_bytes(first), u32::from_be_bytes(first)) {
        (MAGIC, _) => Some(false),
        (_, MAGIC) => Some(true),
        _ => None,
    }
}

/// A word of the header that begins with `bytes`, of any version of it.
fn word_of_any(bytes: &[u8], place: usize) -> Option<u32> {
    let word = bytes.get(4 * place..)?.first_chunk::<4>()?;
    Some(if is_big_endian(bytes)? { u32::from_be_bytes(*word) } else { u32::from_le_bytes(*word) })
}

/// Bytes of the region whose image begins with `bytes`, of any version; `None` when they begin none.
#[must_use]
pub fn size_of_any(bytes: &[u8]) -> Option<u64> {
    word_of_any(bytes, SIZE).map(u64::from)
}

/// Where the image that begins with `bytes` has the number of its thread slots in use.
#[must_use]
pub fn slots_of_any(bytes: &[u8]) -> Option<u64> {
    word_of_any(bytes, PLACES + PLACE * Table::Slots as usize).map(u64::from)
}

/// The header's words with the unwinder's name in them, or its first [`UNWINDER_BYTES`].
#[must_use]
pub const fn with_unwinder(mut words: [u32; WORDS], name: &[u8]) -> [u32; WORDS] {
    let mut i = 0;
    while i < name.len() && i < UNWINDER_BYTES {
        words[NAME + i / 4] |= (name[i] as u32) << (8 * (i % 4));
        i += 1;
    }
    words
}

/// The unwinder's name in the header's words, filled up with zeros.
#[must_use]
pub fn unwinder(words: &[u32; WORDS]) -> [u8; UNWINDER_BYTES] {
    let name: [u32; NAME_WORDS] = core::array::from_fn(|word| words[NAME + word]);
    super::key::to_bytes(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_the_same_after_it_was_written() {
        let place = |n: u32| Place { offset: 1000 * n, stride: 10 * n, capacity: n };
        let header = Header {
            machine: Machine { big_endian: false, pointer: 4, long: 8 },
            arch: 4,
            os: 0,
            counts: Counts { causes: 18, classes: 40, top_threads: 8, slots: 1 },
            size: 123_456,
            depth: 128,
            unwinder: *b"frame-pointer\0\0\0",
            stages: 5000,
            timeline: 6000,
            marks: 168,
            marks_end: 400,
            places: [1, 2, 3, 4, 5, 6, 7, 8].map(place),
        };
        let mut bytes = [0; 4 * WORDS];
        for (to, word) in bytes.chunks_exact_mut(4).zip(header.words()) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        assert_eq!(Header::read(&bytes), Ok(header));
        assert_eq!((header.offset(Table::Nodes), header.offset(Table::Active)), (2000, 12_000));
        for (to, word) in bytes.chunks_exact_mut(4).zip(header.words()) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        let machine = Machine { big_endian: true, ..header.machine };
        assert_eq!(Header::read(&bytes), Ok(Header { machine, ..header }));
        assert_eq!(Header::read(&bytes[..100]), Err(NoHeader::CutOff));
        assert_eq!(Header::read(b"\x89MTK"), Err(NoHeader::OtherBytes));
    }

    #[test]
    fn tables_of_stages_and_points_have_bases_of_their_own() {
        let header = Header {
            machine: Machine::HERE,
            arch: 0,
            os: 0,
            counts: Counts { causes: 0, classes: 0, top_threads: 0, slots: 0 },
            size: 0,
            depth: 0,
            unwinder: [0; UNWINDER_BYTES],
            stages: 100,
            timeline: 200,
            marks: 0,
            marks_end: 0,
            places: [1, 2, 3, 4, 5, 6, 7, 8].map(|offset| Place { offset, ..Place::default() }),
        };
        let tables = [Table::Slots, Table::Heaps, Table::Finished, Table::Active, Table::Points];
        assert_eq!(tables.map(|table| header.offset(table)), [1, 5, 106, 107, 208]);
    }

    #[test]
    fn words_of_any_version_are_found_in_both_byte_orders() {
        let mut words = [0; WORDS];
        // docs/wire-format.md: word 3 has the size, and word 12 has where the thread slots lie.
        (words[0], words[1], words[3], words[12]) = (MAGIC, 99, 123_456, 0x01_02_03_04);
        let mut bytes = [0; 4 * WORDS];
        for order in [u32::to_le_bytes, u32::to_be_bytes] {
            for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
                to.copy_from_slice(&order(word));
            }
            assert_eq!((size_of_any(&bytes), slots_of_any(&bytes)), (Some(123_456), Some(0x01_02_03_04)));
            assert_eq!(Header::read(&bytes), Err(NoHeader::OtherVersion));
        }
        assert_eq!((size_of_any(&bytes[..15]), slots_of_any(&bytes[..51])), (None, None), "cut off");
        assert_eq!((size_of_any(&[1; 64]), slots_of_any(&[1; 64])), (None, None), "no image");
    }

    #[test]
    fn widths_that_no_machine_has_are_damage() {
        let mut bytes = [0; 4 * WORDS];
        bytes[..4].copy_from_slice(b"\x89MTI");
        for (widths, damaged) in [([4, 8], false), ([8, 4], false), ([2, 8], true), ([8, 16], true)] {
            bytes[4..8].copy_from_slice(&[1, 0, widths[0], widths[1]]);
            assert_eq!(Header::read(&bytes).err(), damaged.then_some(NoHeader::Damaged), "{widths:?}");
        }
    }

    #[test]
    fn a_name_is_filled_up_with_zeros_or_cut() {
        let name = |name: &[u8]| unwinder(&with_unwinder([0; WORDS], name));
        assert_eq!(name(b"cfi"), *b"cfi\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(name(b"an unwinder of your own"), *b"an unwinder of y");
        let words = with_unwinder([0; WORDS], b"an unwinder of your own");
        assert_eq!(words[STAGES..], [0; WORDS - STAGES], "nothing is written behind the name");
    }
}
