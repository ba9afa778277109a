//! Brings dumps and other files into memory.
//!
//! A dump may be a file or a pipe, compressed, a memory image, or packets from a serial line. Here all of them
//! become the bytes of a dump.
//!
//! - `source`: opens a path, or standard input.
//! - `unpack`: unpacks gzip and zstd.
//! - `opened`, `bytes`: the result.

mod bytes;
mod opened;
mod source;
mod unpack;

use std::path::Path;

use crate::extents::Extents;
use crate::units::things;
use crate::{Error, image, packets};

pub use bytes::Bytes;
pub use opened::Input;
pub use source::{open_regular, text};

/// The reason why a path is refused.
pub(crate) const NOT_REGULAR: &str = "not a regular file";

/// Opens a dump: a file, or `-` for standard input.
///
/// It may be compressed by gzip or zstd, a memory image, or in packets from a line. `limit` is the largest size in bytes of
/// a pipe and of an unpacked file. Without it, the limit accepts all dumps of usual sizes.
///
/// # Errors
/// Returns an error if the dump can't be read, or is larger than the limit.
pub fn open(path: &Path, limit: Option<u64>) -> Result<Input, Error> {
    let (bytes, extents) = source::contents(path, limit)?;
    let input = match unpack::unpack(path, &bytes, limit) {
        Some(unpacked) => unpacked?,
        None => Input::new(bytes, extents),
    };
    if !image::is_image(&input.bytes) {
        return Ok(from_line(without_holes(input)));
    }
    let read = image::read(&input.bytes, &input.extents, None);
    let image = read.map_err(|reason| Error::NotADump { path: path.into(), reason })?;
    let dump = Input::new(Bytes::Owned(image.dump), Extents::default());
    Ok(Input { notes: image.notes, damaged: image.damaged, unpacking: input.unpacking, ..dump })
}

/// Removes large holes: a search through them would take long, and find nothing.
fn without_holes(input: Input) -> Input {
    let Some((data, holes)) = input.extents.condensed(&input.bytes, 0) else { return input };
    let mut notes = input.notes;
    notes.push(format!(
        "the file has holes of {}, which were never written: they are left out",
        things(holes as u64, "byte")
    ));
    let dump = Input::new(Bytes::Owned(data), Extents::default());
    Input { notes, damaged: true, unpacking: input.unpacking, ..dump }
}

/// Joins the data of packets.
fn from_line(input: Input) -> Input {
    let Some(arrived) = packets::read(&input.bytes) else { return input };
    let dump = Input::new(Bytes::Owned(arrived.dump), Extents::default());
    let damaged = input.damaged || arrived.missing.is_some();
    let notes = input.notes.into_iter().chain(arrived.missing).collect();
    Input { notes, damaged, unpacking: input.unpacking, ..dump }
}
