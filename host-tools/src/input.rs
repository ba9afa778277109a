//! Files become bytes: memory-mapped where that is possible, unpacked where that is needed.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use crate::{Error, image, packets};

/// Most bytes that a compressed dump may grow to.
const MAX_UNPACKED: u64 = 1 << 30;

/// The content of a file.
pub enum Bytes {
    /// Mapped: pages come in as they are read.
    Mapped(Mmap),
    /// In memory.
    Owned(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

/// A dump as it was given: its bytes, and whether a compressed one ended early.
pub struct Input {
    /// The dump.
    pub bytes: Bytes,
    /// What was wrong with the compression, if anything: what stands before that is in `bytes`.
    pub unpacking: Option<String>,
    /// What is wrong with the memory image of which `bytes` is the dump, or with the line that it came over.
    pub notes: Vec<String>,
    /// Whether something of that image could not be read, or did not arrive.
    pub damaged: bool,
}

impl From<Bytes> for Input {
    fn from(bytes: Bytes) -> Self {
        Input { bytes, unpacking: None, notes: Vec::new(), damaged: false }
    }
}

/// Opens a dump: a file, or `-` for standard input; plain, gzip or zstd; as it is, or in packets from a line. Of a memory
/// image the dump is made here.
///
/// # Errors
/// When it can't be read, or unpacks to more than [`Error::TooLarge`] tells.
pub fn open(path: &Path) -> Result<Input, Error> {
    let input = unpacked(path)?;
    if !image::is_image(&input.bytes) {
        return Ok(from_line(input));
    }
    let read = image::read(&input.bytes, None);
    let image = read.map_err(|reason| Error::NotADump { path: path.into(), reason })?;
    let (bytes, notes) = (Bytes::Owned(image.dump), image.notes);
    Ok(Input { bytes, notes, damaged: image.damaged, unpacking: input.unpacking })
}

/// Puts together what came in packets.
fn from_line(input: Input) -> Input {
    let Some(arrived) = packets::read(&input.bytes) else { return input };
    let damaged = arrived.missing.is_some();
    let notes = arrived.missing.into_iter().collect();
    Input { bytes: Bytes::Owned(arrived.dump), notes, damaged, unpacking: input.unpacking }
}

fn unpacked(path: &Path) -> Result<Input, Error> {
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(|e| read_error(path, e))?;
        Bytes::Owned(bytes)
    } else {
        let mut file = File::open(path).map_err(|e| read_error(path, e))?;
        let metadata = file.metadata().map_err(|e| read_error(path, e))?;
        if metadata.is_file() {
            map(&file).map_err(|e| read_error(path, e))?
        } else {
            // A pipe or device that the user named (`<(…)` of a shell).
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(|e| read_error(path, e))?;
            Bytes::Owned(bytes)
        }
    };
    match bytes.get(..4) {
        Some([0x1f, 0x8b, ..]) => unpack(path, MAX_UNPACKED, flate2::read::MultiGzDecoder::new(&bytes[..])),
        Some([0x28, 0xb5, 0x2f, 0xfd]) => {
            unpack(path, MAX_UNPACKED, ZstdFrames { rest: &bytes, frame: None })
        }
        _ => Ok(bytes.into()),
    }
}

/// Maps a regular file that a dump or a command line names. Pipes and devices are refused before they are
/// opened: opening alone can block or have effects.
///
/// # Errors
/// When it is no regular file or can't be mapped.
pub fn open_regular(path: &Path) -> Result<Bytes, Error> {
    let is_file = std::fs::metadata(path).map_err(|e| read_error(path, e))?.is_file();
    if !is_file {
        return Err(Error::NotAFile { path: path.into() });
    }
    File::open(path).and_then(|file| map(&file)).map_err(|e| read_error(path, e))
}

fn map(file: &File) -> io::Result<Bytes> {
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::Owned(Vec::new()));
    }
    // SAFETY: the map is private and never written through, and all readers of it (the format's reader, object,
    // gimli) take arbitrary bytes and check every offset, so content that another process changes in the meantime
    // can give wrong records but no access outside the map. A file that is cut short meanwhile raises SIGBUS,
    // which ends the program: no memory of it is misused.
    Ok(Bytes::Mapped(unsafe { Mmap::map(file)? }))
}

fn unpack(path: &Path, limit: u64, decoder: impl Read) -> Result<Input, Error> {
    let mut bytes = Vec::new();
    let result = decoder.take(limit + 1).read_to_end(&mut bytes);
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { path: path.into(), limit });
    }
    let unpacking = result.err().map(|e| e.to_string());
    Ok(Input { unpacking, ..Bytes::Owned(bytes).into() })
}

fn read_error(path: &Path, source: io::Error) -> Error {
    Error::Read { path: path.into(), source }
}

/// All frames of a zstd file, one after the other: a dump that was compressed in pieces has several.
struct ZstdFrames<'a> {
    rest: &'a [u8],
    frame: Option<ruzstd::decoding::StreamingDecoder<&'a [u8], ruzstd::decoding::FrameDecoder>>,
}

impl Read for ZstdFrames<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let read = frame.read(out)?;
                if read > 0 || out.is_empty() {
                    return Ok(read);
                }
                self.rest = self.frame.take().map_or(&[], |frame| frame.into_inner());
            }
            if self.rest.is_empty() {
                return Ok(0);
            }
            let frame = ruzstd::decoding::StreamingDecoder::new(self.rest).map_err(io::Error::other)?;
            self.frame = Some(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacking_ends_at_the_limit() {
        let path = Path::new("bomb.gz");
        let result = unpack(path, 1000, io::repeat(0));
        assert!(matches!(result, Err(Error::TooLarge { limit: 1000, .. })));
        let whole = unpack(path, 1000, io::repeat(7).take(1000)).expect("fits");
        assert_eq!((whole.bytes.len(), whole.unpacking), (1000, None));
    }

    #[test]
    fn what_was_unpacked_before_an_error_is_kept() {
        let broken = (&[1u8, 2, 3][..]).chain(Broken);
        let input = unpack(Path::new("cut.gz"), 1000, broken).expect("not fatal");
        assert_eq!(&input.bytes[..], [1, 2, 3]);
        assert!(input.unpacking.is_some_and(|reason| reason.contains("broken")));
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
}
