//! Memory images become dumps: the tables of a tracker as they lie in memory, from a recording (`MEMTRACK_RECORD`), whose
//! program may have been killed or still run, or from a debugger that saved `MEMTRACK_REGION`.
//!
//! `header` says what the image says of itself, `memory` reads it in the target's byte order and widths, `tables`
//! has what lies in it (`records`, `stages`), `peaks` what was held at a peak, and `write` makes a dump of it all, so that
//! everything else reads images without knowing it. `annex` is what a recording has behind its tables. The layout is in
//! `docs/wire-format.md`. An image is untrusted: every offset is checked, and nothing is reserved by what it says.

mod annex;
mod header;
mod memory;
mod peaks;
mod records;
mod stages;
mod tables;
mod write;

pub use header::{claimed_size, is_image};

use crate::input::Extents;

/// The dump that says what an image says.
pub struct Image {
    /// The dump.
    pub dump: Vec<u8>,
    /// What is wrong with the image, one line each.
    pub notes: Vec<String>,
    /// Whether anything of it could not be read.
    pub damaged: bool,
    /// The process that made it, when a recording tells.
    pub pid: Option<u32>,
}

/// Makes a dump of an image, which holds something in `extents` only. `now` is the time until which what still runs has run, in nanoseconds since 1970; without it,
/// the last time that the image knows.
///
/// # Errors
/// Why it can't be read.
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
            "the image is cut off: {missing} of its {} bytes are missing, and what lay there counts as zero",
            header.size
        ));
    }
    if tables.strays > 0 {
        notes.push(format!(
            "{} stack frames of the image were just being written, or are damaged: their callers are missing",
            tables.strays
        ));
    }
    if has_ended {
        notes.push(
            "the recording ended before its program: there was no room for it, and what was allocated later is missing".into(),
        );
    }
    if annex.damaged {
        notes.push("what the recording has of its modules ends early: some may be missing".into());
    }
    let damaged = bytes.len() < header.size || annex.damaged;
    Ok(Image { dump, notes, damaged, pid: annex.target.map(|target| target.pid) })
}
