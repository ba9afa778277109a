//! Makes a dump of a memory image.
//!
//! An image is a copy of a tracker's tables as they lie in the memory of its program. It comes from a
//! recording (`MEMTRACK_RECORD`), whose program may have been killed or may still run, or from a debugger
//! that saved `MEMTRACK_REGION`. The rest of this crate reads dumps only, so an image becomes a dump first.
//!
//! - `header`: checks the first words, which say where each table lies.
//! - `tables`: the records that are in use.
//! - `peaks`: computes how much each account held at a peak.
//! - `annex`: the data that a recording has behind its tables.
//! - `write`: encodes the dump.
//!
//! `memtrack_format::image` has the layout of every record and the rules of peaks. An image is untrusted: every offset is checked, and no memory
//! is reserved on the word of a field.

mod annex;
mod header;
mod peaks;
mod tables;
mod write;

pub use header::{claimed_size, is_image};

use memtrack_format::image::Memory;
use memtrack_format::image::annex::Current;

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
    /// When that process started, in a unit of its system's choice. 0 when it is unknown.
    pub started: u64,
}

/// Makes a dump of an image. Bytes outside of `extents` are zero.
///
/// `now` is the end of everything that still runs, in nanoseconds since 1970. Without it, the latest time in
/// the image is the end.
///
/// # Errors
/// Returns the reason why the image can't be read.
pub fn read(bytes: &[u8], extents: &Extents, now: Option<u64>) -> Result<Image, &'static str> {
    let header = header::read(bytes)?;
    let size = header.size as usize;
    let behind = bytes.get(size..).unwrap_or_default();
    let condensed;
    let (fragments, has_ended) = match Current::read(behind, header.machine) {
        Some(current) => (current.fragments, current.is_full),
        None => {
            condensed = extents.condensed(bytes, size);
            (condensed.as_ref().map_or(behind, |(data, _)| &data[..]), false)
        }
    };
    let annex = annex::Annex::read(fragments);
    let tables = tables::Tables::read(&header, bytes, extents);
    let memory = Memory { bytes, machine: header.machine };
    let dump = write::dump(&header, memory, &tables, &annex, now);
    let mut notes = Vec::new();
    if let Some(missing) = size.checked_sub(bytes.len()).filter(|&missing| missing > 0) {
        notes.push(format!(
            "the image is cut off: {missing} of its {size} bytes are missing and count as zero"
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
    let damaged = bytes.len() < size || annex.damaged;
    let started = annex.process.map_or(0, |process| process.started);
    Ok(Image { dump, notes, damaged, pid: annex.target.map(|target| target.pid), started })
}
