//! The header of an image: whether the tables lie as it says.

use memtrack_format::image::Value;
use memtrack_format::image::header::{self, Header, NoHeader, Table};
use memtrack_format::image::layout::offset;
use memtrack_format::image::records::{Account, Active, Head, Node, Point, Slot, Stage, Tag};

/// Whether a file begins like an image.
#[must_use]
pub fn is_image(bytes: &[u8]) -> bool {
    header::is_big_endian(bytes).is_some()
}

/// The size of header and tables that an image claims in its first bytes; `None` when the bytes are no image.
#[must_use]
pub fn claimed_size(bytes: &[u8]) -> Option<usize> {
    Some(read(bytes).ok()?.size as usize)
}

/// Reads the header. Every table lies in the image, and its records have the size of this version.
pub(super) fn read(bytes: &[u8]) -> Result<Header, &'static str> {
    let header = Header::read(bytes).map_err(|reason| match reason {
        NoHeader::OtherBytes => "its first bytes are not those of a dump",
        NoHeader::CutOff => "it is a memory image that is cut off in its header",
        NoHeader::OtherVersion => {
            "it is a memory image of another version of memtrack: read it with the memtrack-fold of that version"
        }
        NoHeader::Damaged => DAMAGED,
    })?;
    for (table, shape) in [
        (Table::Slots, &Slot::SHAPE),
        (Table::Nodes, &Node::SHAPE),
        (Table::Cells, &Account::SHAPE),
        (Table::Tags, &Tag::SHAPE),
        (Table::Heaps, &Tag::SHAPE),
        (Table::Finished, &Stage::SHAPE),
        (Table::Active, &Active::SHAPE),
        (Table::Points, &Point::SHAPE),
    ] {
        let place = header.places[table as usize];
        let record = shape.size(&header.machine, &header.counts);
        let (stride, capacity) = (place.stride as usize, place.capacity as usize);
        let end = stride.checked_mul(capacity).and_then(|bytes| bytes.checked_add(header.offset(table)));
        if end.is_none_or(|end| end > header.size as usize) {
            return Err(DAMAGED);
        }
        if stride != record {
            return Err(OTHER);
        }
    }
    let fields = Head::FIELDS;
    if usize::from(header.marks_end) != offset(fields, fields.len() - 1, &header.machine, &header.counts) {
        return Err(OTHER);
    }
    Ok(header)
}

/// Offset of the credit, which follows the header.
pub(super) const CREDIT: usize = size_of::<[u32; header::WORDS]>();

const DAMAGED: &str = "it is a memory image whose header is damaged";
const OTHER: &str =
    "it is a memory image whose tables have another layout: its memtrack was built from other sources";
