//! The encoder: it collects records in a fixed buffer and writes them as sections.

use crate::record::{Done, Node, Record};
use crate::{CURRENT, MAGIC, OVERHEAD, Put, Tag, crc32, varint};

/// The destination of a dump's bytes.
pub trait Sink {
    /// Why bytes could not be taken.
    type Error;
    /// Takes all of `bytes`.
    ///
    /// # Errors
    /// When the sink cannot take the bytes. The dump ends there.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Why a record could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError<E> {
    /// The sink failed. The dump ends there.
    Sink(E),
    /// The record alone is larger than the buffer. It is left out, and the dump continues.
    RecordTooLarge,
}

/// Bytes before the payload: tag and length.
const HEAD: usize = 8;

/// Writes one snapshot. `N` is the size of its buffer, and so of the largest section.
pub struct Encoder<S, const N: usize> {
    sink: S,
    buffer: [u8; N],
    /// Bytes of the open section's payload.
    len: usize,
    open: Option<Tag>,
    sections: u64,
    /// The id and the address of the last node.
    node: (u32, u64),
}

impl<S: Sink, const N: usize> Encoder<S, N> {
    const FITS: () = assert!(
        N >= 128 && N <= crate::MAX_PAYLOAD,
        "the encoder's buffer must have 128 bytes at least and MAX_PAYLOAD at most"
    );

    /// Writes the header of a snapshot.
    ///
    /// # Errors
    /// When the sink fails.
    pub fn new(mut sink: S) -> Result<Self, S::Error> {
        const { Self::FITS };
        let mut header = [0; crate::HEADER_LEN];
        header[..8].copy_from_slice(&MAGIC);
        header[8..10].copy_from_slice(&CURRENT.to_le_bytes());
        let crc = crc32(&header[..12]);
        header[12..].copy_from_slice(&crc.to_le_bytes());
        sink.write(&header)?;
        Ok(Encoder { sink, buffer: [0; N], len: 0, open: None, sections: 0, node: (0, 0) })
    }

    /// Writes a record.
    ///
    /// # Errors
    /// When the sink fails, or when the record is larger than the buffer.
    pub fn record<'a, R: Record<'a>>(&mut self, record: &R) -> Result<(), EncodeError<S::Error>> {
        self.enter(R::TAG)?;
        if self.append(record) {
            return Ok(());
        }
        self.close()?;
        self.enter(R::TAG)?;
        if self.append(record) { Ok(()) } else { Err(EncodeError::RecordTooLarge) }
    }

    /// Writes the stack node `id`, from [`Node::FIRST`] to `u32::MAX - 1`. The caller writes nodes in rising order of ids, so
    /// parents come first.
    ///
    /// # Errors
    /// When the sink fails.
    pub fn node(&mut self, id: u32, node: Node) -> Result<(), EncodeError<S::Error>> {
        debug_assert!(node.parent < id, "parents come first");
        let gap = self.open == Some(Tag::NODE) && id.wrapping_sub(1) != self.node.0;
        if gap || self.len + 3 * varint::MAX_LEN > N - OVERHEAD {
            self.close()?;
        }
        self.enter(Tag::NODE)?;
        let first = self.len == 0;
        let before = if first { 0 } else { self.node.1 };
        let mut out = Put::new(&mut self.buffer[HEAD + self.len..N - 4]);
        if first {
            out.varint(u64::from(id));
        }
        out.varint(u64::from(id.wrapping_sub(node.parent)));
        out.varint(varint::zigzag(node.address.wrapping_sub(before) as i64));
        self.len += out.finish().unwrap_or(0);
        self.node = (id, node.address);
        Ok(())
    }

    /// Writes the record that makes the snapshot complete, and returns the sink.
    ///
    /// # Errors
    /// When the sink fails.
    pub fn finish(mut self) -> Result<S, EncodeError<S::Error>> {
        self.close()?;
        let done = Done { sections: self.sections };
        self.record(&done)?;
        self.close()?;
        Ok(self.sink)
    }

    fn append<'a, R: Record<'a>>(&mut self, record: &R) -> bool {
        let room = &mut self.buffer[HEAD + self.len..N - 4];
        // The length is in front of the record but is known behind it: leave one byte, and move the record if it takes two.
        let Some((_, body)) = room.split_first_mut() else { return false };
        let mut out = Put::new(body);
        record.put(&mut out);
        let Some(length) = out.finish() else { return false };
        let mut prefix = [0; varint::MAX_LEN];
        let n = varint::encode(length as u64, &mut prefix);
        if n + length > room.len() {
            return false;
        }
        if n > 1 {
            room.copy_within(1..1 + length, n);
        }
        room[..n].copy_from_slice(&prefix[..n]);
        self.len += n + length;
        true
    }

    fn enter(&mut self, tag: Tag) -> Result<(), EncodeError<S::Error>> {
        if self.open != Some(tag) {
            self.close()?;
            self.open = Some(tag);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), EncodeError<S::Error>> {
        let Some(tag) = self.open.take() else { return Ok(()) };
        let end = HEAD + self.len;
        let length = core::mem::take(&mut self.len) as u32;
        if length == 0 {
            return Ok(());
        }
        self.buffer[..4].copy_from_slice(&tag.0);
        self.buffer[4..HEAD].copy_from_slice(&length.to_le_bytes());
        let crc = crc32(&self.buffer[..end]);
        self.buffer[end..end + 4].copy_from_slice(&crc.to_le_bytes());
        self.sections += 1;
        self.sink.write(&self.buffer[..end + 4]).map_err(EncodeError::Sink)
    }
}
