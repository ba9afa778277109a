//! A short name of fixed size, as a region stores it.

use memtrack_format::image::key::NAME_BYTES;

/// The most bytes of a name.
pub(crate) const NAME_LEN: usize = NAME_BYTES - 1;

/// Up to 47 bytes of text. All-zero is the empty name.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Name {
    len: u8,
    bytes: [u8; NAME_LEN],
}

impl Name {
    pub(crate) const EMPTY: Name = Name { len: 0, bytes: [0; NAME_LEN] };

    /// Keeps as much of `text` as fits, cut between characters.
    pub(crate) fn new(text: &str) -> Name {
        let mut end = text.len().min(NAME_LEN);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut name = Name::EMPTY;
        name.bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
        name.len = end as u8;
        name
    }

    /// Length and text, filled up with zeros.
    pub(crate) fn to_bytes(self) -> [u8; NAME_BYTES] {
        let mut bytes = [self.len; NAME_BYTES];
        bytes[1..].copy_from_slice(&self.bytes);
        bytes
    }

    /// The name whose [`to_bytes`](Self::to_bytes) these are.
    pub(crate) fn from_bytes([len, bytes @ ..]: [u8; NAME_BYTES]) -> Name {
        Name { len, bytes }
    }

    /// As text. A name read from a damaged region may not be UTF-8; then it is empty.
    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or("")
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

impl core::fmt::Debug for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn long_names_are_cut_between_characters() {
        let text = "ü".repeat(40);
        assert_eq!(Name::new(&text).as_str(), "ü".repeat(23));
        assert_eq!(Name::new("parse").as_str(), "parse");
        assert_eq!(Name::new("").as_str(), "");
    }
}
