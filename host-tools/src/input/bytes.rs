//! The content of a file.

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::{Mmap, MmapMut};

/// The content of a file.
pub enum Bytes {
    /// Mapped: the system reads a page when it is used.
    Mapped(Mmap),
    /// In memory.
    Owned(Vec<u8>),
    /// In a larger piece of memory, of which this many bytes are used.
    Unpacked(MmapMut, usize),
}

impl Bytes {
    /// Maps a file.
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            return Ok(Bytes::Owned(Vec::new()));
        }
        // SAFETY: the map is private and never written through. All of its readers (the format's reader, object, gimli)
        // accept arbitrary bytes and check every offset. If another process changes the file in the meantime, they may
        // return wrong records, but they make no access outside the map. If the file becomes shorter, the access raises
        // SIGBUS, which ends the program without misusing memory.
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
