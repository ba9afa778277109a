//! The content of a file.

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::{Mmap, MmapMut};

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
