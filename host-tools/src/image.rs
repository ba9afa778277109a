//! Makes a dump of a memory image.
//!
//! An image is a copy of a tracker's tables as they lie in the memory of its program. It comes from a
//! recording (`MEMTRACK_RECORD`), whose program may have been killed or may still run, or from a debugger
//! that saved `MEMTRACK_REGION`. The rest of this crate reads dumps only, so an image becomes a dump first.
//!
//! - `header`: the first words, which say where each table lies.
//! - `memory`: reads integers in the byte order and widths of the target.
//! - `records`, `stages`: the fields of each kind of record.
//! - `tables`: the records that are in use.
//! - `peaks`: computes how much each account held at a peak.
//! - `annex`: the data that a recording has behind its tables.
//! - `write`: encodes the dump.
//!
//! `docs/wire-format.md` specifies the layout. An image is untrusted: every offset is checked, and no memory
//! is reserved on the word of a field.

mod annex;
mod header;
mod memory;
mod peaks;
mod records;
mod stages;
mod tables;
mod write;

pub use header::{claimed_size, is_image};

use crate::extents::Extents;

/// The dump made of an image, and how reading went.
pub struct Image {
    /// The dump.
    pub dump: Vec<u8>,
    /// Problems of the image, one line each.
    pub notes: Vec<String>,
    /// Whether part of the image could not be read.
    pub damaged: bool,
    /// The process that made the image, when the recording names it.
    pub pid: Option<u32>,
}

/// Makes a dump of an image. Bytes outside of `extents` are zero.
///
/// `now` is the end of everything that still runs, in nanoseconds since 1970. Without it, the latest time in
/// the image is the end.
///
/// # Errors
/// Returns the reason why the image can't be read.
pub fn read(bytes: &[u8], extents: &Extents, now: Option<u64>) -> Result<Image, &'static str> {
    let header = header::Header::read(bytes)?;
    let behind = bytes.get(header.size..).unwrap_or_default();
    let condensed;
    let (fragments, has_ended) = match annex::current(behind, header.rule.big_endian) {
        Some(current) => current,
        None => {
            condensed = extents.condensed(bytes, header.size);
            (condensed.as_ref().map_or(behind, |(data, _)| &data[..]), false)
        }
    };
    let annex = annex::Annex::read(fragments);
    let tables = tables::Tables::read(&header, bytes, extents);
    let dump = write::dump(&header, &tables, &annex, now);
    let mut notes = Vec::new();
    if let Some(missing) = header.size.checked_sub(bytes.len()).filter(|&missing| missing > 0) {
        notes.push(format!(
            "the image is cut off: {missing} of its {} bytes are missing and count as zero",
            header.size
        ));
    }
    if tables.strays > 0 {
        notes.push(format!(
            "{} stack frames of the image were being written or are damaged: their callers are missing",
            tables.strays
        ));
    }
    if has_ended {
        notes.push(
            "the recording ended before its program, for lack of space: later allocations are missing".into(),
        );
    }
    if annex.damaged {
        notes.push("the list of modules in the recording ends early: some modules may be missing".into());
    }
    let damaged = bytes.len() < header.size || annex.damaged;
    Ok(Image { dump, notes, damaged, pid: annex.target.map(|target| target.pid) })
}
