//! Frames: a header, or a section with the bytes around its payload; and how a reader tells whether one begins at a place.

use crate::{HEADER_LEN, MAGIC, MAX_PAYLOAD, OVERHEAD, Tag, crc32};

/// The content of a frame.
#[derive(Clone, Copy)]
pub(crate) enum Head<'a> {
    Header { version: u16 },
    Section { tag: Tag, payload: &'a [u8] },
}

/// A header or section of which no byte is missing. Its CRC-32 is not checked before [`is_intact`](Frame::is_intact), which
/// takes time in proportion to its length.
pub(crate) struct Frame<'a> {
    pub(crate) head: Head<'a>,
    checked: &'a [u8],
    crc: u32,
}

impl<'a> Frame<'a> {
    /// The frame that begins with the first byte of `rest`.
    pub(crate) fn at(rest: &'a [u8]) -> Option<Self> {
        let header = rest.starts_with(&MAGIC);
        let length = if header { HEADER_LEN } else { OVERHEAD + payload_len(rest)? };
        let (checked, crc) = rest.get(..length)?.split_last_chunk::<4>()?;
        let head = match *checked {
            [_, _, _, _, _, _, _, _, v0, v1, ..] if header => {
                Head::Header { version: u16::from_le_bytes([v0, v1]) }
            }
            [a, b, c, d, ..] => Head::Section { tag: Tag([a, b, c, d]), payload: checked.get(8..)? },
            _ => return None,
        };
        Some(Frame { head, checked, crc: u32::from_le_bytes(*crc) })
    }

    /// The bytes that the CRC-32 covers: the cost of [`is_intact`](Frame::is_intact).
    pub(crate) fn cost(&self) -> usize {
        self.checked.len()
    }

    pub(crate) fn is_intact(&self) -> bool {
        crc32(self.checked) == self.crc
    }

    /// Whether this version knows its tag. Garbage looks like a section of an unknown tag too often.
    pub(crate) fn is_known(&self) -> bool {
        match self.head {
            Head::Header { .. } => true,
            Head::Section { tag, .. } => Tag::ALL.contains(&tag),
        }
    }
}

/// Every tag begins with a capital letter.
const _: () = {
    let mut tag = 0;
    while tag < Tag::ALL.len() {
        assert!(Tag::ALL[tag].0[0].is_ascii_uppercase(), "the search looks for capital letters");
        tag += 1;
    }
};

/// Whether a header, or a section of a known tag, may begin with a byte.
pub(crate) fn may_begin(byte: u8) -> bool {
    byte == MAGIC[0] || byte.is_ascii_uppercase()
}

/// Whether `rest` looks like the beginning of a header or section that is cut off.
pub(crate) fn is_cut_off(rest: &[u8]) -> bool {
    if rest.len() < HEADER_LEN && MAGIC.starts_with(&rest[..rest.len().min(MAGIC.len())]) {
        return true;
    }
    let name = &rest[..rest.len().min(4)];
    Tag::ALL.iter().any(|tag| tag.0.starts_with(name))
        && (rest.len() < 8 || payload_len(rest).is_some_and(|length| length + OVERHEAD > rest.len()))
}

/// The length field of the section at the beginning of `rest`.
fn payload_len(rest: &[u8]) -> Option<usize> {
    let field = rest.get(4..8)?.first_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*field)).ok().filter(|&length| length <= MAX_PAYLOAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_beginning_whose_end_is_missing_is_cut_off() {
        let mut header = [0xff; HEADER_LEN];
        header[..MAGIC.len()].copy_from_slice(&MAGIC);
        for length in [1, MAGIC.len(), HEADER_LEN - 1] {
            assert!(is_cut_off(&header[..length]), "a header's {length} bytes");
        }
        assert!(!is_cut_off(&header) && !is_cut_off(&[0xff; 2]) && !is_cut_off(&[0xff; 9]));

        let section = |length: usize, bytes: usize| {
            let mut section = [0; 64];
            section[..4].copy_from_slice(&Tag::ALL[0].0);
            section[4..8].copy_from_slice(&(length as u32).to_le_bytes());
            is_cut_off(&section[..bytes])
        };
        assert!(section(0, 2) && section(0, OVERHEAD - 1) && section(10, OVERHEAD + 9));
        assert!(!section(0, OVERHEAD) && !section(10, OVERHEAD + 10));
        assert!(!section(MAX_PAYLOAD + 1, 8), "no section is that long");
    }
}
