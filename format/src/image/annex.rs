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
