//! Files become bytes: memory-mapped where that is possible, unpacked where that is needed.

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

/// What a file is that is neither read nor written.
pub(crate) const NOT_REGULAR: &str = "not a regular file";

/// Opens a dump: a file, or `-` for standard input; plain, gzip or zstd; as it is, or in packets from a line. Of a memory
/// image the dump is made here. `limit` is the number of bytes that a compressed file or a pipe may hold; without it, one
/// by which no dump of a usual size is refused.
///
/// # Errors
/// When it can't be read, or unpacks to more than [`Error::TooLarge`] tells.
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

/// Leaves holes out that are not worth a search.
fn without_holes(input: Input) -> Input {
    let Some((data, holes)) = input.extents.condensed(&input.bytes, 0) else { return input };
    let mut notes = input.notes;
    notes.push(format!(
        "the file has holes, {} that nobody wrote: they are left out",
        things(holes as u64, "byte")
    ));
    let dump = Input::new(Bytes::Owned(data), Extents::default());
    Input { notes, damaged: true, unpacking: input.unpacking, ..dump }
}

/// Puts together what came in packets.
fn from_line(input: Input) -> Input {
    let Some(arrived) = packets::read(&input.bytes) else { return input };
    let dump = Input::new(Bytes::Owned(arrived.dump), Extents::default());
    let damaged = input.damaged || arrived.missing.is_some();
    let notes = input.notes.into_iter().chain(arrived.missing).collect();
    Input { notes, damaged, unpacking: input.unpacking, ..dump }
}
