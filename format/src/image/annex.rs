//! The annex: what a recording has behind its region. A head of words in the target's byte order, then two halves, of which
//! the current one counts: it consists of fragments of a dump.

use super::layout::Machine;
use super::read::Memory;

/// The first word. In a little-endian file it reads `\x89MTA`. An annex that begins otherwise consists of fragments alone.
pub const MAGIC: u32 = u32::from_le_bytes(*b"\x89MTA");
/// Bytes in front of the halves: a page, so that the halves begin with one.
pub const HEAD: usize = 4096;

/// The word that has the bytes of a half.
pub const HALF_LEN: usize = 1;
/// The word that has the number of the current half.
pub const CURRENT: usize = 2;
/// The words that have the bytes that are used of each half.
pub const USED: usize = 3;
/// The word that says whether the recording has ended: [`FULL`].
pub const STATE: usize = 5;
/// The words that have the process: its id, and when it began, the low half first.
pub const OWNER: usize = 6;
/// Words of the process.
pub const OWNER_WORDS: usize = 3;

/// The recording ended before the process: the file system had no room. 0: it did not.
pub const FULL: u32 = 1;

/// The half that a word means.
#[must_use]
pub const fn half(word: u32) -> usize {
    word as usize & 1
}

/// Where a half of `length` bytes begins, behind the annex's first byte.
#[must_use]
pub const fn begin(half: usize, length: usize) -> usize {
    HEAD.saturating_add(half.saturating_mul(length))
}

/// The current half of an annex, as far as it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current<'i> {
    /// Its fragments.
    pub fragments: &'i [u8],
    /// The recording ended before its process.
    pub is_full: bool,
}

impl<'i> Current<'i> {
    /// Finds it in an annex; `None` when that consists of fragments alone.
    #[must_use]
    pub fn read(bytes: &'i [u8], machine: Machine) -> Option<Current<'i>> {
        let word = |place: usize| Memory { bytes, machine }.u32(4 * place);
        if word(0) != MAGIC {
            return None;
        }
        let (half, length) = (half(word(CURRENT)), word(HALF_LEN) as usize);
        let (start, used) = (begin(half, length), (word(USED + half) as usize).min(length));
        let fragments = bytes.get(start..start.saturating_add(used)).unwrap_or_default();
        Some(Current { fragments, is_full: word(STATE) != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine = Machine { big_endian: false, pointer: 8, long: 8 };
    /// Bytes of a half.
    const HALF: usize = 8;

    /// An annex whose halves have the bytes 1 to 16. The words that are listed follow the magic number.
    fn annex(words: [u32; 5]) -> [u8; HEAD + 2 * HALF] {
        let mut bytes = [0; HEAD + 2 * HALF];
        for (to, word) in bytes.chunks_exact_mut(4).zip([MAGIC].into_iter().chain(words)) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes[HEAD..].iter_mut().zip(1..).for_each(|(byte, number)| *byte = number);
        bytes
    }

    fn read(words: [u32; 5]) -> Option<([u8; HALF], usize, bool)> {
        let bytes = annex(words);
        let current = Current::read(&bytes, MACHINE)?;
        let mut fragments = [0; HALF];
        fragments[..current.fragments.len()].copy_from_slice(current.fragments);
        Some((fragments, current.fragments.len(), current.is_full))
    }

    #[test]
    fn the_current_half_is_read_as_far_as_it_is_used() {
        // Bytes of a half, the current one, the bytes used of each, whether the file was full.
        assert_eq!(read([8, 0, 3, 5, 0]), Some(([1, 2, 3, 0, 0, 0, 0, 0], 3, false)));
        assert_eq!(read([8, 1, 3, 5, 1]), Some(([9, 10, 11, 12, 13, 0, 0, 0], 5, true)));
        assert_eq!(
            read([8, 6, 3, 5, 0]),
            read([8, 0, 3, 5, 0]),
            "its number counts up, and the lowest bit is the half"
        );
    }

    #[test]
    fn a_forged_annex_is_read_within_its_bytes() {
        assert_eq!(read([8, 0, 100, 0, 0]).unwrap().1, 8, "no more is used than there is");
        assert_eq!(read([u32::MAX, 1, 0, 9, 0]).unwrap().1, 0, "the half lies behind the end");
        assert_eq!(Current::read(&[0; HEAD], MACHINE), None);
        assert_eq!(Current::read(b"\x89MTA", MACHINE), Some(Current { fragments: &[], is_full: false }));
    }
}
