//! Files become bytes: memory-mapped where that is possible, unpacked where that is needed.

mod extents;
mod source;
mod unpack;

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, MmapMut};

use crate::units::things;
use crate::{Error, image, packets};

pub use extents::Extents;
pub use source::{open_regular, text};

/// What a file is that is neither read nor written.
pub(crate) const NOT_REGULAR: &str = "not a regular file";

/// The content of a file.
pub enum Bytes {
    /// Mapped: pages come in as they are read.
    Mapped(Mmap),
    /// In memory.
    Owned(Vec<u8>),
    /// In memory of which only so many bytes are used.
    Unpacked(MmapMut, usize),
}

impl Bytes {
    /// Maps a file.
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            return Ok(Bytes::Owned(Vec::new()));
        }
        // SAFETY: the map is private and never written through, and all readers of it (the format's reader, object,
        // gimli) take arbitrary bytes and check every offset, so content that another process changes in the meantime
        // can give wrong records but no access outside the map. A file that is cut short meanwhile raises SIGBUS,
        // which ends the program: no memory of it is misused.
        Ok(Bytes::Mapped(unsafe { Mmap::map(file)? }))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
            Bytes::Unpacked(memory, length) => memory.get(..*length).unwrap_or_default(),
        }
    }
}

/// A dump as it was given: its bytes, and whether a compressed one ended early.
pub struct Input {
    /// The dump.
    pub bytes: Bytes,
    /// Where there is something in it.
    extents: Extents,
    /// What was wrong with the compression, if anything: what stands before that is in `bytes`.
    pub unpacking: Option<String>,
    /// What is wrong with the memory image of which `bytes` is the dump, or with the line that it came over.
    pub notes: Vec<String>,
    /// Whether something of that image could not be read, or did not arrive.
    pub damaged: bool,
}

impl Input {
    fn new(bytes: Bytes, extents: Extents) -> Self {
        Input { bytes, extents, unpacking: None, notes: Vec::new(), damaged: false }
    }
}

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
