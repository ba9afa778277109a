//! Unpacks compressed files up to a limit.

use std::io::{self, Read};
use std::path::Path;

use memmap2::MmapMut;

use super::bytes::Bytes;
use super::opened::Input;
use crate::extents::Extents;
use crate::{Error, image};

/// The limit without one from the user: this many bytes, or this multiple of the compressed size. A file that compresses
/// better is hardly a dump.
const LEAST: u64 = 64 << 20;
const RATIO: u64 = 32;
/// The limit of a recording's data behind its tables.
const ANNEX: u64 = 64 << 20;
/// The size of one step.
const PIECE: usize = 64 << 10;

/// Unpacks a compressed file; `None` if it is not compressed. `limit` is that of the user, and `path` is for errors.
pub(super) fn unpack(path: &Path, packed: &[u8], limit: Option<u64>) -> Option<Result<Input, Error>> {
    let least = LEAST.max((packed.len() as u64).saturating_mul(RATIO));
    match packed.get(..4)? {
        [0x1f, 0x8b, ..] => Some(read(path, flate2::read::MultiGzDecoder::new(packed), limit, least)),
        [0x28, 0xb5, 0x2f, 0xfd] => Some(read(path, ZstdFrames { rest: packed, frame: None }, limit, least)),
        _ => None,
    }
}

fn read(path: &Path, mut from: impl Read, limit: Option<u64>, least: u64) -> Result<Input, Error> {
    let mut first = Vec::new();
    let mut failed = from.by_ref().take(PIECE as u64).read_to_end(&mut first).err();
    let size = image::claimed_size(&first);
    // A memory image is mostly empty, and its first bytes claim its size.
    let limit = limit.unwrap_or_else(|| size.map_or(least, |size| least.max(size as u64 + ANNEX)));
    let too_large = || Error::TooLarge { path: path.into(), limit };
    if first.len() as u64 > limit {
        return Err(too_large());
    }
    let (bytes, extents) = match size.filter(|_| failed.is_none()) {
        Some(_) => {
            let room = usize::try_from(limit).unwrap_or(usize::MAX);
            let mut image = Sparse::new(room).map_err(|source| Error::Read { path: path.into(), source })?;
            image.push(&first);
            failed = image.fill(&mut from).err();
            let full = image.length == room && failed.is_none();
            if full && from.read(&mut [0]).is_ok_and(|more| more > 0) {
                return Err(too_large());
            }
            image.finish()
        }
        None => {
            let mut bytes = first;
            if failed.is_none() {
                let left = limit - bytes.len() as u64;
                failed = from.take(left.saturating_add(1)).read_to_end(&mut bytes).err();
            }
            if bytes.len() as u64 > limit {
                return Err(too_large());
            }
            (Bytes::Owned(bytes), Extents::default())
        }
    };
    Ok(Input { unpacking: failed.map(|e| e.to_string()), ..Input::new(bytes, extents) })
}

/// Memory in which zeros cost nothing, because they are not written.
struct Sparse {
    memory: MmapMut,
    length: usize,
    data: Vec<std::ops::Range<usize>>,
}

impl Sparse {
    fn new(room: usize) -> io::Result<Self> {
        let memory = memmap2::MmapOptions::new().len(room).no_reserve_swap().map_anon()?;
        Ok(Sparse { memory, length: 0, data: Vec::new() })
    }

    /// Reads until the end, or until it is full.
    fn fill(&mut self, from: &mut impl Read) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            let room = (self.memory.len() - self.length).min(PIECE);
            let read = match from.read(&mut piece[..room]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(());
            }
            self.push(&piece[..read]);
        }
    }

    fn push(&mut self, piece: &[u8]) {
        let range = self.length..self.length + piece.len();
        self.length = range.end;
        if piece.iter().all(|&byte| byte == 0) {
            return;
        }
        self.memory[range.clone()].copy_from_slice(piece);
        match self.data.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.data.push(range),
        }
    }

    fn finish(self) -> (Bytes, Extents) {
        (Bytes::Unpacked(self.memory, self.length), Extents::new(self.data))
    }
}

/// All frames of a zstd file, one after the other. A dump that was compressed in pieces has several frames.
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
        let result = read(path, io::repeat(7), Some(1000), 0);
        assert!(matches!(result, Err(Error::TooLarge { limit: 1000, .. })));
        let result = read(path, io::repeat(7), None, 100_000);
        assert!(matches!(result, Err(Error::TooLarge { limit: 100_000, .. })));
        let whole = read(path, io::repeat(7).take(1000), Some(1000), 0).expect("fits");
        assert_eq!((whole.bytes.len(), whole.unpacking), (1000, None));
    }

    #[test]
    fn what_was_unpacked_before_an_error_is_kept() {
        let broken = (&[1u8, 2, 3][..]).chain(Broken);
        let input = read(Path::new("cut.gz"), broken, None, 1000).expect("not fatal");
        assert_eq!(&input.bytes[..], [1, 2, 3]);
        assert!(input.unpacking.is_some_and(|reason| reason.contains("broken")));
    }

    #[test]
    fn zeros_of_an_image_cost_nothing() {
        let mut image = Sparse::new(1 << 40).expect("address space");
        image.fill(&mut io::repeat(0).take(1 << 20).chain(&[1, 2][..])).expect("read");
        let (bytes, extents) = image.finish();
        assert_eq!((bytes.len(), &bytes[1 << 20..]), ((1 << 20) + 2, &[1, 2][..]));
        assert_eq!(extents.next(0), Some(1 << 20));
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
}
